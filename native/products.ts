/**
 * Who computes matrix products: which of its kernels OpenBLAS is to take for this processor, and which kinds of products
 * are left to the library's own product. That is measured once on a machine and kept in the cache, since neither follows
 * from the instruction set: on one processor with AVX-512 the narrower kernels are the faster ones, on the next the wider.
 *
 * @module
 */
import { OptionError } from "../core/errors.ts";
import { type CacheFolder, discard, makeWorkFolder, readRecord, writeRecord } from "./cache.ts";
import type { Variant } from "./symbols.ts";
import { variable } from "./system.ts";

/** Kinds of products, in the order of their bits in `native/src/products.h`. */
export const productKinds = ["narrow", "small", "plain", "first transposed", "second transposed"] as const;

/** Who computes what. */
export interface ProductPlan {
  /** The core type whose kernels OpenBLAS takes; empty for the one that it chooses by itself. */
  readonly core: string;
  /** The kinds that are left to the own product, a bit for each. */
  readonly leaves: number;
}

/** All kinds of products. */
export const allKinds: number = (1 << productKinds.length) - 1;

/** Core types of OpenBLAS that have kernels for 512-bit registers. */
const wideCores = ["skylakex", "cooperlake", "sapphirerapids"];

/**
 * The kinds that are left to the own product where nothing has been measured: an OpenBLAS that is older than the processor
 * has kernels for narrower registers only.
 */
export function unmeasuredLeaves(core: string, variant: Variant): number {
  return variant === "avx512" && !wideCores.includes(core.toLowerCase()) ? allKinds & ~1 : 0;
}

/** Core types that are worth trying for an instruction set. */
export function coresToTry(variant: Variant): readonly string[] {
  if (variant === "avx512") return ["", "SkylakeX", "Cooperlake", "SapphireRapids", "Haswell", "Zen"];
  return variant === "avx2" ? ["", "Haswell", "Zen"] : [""];
}

/** Shapes that are timed: rows, columns and inner extent of a product as training meets it, and what is transposed. */
export const probeShapes: readonly { kind: number; m: number; n: number; k: number; a: boolean; b: boolean }[] = [
  { kind: 0, m: 128, n: 10, k: 1024, a: false, b: true },
  { kind: 0, m: 10, n: 1024, k: 128, a: true, b: false },
  { kind: 1, m: 32, n: 128, k: 784, a: false, b: true },
  { kind: 1, m: 128, n: 784, k: 32, a: true, b: false },
  { kind: 2, m: 128, n: 1024, k: 1024, a: false, b: false },
  { kind: 3, m: 1024, n: 1024, k: 128, a: true, b: false },
  { kind: 4, m: 128, n: 1024, k: 1024, a: false, b: true },
];

/** Seconds that each of the shapes took, with the kernels of one core type. */
export interface Timing {
  /** The core type, as OpenBLAS calls it; empty for the own product. */
  readonly core: string;
  /** Seconds, one for each of the shapes. */
  readonly seconds: readonly number[];
  /** By what share the least times of different turns differ: what the machine's other work does to them. Default 0. */
  readonly noise?: number;
}

const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** A timing from the seconds of some turns: the least of each shape, and how far the next best turn is from that. */
export function timingOf(core: string, turns: readonly (readonly number[])[]): Timing {
  const sorted = probeShapes.map((_, shape) => turns.map((seconds) => seconds[shape]).sort((a, b) => a - b));
  const noise = turns.length < 2 ? 0 : middle(sorted.map(([least, next]) => next / least - 1));
  return { core, seconds: sorted.map(([least]) => least), noise };
}

/** A difference that is always taken for noise; a larger one is if turns differ by more. */
const MARGIN = 0.04;

/**
 * The plan that suits some timings best. What is timed first is kept unless another is clearly faster, and products are
 * OpenBLAS's unless the own ones clearly are.
 *
 * @param own timings of the own product
 * @param blas those of OpenBLAS with some core types, the one that it chooses by itself first
 */
export function choosePlan(own: Timing, blas: readonly Timing[]): ProductPlan {
  /** How long each kind takes with a core type, over the own product's time: the means of its shapes' ratios. */
  const ratios = (timing: Timing) =>
    productKinds.map((_, kind) => {
      const of = probeShapes.map((shape, i) => ({ kind: shape.kind, ratio: timing.seconds[i] / own.seconds[i] }))
        .filter((shape) => shape.kind === kind).map(({ ratio }) => Math.log(ratio));
      return Math.exp(of.reduce((sum, ratio) => sum + ratio, 0) / of.length);
    });
  const margin = (...timings: Timing[]) => Math.max(MARGIN, ...timings.map(({ noise = 0 }) => noise));
  let best: { plan: ProductPlan; score: number; timing: Timing } | undefined;
  for (const timing of blas) {
    const found = ratios(timing);
    const clear = 1 + margin(own, timing);
    const leaves = found.reduce((bits, ratio, kind) => ratio > clear ? bits | 1 << kind : bits, 0);
    const score = found.reduce((sum, ratio) => sum + Math.log(Math.min(ratio, 1)), 0);
    const better = best === undefined || score < best.score - margin(best.timing, timing) * productKinds.length;
    if (better) best = { plan: { core: timing.core, leaves }, score, timing };
  }
  return best?.plan ?? { core: "", leaves: allKinds };
}

/** What is asked for by `THINNED_PRODUCTS`, or by OpenBLAS's own `OPENBLAS_CORETYPE`; a fixed plan, or core types to try. */
export async function askedProducts(
  valueOf: (name: string) => Promise<string | undefined> = variable,
): Promise<{ plan: ProductPlan } | { cores: readonly string[] | undefined }> {
  const asked = await valueOf("THINNED_PRODUCTS") ?? "auto";
  if (asked === "own") return { plan: { core: "", leaves: allKinds } };
  if (asked === "openblas") return { plan: { core: "", leaves: 0 } };
  if (asked !== "auto") {
    if (!/^[A-Za-z0-9]+$/.test(asked)) {
      throw new OptionError(
        "THINNED_PRODUCTS",
        "auto, own, openblas, or a core type of OpenBLAS such as Haswell",
        asked,
      );
    }
    return { plan: { core: asked, leaves: 0 } };
  }
  const core = await valueOf("OPENBLAS_CORETYPE");
  return { cores: core === undefined ? undefined : [core] };
}

const recordName = "products.json";

/** A plan that was made before for the same machine and libraries. */
export async function recordedPlan(folder: CacheFolder, machine: string): Promise<ProductPlan | undefined> {
  const plan = (await readRecord(folder, recordName))?.[machine] as Partial<ProductPlan> | undefined;
  const { core, leaves } = plan ?? {};
  const valid = typeof core === "string" && Number.isInteger(leaves) && leaves! >= 0 && leaves! <= allKinds;
  return valid ? { core, leaves: leaves! } : undefined;
}

/** Keeps a plan for a machine, with what it was made from. */
export async function recordPlan(
  folder: CacheFolder,
  machine: string,
  plan: ProductPlan,
  timings: readonly Timing[],
): Promise<void> {
  const work = await makeWorkFolder(folder);
  if (work === undefined) return;
  try {
    const others = await readRecord(folder, recordName) ?? {};
    await writeRecord(folder, work, recordName, { ...others, [machine]: { ...plan, timings } });
  } finally {
    await discard(work);
  }
}
