/**
 * What a variant says that its draws share: in the masks that it returns, by its claims, or by an option `share`. What is not
 * said is expected to be independent.
 *
 * @module
 */
import type { Mask } from "../core/mod.ts";
import type { AxisKind, Site } from "./sites.ts";
import type { Options } from "./rates.ts";
import type { Claims } from "../core/mod.ts";

/** What a variant says at one site. */
export interface Sharing {
  /** Axes of the site's output along which one draw is shared. */
  readonly axes: ReadonlySet<AxisKind>;
  /** How many consecutive examples share a draw. */
  readonly group: number;
  /** Whether entries of one example depend on one another. */
  readonly entries: boolean;
  /** Whether entries along the last axis do, since a row that lost everything is kept. */
  readonly rows: boolean;
  /** Whether examples of a batch depend on one another. */
  readonly examples: boolean;
  /** Whether masks are drawn once, with the model. */
  readonly fixed: boolean;
}

/** Which axis a name means, by the number of axes: `[batch, features]`, `[batch, time, features]` and so on. */
const namedAxes: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  batch: { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 },
  time: { 3: 1 },
  features: { 2: 1, 3: 2 },
  channels: { 3: 1, 4: 1, 5: 1 },
  length: { 3: 2 },
  depth: { 5: 2 },
  height: { 4: 2, 5: 3 },
  width: { 4: 3, 5: 4 },
};

/** Numbers of the axes that an option `share` names; none where there is no such option, or it names no axes. */
function ofOption({ share }: Options, rank: number): number[] {
  if (!Array.isArray(share)) return [];
  return share.flatMap((axis) => {
    const number: unknown = typeof axis === "string" ? namedAxes[axis]?.[rank] : axis;
    return typeof number === "number" ? [number] : [];
  });
}

/** What a variant says; `mask` is what it returned, null where it is a method. */
export function sharingOf(site: Site, claims: Claims, options: Options, mask: Mask | null): Sharing {
  const { draw, shares = [] } = claims;
  const said = [
    ...shares.filter((one) => typeof one === "number"),
    ...(mask?.share ?? []),
    ...ofOption(options, site.rank),
  ]
    .map((axis) => axis < 0 ? axis + site.rank : axis);
  const axes = new Set<AxisKind>();
  for (const axis of said) {
    // At an embedding the axes are those of a mask's draw, [batch, words, features], or of the table, [words, features].
    const byTable = site.role === "embedding" && mask === null;
    if (byTable) axes.add(2);
    else if (site.role === "embedding" && axis === 1) axes.add("words");
    else if (axis === 0 && site.batched) axes.add("examples");
    else axes.add(axis);
  }
  // A table is drawn once for all examples, unless something else is said.
  const oneTable = !site.samples && site.batched && mask === null && draw !== "sample";
  if (draw === "batch" || oneTable) axes.add("examples");
  if (shares.includes("time")) axes.add("time");
  return {
    axes,
    group: mask?.group ?? 1,
    entries: site.mixes || shares.includes("entries"),
    rows: mask?.empty === "kept",
    examples: shares.includes("examples"),
    fixed: draw === "fixed",
  };
}
