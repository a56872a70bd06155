/**
 * Draws from addresses: dropout, masks, uniform and normal numbers. What the edge rates do is decided here, once for
 * all variants: a rate of 0 is the identity, a rate of 1 gives zeros with zero gradients.
 *
 * @module
 */
import * as kernels from "../../backend/kernels.ts";
import { record } from "../autograd.ts";
import { OptionError } from "../../errors.ts";
import { keepProbability, type Key, rateThreshold } from "../../random/key.ts";
import { normalizeAxis, type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** How {@linkcode dropout} draws and scales. */
export interface DropoutOptions {
  /** Axes along which one draw is shared, as numbers; negative ones count from the end. */
  sharedAxes?: readonly number[];
  /** Whether kept entries are divided by the probability of keeping; default true. */
  scale?: boolean;
}

/** Throws unless a rate is a number in [0, 1]. */
export function checkRate(rate: number, what = "rate"): void {
  if (!(rate >= 0 && rate <= 1)) throw new OptionError(what, "a number in [0, 1]", rate);
}

/** Elements drawn for each sample of a tensor whose first axis is the batch; 0 when the batch shares one draw. */
function rowSize(shape: Shape): number {
  return shape.length === 0 ? 1 : sizeOf(shape.slice(1));
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
  const shared = (options.sharedAxes ?? []).map((axis) => normalizeAxis(axis, x.rank, "sharedAxes"));
  if (shared.length > 0) {
    const shape = x.shape.map((extent, axis) => shared.includes(axis) ? 1 : extent);
    const wholeBatch = shared.includes(0);
    const draw = () => bernoulli(shape, wholeBatch ? key.sample(0) : key, rate, scale, x.floatType);
    const out = x.detach().mask(draw());
    return record("dropout", [x], out, (dy) => [dy.mask(draw())]);
  }
  const address = key.address(rowSize(x.shape));
  const out = Tensor.empty(x.shape, x.dtype);
  kernels.streamDropout(x.floats, out.floats, address, threshold, scale);
  return record("dropout", [x], out, (dy) => {
    const dx = Tensor.empty(x.shape, x.dtype);
    kernels.streamDropout(dy.floats, dx.floats, address, threshold, scale);
    return [dx];
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
  const out = Tensor.empty(shape, dtype);
  kernels.streamBernoulli(out.floats, key.address(rowSize(shape)), rateThreshold(rate), value);
  return out;
}

/** Uniform numbers in the open interval (0, 1). The first axis is the batch. */
export function uniform(shape: Shape, key: Key, dtype: "float32" | "float64" = "float32"): Tensor {
  const out = Tensor.empty(shape, dtype);
  kernels.streamUniform(out.floats, key.address(rowSize(shape)));
  return out;
}

/** Standard normal numbers. The first axis is the batch. */
export function normal(shape: Shape, key: Key, dtype: "float32" | "float64" = "float32"): Tensor {
  const out = Tensor.empty(shape, dtype);
  kernels.streamNormal(out.floats, key.address(rowSize(shape)));
  return out;
}
