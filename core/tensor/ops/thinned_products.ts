/**
 * The dense layer's product where units of its input or output are dropped for whole groups of examples: only the others
 * are computed, forward and backward.
 *
 * @module
 */
import * as kernels from "../../backend/kernels.ts";
import { type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { keptShare, type Thinning, thinningOf } from "../thinning.ts";

/** Rows of a batch with the inputs and the outputs that count in them. */
interface Part {
  readonly rows: Int32Array<ArrayBuffer>;
  readonly inputs: Int32Array<ArrayBuffer>;
  readonly outputs: Int32Array<ArrayBuffer>;
}

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
/** Above this share of what is left, too. */
const MOST_LEFT = 0.85;
/** And with fewer rows than this in a part, on average: packing a weight for so few costs more than is saved. */
const LEAST_ROWS = 48;

const counted = new Map<number, Int32Array<ArrayBuffer>>();

/** The numbers below `count`. */
function allBelow(count: number): Int32Array<ArrayBuffer> {
  let list = counted.get(count);
  if (list === undefined) {
    if (counted.size > 256) counted.clear();
    counted.set(count, list = Int32Array.from({ length: count }, (_, i) => i));
  }
  return list;
}

/** The rows at which either kind of groups begins, and the end. */
function boundaries(batch: number, ...thinnings: (Thinning | null)[]): number[] {
  const all = new Set([0, batch]);
  for (const thinning of thinnings) for (const { from } of thinning?.groups ?? []) all.add(from);
  return [...all].sort((a, b) => a - b);
}

function unitsAt(thinning: Thinning | null, row: number, extent: number): Int32Array<ArrayBuffer> {
  if (thinning === null) return allBelow(extent);
  return thinning.groups.find(({ from, to }) => from <= row && row < to)!.units;
}

/** What is known of the units of the last axis. */
function lastAxis(thinning: Thinning | null | undefined, shape: Shape): Thinning | null {
  return thinning && thinning.axis === shape.length - 1 && thinning.extent === shape[thinning.axis] ? thinning : null;
}

/** Zeros, written by all threads. */
function zeros(shape: Shape, like: Tensor): Tensor {
  const out = Tensor.empty(shape, like.dtype);
  kernels.fill(out.floats, 0);
  return out;
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
  if (lines * units * inputs < LEAST_WORK || left > MOST_LEFT) return null;
  const batch = x.shape[0];
  const across = lines / batch;
  const starts = boundaries(batch, before, after);
  if (lines < LEAST_ROWS * (starts.length - 1)) return null;
  const parts: Part[] = starts.slice(1).map((to, i) => ({
    rows: allBelow(lines).subarray(starts[i] * across, to * across),
    inputs: unitsAt(before, starts[i], inputs),
    outputs: unitsAt(after, starts[i], units),
  }));
  const shape = { alpha: 1, transposeA: false, transposeB: false, beta: 0 };
  return {
    forward() {
      const out = zeros([lines, units], x);
      for (const { rows, inputs: from, outputs } of parts) {
        const sizes = { allRows: lines, allCols: units, allInners: inputs, ...shape, transposeB: true };
        const counts = { m: rows.length, n: outputs.length, k: from.length };
        kernels.partGemm(x.floats, weight.floats, out.floats, rows, outputs, from, { ...sizes, ...counts });
      }
      return out;
    },
    inputGradient(dy) {
      const dx = zeros([lines, inputs], x);
      for (const { rows, inputs: to, outputs } of parts) {
        const sizes = { allRows: lines, allCols: inputs, allInners: units, ...shape };
        const counts = { m: rows.length, n: to.length, k: outputs.length };
        kernels.partGemm(dy.floats, weight.floats, dx.floats, rows, to, outputs, { ...sizes, ...counts });
      }
      return dx;
    },
    weightGradient(dy) {
      const dWeight = zeros([units, inputs], x);
      for (const [i, { rows, inputs: from, outputs }] of parts.entries()) {
        // What the first part meets is still 0, and need not be read.
        const beta = i === 0 ? 0 : 1;
        const sizes = { allRows: units, allCols: inputs, allInners: lines, ...shape, transposeA: true, beta };
        const counts = { m: outputs.length, n: from.length, k: rows.length };
        kernels.partGemm(dy.floats, x.floats, dWeight.floats, outputs, from, rows, { ...sizes, ...counts });
      }
      return dWeight;
    },
  };
}
