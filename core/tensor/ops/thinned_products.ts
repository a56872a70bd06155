/**
 * The dense layer's product where units of its input or output are dropped for whole groups of examples: only the others
 * are computed, forward and backward.
 *
 * @module
 */
import * as kernels from "../../backend/kernels.ts";
import { type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { gradientProduct } from "./gradient_product.ts";
import { keptShare, type Thinning, thinningOf } from "../thinning.ts";

/** The places that groups of rows keep along an axis: place p of group g is the number `g extent + p`. */
type Places = Int32Array<ArrayBuffer>;

/** A product of a dense layer in parts. */
export interface ThinnedProduct {
  /** `x W^T` in the outputs that are kept, and 0 in the others. */
  forward(): Tensor;
  /** The gradient with respect to x in the inputs that are kept, and 0 in the others, which are dropped before. */
  inputGradient(dy: Tensor): Tensor;
  /** The gradient with respect to the weight. */
  weightGradient(dy: Tensor): Tensor;
}

/** Below this many multiplications a product is done whole: the lists would cost more. */
const LEAST_WORK = 2 ** 18;
/** Numbers that tell a group and a place in it. */
const MOST_PLACES = 2 ** 31 - 1;
/** Above this share of the whole product's time, as it is estimated, too. */
const MOST_TIME = 0.92;
/** Rows of a group are lanes of registers: they are computed in whole ones of so many. */
const LANES = 16;
/** Storing a group's share of the weight's gradient takes as long as multiplying for so many more rows. */
const ROWS_TO_STORE = 8;
/** Multiplying in parts takes this much longer, for the same number of multiplications. */
const IN_PARTS = 1.15;

/**
 * The time that a product in parts takes over that of the whole one, for a share of its multiplications. An estimate from
 * measurements with registers of 16 lanes, by shape alone, so that it is the same on every machine.
 */
function timeLeft(share: number, starts: Int32Array, lines: number): number {
  let computed = 0;
  starts.forEach((start, i) => computed += Math.ceil(((starts[i + 1] ?? lines) - start) / LANES) * LANES);
  return share * (computed / lines) * (IN_PARTS + ROWS_TO_STORE * starts.length / lines);
}

/** The rows at which either kind of groups begins, and the end. */
function boundaries(batch: number, ...thinnings: (Thinning | null)[]): number[] {
  const all = new Set([0, batch]);
  for (const thinning of thinnings) for (const { from } of thinning?.groups ?? []) all.add(from);
  return [...all].sort((a, b) => a - b);
}

/** What each group keeps of an axis; all of it where nothing is known. */
function placesOf(thinning: Thinning | null, starts: readonly number[], extent: number): Places {
  if (thinning === null) return Int32Array.from({ length: starts.length * extent }, (_, i) => i);
  const units = starts.map((row) => thinning.groups.find(({ from, to }) => from <= row && row < to)!.units);
  const places = new Int32Array(units.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  units.forEach((list, group) => {
    for (let i = 0; i < list.length; i++) places[at++] = group * extent + list[i];
  });
  return places;
}

/** What is known of the units of the last axis. */
function lastAxis(thinning: Thinning | null | undefined, shape: Shape): Thinning | null {
  return thinning && thinning.axis === shape.length - 1 && thinning.extent === shape[thinning.axis] ? thinning : null;
}

/**
 * A product in parts; null where the whole is as well computed at once.
 *
 * @param x `[batch, ..., inputs]`
 * @param weight `[outputs, inputs]`
 * @param kept the outputs that something later keeps, if that is known
 */
export function thinnedProduct(x: Tensor, weight: Tensor, kept: Thinning | null): ThinnedProduct | null {
  const [units, inputs] = weight.shape;
  const [before, after] = [lastAxis(thinningOf(x), x.shape), lastAxis(kept, [...x.shape.slice(0, -1), units])];
  if (before === null && after === null) return null;
  const lines = sizeOf(x.shape.slice(0, -1));
  const left = (before === null ? 1 : keptShare(before)) * (after === null ? 1 : keptShare(after));
  if (lines * units * inputs < LEAST_WORK) return null;
  const batch = x.shape[0];
  const across = lines / batch;
  const rows = boundaries(batch, before, after);
  const groups = rows.length - 1;
  const starts = Int32Array.from({ length: groups }, (_, group) => rows[group] * across);
  if (timeLeft(left, starts, lines) > MOST_TIME || groups * Math.max(units, inputs) > MOST_PLACES) return null;
  const keptInputs = placesOf(before, rows.slice(0, -1), inputs);
  const keptUnits = placesOf(after, rows.slice(0, -1), units);
  const product = (from: Tensor, cols: number, inners: Places, kept: Places, transposeB: boolean) => {
    const out = Tensor.empty([lines, cols], x.dtype);
    kernels.groupedGemm(from.floats, weight.floats, out.floats, starts, inners, kept, {
      allRows: lines,
      allCols: cols,
      allInners: transposeB ? inputs : units,
      groups,
      keptInners: inners.length,
      keptCols: kept.length,
      transposeB,
    });
    return out;
  };
  return {
    forward: () => product(x, units, keptInputs, keptUnits, true),
    inputGradient: (dy) => product(dy, inputs, keptUnits, keptInputs, false),
    weightGradient: (dy) =>
      gradientProduct(weight, dy, Tensor.view(x, [lines, inputs]), {
        starts,
        keptRows: keptUnits,
        keptCols: keptInputs,
      }),
  };
}
