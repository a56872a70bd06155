/**
 * Draws from addresses: masks, dropout, uniform and normal numbers. What the edge rates do is decided here, once for
 * all variants: at a rate of 0 nothing is dropped and nothing drawn; at a rate of 1 everything is, with zero gradients.
 *
 * @module
 */
import * as kernels from "../../backend/random.ts";
import { record } from "../autograd.ts";
import { OptionError } from "../../errors.ts";
import type { DrawAddress } from "../../backend/draw.ts";
import { decisionBits, keepProbability, type Key, rateThreshold } from "../../random/key.ts";
import { normalizeAxis, type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** How {@linkcode dropout} draws and scales. */
export interface DropoutOptions {
  /** Axes along which one draw is shared, as numbers; negative ones count from the end, 0 is the batch. */
  sharedAxes?: readonly number[];
  /** Whether kept entries are divided by the probability of keeping; default true. */
  scale?: boolean;
}

/** Throws unless a rate is a number in [0, 1]. */
export function checkRate(rate: number, what = "rate"): void {
  if (!(rate >= 0 && rate <= 1)) throw new OptionError(what, "a number in [0, 1]", rate);
}

/** Decisions for a tensor: which entries are kept. */
export interface Decisions {
  /** Number of rows. */
  readonly rows: number;
  /** Entries of a row. */
  readonly cols: number;
  /** In units of `2^-bits`. */
  readonly threshold: number;
  /** Bits a decision takes. */
  readonly bits: 16 | 32;
  /** Where they lie. */
  readonly address: DrawAddress;
}

/** Rows and columns of a draw: the first axis is the batch, unless the key has none. */
function extents(shape: Shape, key: Key): { rows: number; cols: number } {
  if (key.isWhole || shape.length === 0) return { rows: 1, cols: sizeOf(shape) };
  return { rows: shape[0], cols: sizeOf(shape.slice(1)) };
}

/** The decisions of a rate in (0, 1) for a tensor of a shape. */
export function decisions(shape: Shape, key: Key, rate: number): Decisions {
  const { rows, cols } = extents(shape, key);
  const threshold = rateThreshold(rate);
  const bits = decisionBits(threshold);
  return {
    rows,
    cols,
    threshold: bits === 16 ? threshold / 65536 : threshold,
    bits,
    address: key.draw(rows, cols, bits),
  };
}

/** The key and the shape of a draw that is shared along some axes, and whether it has to be stretched to the whole shape. */
export function sharedDraw(shape: Shape, key: Key, sharedAxes: readonly number[]): { shape: Shape; key: Key } {
  const shared = sharedAxes.map((axis) => normalizeAxis(axis, shape.length, "sharedAxes"));
  if (shared.length === 0) return { shape, key };
  const from = shared.includes(0) && !key.isWhole ? key.shared() : key;
  // Rows of several passes that share a draw within each pass keep their axis: the table says what is shared.
  const batch = !shared.includes(0) || (!key.isWhole && !from.rows.alike);
  return {
    shape: shape.map((extent, axis) => shared.includes(axis) && !(axis === 0 && batch) ? 1 : extent),
    key: from,
  };
}

/**
 * Zeroes each entry with probability `rate` and divides the others by the probability of keeping. The first axis is the
 * batch. The mask is not stored: the gradient draws it again from its address.
 */
export function dropout(x: Tensor, key: Key, rate: number, options: DropoutOptions = {}): Tensor {
  checkRate(rate);
  const threshold = rateThreshold(rate);
  if (threshold === 0) return x;
  if (rate === 1) {
    return record("dropout", [x], Tensor.zeros(x.shape, x.dtype), () => [Tensor.zeros(x.shape, x.dtype)]);
  }
  const scale = options.scale ?? true ? 1 / keepProbability(threshold) : 1;
  return keep(x, key, rate, options.sharedAxes ?? [], scale);
}

/** `kept ? scale x : 0`, for a rate in (0, 1). */
export function keep(x: Tensor, key: Key, rate: number, sharedAxes: readonly number[], scale: number): Tensor {
  const compact = sharedDraw(x.shape, key, sharedAxes);
  if (compact.shape !== x.shape && compact.shape.some((extent, axis) => extent !== x.shape[axis])) {
    const draw = () => bernoulli(compact.shape, compact.key, rate, scale, x.floatType);
    const out = x.detach().mask(draw());
    return record("dropout", [x], out, (dy) => [dy.mask(draw())]);
  }
  const chosen = decisions(x.shape, compact.key, rate);
  const run = (from: Tensor) => {
    const out = Tensor.empty(from.shape, from.dtype);
    const { rows, cols, threshold, bits, address } = chosen;
    kernels.mask(from.floats, out.floats, address, rows, cols, threshold, bits, scale, 0, 0);
    return out;
  };
  return record("dropout", [x], run(x), (dy) => [run(dy)]);
}

/** `kept ? x : other`, for a rate in (0, 1); both have one shape. */
export function choose(x: Tensor, other: Tensor, key: Key, rate: number, sharedAxes: readonly number[]): Tensor {
  const compact = sharedDraw(x.shape, key, sharedAxes);
  const whole = compact.shape.every((extent, axis) => extent === x.shape[axis]);
  if (!whole) {
    const kept = bernoulli(compact.shape, compact.key, rate, 1, x.floatType);
    return x.mask(kept).add(other.mask(kept.sub(1).neg()));
  }
  const { rows, cols, threshold, bits, address } = decisions(x.shape, compact.key, rate);
  const out = Tensor.empty(x.shape, x.dtype);
  kernels.select(x.floats, other.floats, out.floats, address, rows, cols, threshold, bits, 1);
  return record("choose", [x, other], out, (dy, needs) => {
    const part = (needed: boolean, a: number, dropped: boolean) => {
      if (!needed) return null;
      const part = Tensor.empty(x.shape, x.dtype);
      if (!dropped) kernels.mask(dy.floats, part.floats, address, rows, cols, threshold, bits, a, 0, 0);
      else {kernels.select(
          Tensor.zeros(x.shape, x.dtype).floats,
          dy.floats,
          part.floats,
          address,
          rows,
          cols,
          threshold,
          bits,
          1,
        );}
      return part;
    };
    return [part(needs[0], 1, false), part(needs[1], 1, true)];
  });
}

/** A mask: 0 with probability `rate`, else `value`. The first axis is the batch. */
export function bernoulli(
  shape: Shape,
  key: Key,
  rate: number,
  value = 1,
  dtype: "float32" | "float64" = "float32",
): Tensor {
  checkRate(rate);
  if (rate === 1) return Tensor.zeros(shape, dtype);
  if (rateThreshold(rate) === 0) return Tensor.full(shape, value, dtype);
  const out = Tensor.empty(shape, dtype);
  const { rows, cols, threshold, bits, address } = decisions(shape, key, rate);
  kernels.bernoulli(out.floats, address, rows, cols, threshold, bits, value);
  return out;
}

/** Uniform numbers in the open interval (0, 1). The first axis is the batch. */
export function uniform(shape: Shape, key: Key, dtype: "float32" | "float64" = "float32"): Tensor {
  const out = Tensor.empty(shape, dtype);
  const { rows, cols } = extents(shape, key);
  kernels.uniform(out.floats, key.draw(rows, cols), rows, cols);
  return out;
}

/** Standard normal numbers. The first axis is the batch. */
export function normal(shape: Shape, key: Key, dtype: "float32" | "float64" = "float32"): Tensor {
  const out = Tensor.empty(shape, dtype);
  const { rows, cols } = extents(shape, key);
  kernels.normal(out.floats, key.draw(rows, cols), rows, cols);
  return out;
}
