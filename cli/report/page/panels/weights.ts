/** Norms of weights over the epochs, and the units that max-norm holds. @module */
import * as Plot from "@observablehq/plot";
import type { WeightReport } from "../../report_data.ts";
import { brief, percent, percentTick, tick } from "../format.ts";
import { folded, multiples, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";
import { lastOf, overEpochs } from "./_over_epochs.ts";

/** A parameter of a run. */
interface Weight {
  readonly shown: Shown;
  readonly weight: WeightReport;
}

/** How large the weights are, and where max-norm stands. */
export function weights({ runs }: View): HTMLElement | undefined {
  const all = runs.flatMap((shown) => shown.run.weights.map((weight) => ({ shown, weight })));
  if (all.length === 0) return undefined;
  const byName = (some: readonly Weight[]) => [...Map.groupBy(some, ({ weight }) => weight.name).values()];
  const matrices = byName(all.filter(({ weight }) => weight.shape.length > 1));
  const vectors = byName(all.filter(({ weight }) => weight.shape.length <= 1));
  const held = byName(all.filter(({ weight }) => weight.maxNorm !== undefined));
  return panel(
    "weights",
    "Weights",
    "The Euclidean norm of each parameter: one that only grows asks for weight decay or a norm constraint. With " +
      "max-norm, the share of units that are at their limit: where many are, it is at work.",
    matrices.length > 0 && multiples("Norms", matrices.map(norm), "small"),
    held.length > 0 && multiples("Units at the limit of max-norm", held.map(hits), "small"),
    vectors.length > 0 &&
      folded(
        "vectors",
        `Biases and other vectors (${vectors.length})`,
        multiples(undefined, vectors.map(norm), "small"),
      ),
  );
}

function norm(group: readonly Weight[]): HTMLElement {
  const [{ weight }] = group;
  return overEpochs(
    `${weight.name} · ${weight.shape.join(" × ")}`,
    group.map(({ shown, weight }) => ({
      shown,
      values: weight.norm,
    })),
    {
      label: `Norm of ${weight.name} over the epochs: ${
        group.map(({ shown, weight }) => `${shown.run.name} ends with ${brief(lastOf(weight.norm))}`).join(", ")
      }`,
      text: brief,
      tick,
    },
  );
}

function hits(group: readonly Weight[]): HTMLElement {
  const [{ weight }] = group;
  const limits = [...new Set(group.map(({ weight }) => brief(lastOf(weight.maxNorm!.limit))))];
  return overEpochs(
    `${weight.name}, at most ${limits.join(" or ")}`,
    group.map(({ shown, weight }) => ({
      shown,
      values: weight.maxNorm!.hits,
    })),
    {
      label: `Share of units of ${weight.name} that are at the limit of max-norm: ${
        group.map(({ shown, weight }) => `${shown.run.name} ends with ${percent(lastOf(weight.maxNorm!.hits), 1)}`)
          .join(", ")
      }`,
      text: (value) => percent(value, 1),
      tick: percentTick,
      domain: [0, 1],
      more: [Plot.ruleY([1], { stroke: "var(--line)" })],
    },
  );
}
