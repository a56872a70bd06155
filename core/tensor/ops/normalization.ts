/** Normalisation to mean 0 and variance 1, with its gradients. @module */
import * as kernels from "../../backend/kernels.ts";
import { record } from "../autograd.ts";
import { OptionError, ShapeError, showShape } from "../../errors.ts";
import { sameShape, sizeOf } from "../shape.ts";
import type { NormalizationShape } from "../../backend/normalization.ts";
import { Tensor } from "../tensor.ts";
import { checkTypes } from "./elementwise.ts";
import { slice } from "./movement.ts";
import { averagePool } from "./pooling.ts";

/** How {@linkcode normalize} takes its statistics. */
export interface NormalizeOptions {
  /**
   * What shares a mean and a variance. `channel`: an axis 1, over all other axes (batch norm). `group`: a run of
   * channels of one example, over all further axes (group norm). `trailing`: the last axes of one example (layer norm).
   */
  readonly over: "channel" | "group" | "trailing";
  /** For `group`, the number of groups; for `trailing`, the number of axes. Default 1. */
  readonly count?: number;
  /** Factor of what has been normalised: `[channels]`, or the trailing axes' shape. Default 1. */
  readonly scale?: Tensor | null;
  /** Added at the end, of the same shape. Default 0. */
  readonly shift?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** A mean and a variance to use, `[channels]` each, in place of the input's; only for `channel`. */
  readonly given?: { readonly mean: Tensor; readonly variance: Tensor };
}

/** What {@linkcode normalize} gives. */
export interface Normalized {
  /** The output, of the input's shape. */
  readonly output: Tensor;
  /** The mean that was used, without a history. */
  readonly mean: Tensor;
  /** The variance that was used, divided by the count, without a history. */
  readonly variance: Tensor;
}

function shapeOf(x: Tensor, { over, count = 1, epsilon = 1e-5, given }: NormalizeOptions): NormalizationShape {
  const common = { acrossBatch: over === "channel", frozen: given !== undefined, epsilon };
  if (!(epsilon >= 0)) throw new OptionError("normalize.epsilon", "a number of at least 0", epsilon);
  if (!Number.isInteger(count) || count < 1) {
    throw new OptionError("normalize.count", "a whole number of at least 1", count);
  }
  if (over === "trailing") {
    if (x.rank <= count) {
      throw new ShapeError(`normalize: expected more than ${count} axes, found shape ${showShape(x.shape)}.`);
    }
    const batch = sizeOf(x.shape.slice(0, -count));
    return { batch, groups: 1, channels: sizeOf(x.shape.slice(-count)), positions: 1, ...common };
  }
  if (x.rank < 2) {
    throw new ShapeError(`normalize: expected an input [batch, channels, ...], found shape ${showShape(x.shape)}.`);
  }
  const [batch, all] = x.shape;
  const groups = over === "channel" ? all : count;
  if (all % groups !== 0) {
    throw new ShapeError(`normalize: ${all} channels cannot be split into ${groups} groups of one size.`);
  }
  return { batch, groups, channels: all / groups, positions: sizeOf(x.shape.slice(2)), ...common };
}

/**
 * `(x - mean) / sqrt(variance + epsilon) * scale + shift`. Gradients flow through the mean and the variance, too,
 * unless they are given.
 *
 * @param x `[batch, ...]`
 * @throws {ShapeError} when scale, shift or the statistics do not fit
 *
 * @example
 * ```ts
 * import { normalize, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { output, mean } = normalize(Tensor.of([[1, 3], [10, 30]]), { over: "trailing", epsilon: 0 });
 * assertEquals(output.toArray(), [[-1, 1], [-1, 1]]);
 * assertEquals(mean.toArray(), [2, 20]);
 * ```
 */
export function normalize(x: Tensor, options: NormalizeOptions): Normalized {
  const shape = shapeOf(x, options);
  const { scale = null, shift = null, given } = options;
  for (const operand of [scale, shift]) {
    if (operand === null) continue;
    const wanted = options.over === "trailing" ? x.shape.slice(-(options.count ?? 1)) : [x.shape[1]];
    if (!sameShape(operand.shape, wanted)) {
      throw new ShapeError(
        `normalize: expected scale and shift of shape ${showShape(wanted)}, found ${showShape(operand.shape)}.`,
      );
    }
    checkTypes("normalize", x, operand);
  }
  const sets = shape.acrossBatch ? shape.groups : shape.batch * shape.groups;
  const statistics = Tensor.empty([2, sets], x.dtype);
  if (given !== undefined) {
    if (!shape.acrossBatch) throw new OptionError("normalize.given", "none unless over channels", options.over);
    [given.mean, given.variance].forEach((value, i) => {
      if (!sameShape(value.shape, [sets])) {
        throw new ShapeError(`normalize: expected ${sets} means and variances, found ${showShape(value.shape)}.`);
      }
      checkTypes("normalize", x, value);
      statistics.floats.set(value.floats, i * sets);
    });
  }
  const output = Tensor.empty(x.shape, x.dtype);
  if (x.size > 0) {
    kernels.normalize(x.floats, scale?.floats ?? null, shift?.floats ?? null, output.floats, statistics.floats, shape);
  }
  const operands = [x, ...(scale === null ? [] : [scale]), ...(shift === null ? [] : [shift])];
  record("normalize", operands, output, (dy) => {
    const dx = Tensor.empty(x.shape, x.dtype);
    const features = shape.groups * shape.channels;
    const dAffine = Tensor.empty([2, features], x.dtype);
    if (x.size === 0) kernels.fill(dAffine.floats, 0);
    else {
      kernels.normalizeGradient(
        x.floats,
        scale?.floats ?? null,
        statistics.floats,
        dy.floats,
        dx.floats,
        dAffine.floats,
        shape,
      );
    }
    const part = (operand: Tensor | null, row: number) =>
      operand === null ? [] : [slice(dAffine, [row], [row + 1]).reshape(operand.shape)];
    return [dx, ...part(scale, 0), ...part(shift, 1)];
  });
  const [mean, variance] = [0, 1].map((row) => slice(statistics, [row], [row + 1]).reshape([sets]));
  return { output, mean, variance };
}

/** The constants of {@linkcode localResponse}. */
export interface LocalResponseOptions {
  /** Number of neighbouring channels that are summed, at least 1. */
  readonly size: number;
  /** Factor of their mean square. Default 1e-4. */
  readonly alpha?: number;
  /** Exponent. Default 0.75. */
  readonly beta?: number;
  /** Added to the mean square. Default 1. */
  readonly k?: number;
}

/**
 * Local response normalisation: `x / (k + alpha / size * sum of squares of neighbouring channels)^beta`. Channel c has
 * the neighbours `c - floor(size / 2)` to `c + floor((size - 1) / 2)`, as far as they exist.
 *
 * @param x `[batch, channels, ...]`
 *
 * @example
 * ```ts
 * import { localResponse, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const x = Tensor.of([[3, 4]]);
 * assertEquals(localResponse(x, { size: 1, alpha: 1, beta: 0.5, k: 0 }).toArray(), [[1, 1]]);
 * ```
 */
export function localResponse(x: Tensor, options: LocalResponseOptions): Tensor {
  const { size, alpha = 1e-4, beta = 0.75, k = 1 } = options;
  if (x.rank < 2) {
    throw new ShapeError(`localResponse: expected an input [batch, channels, ...], found ${showShape(x.shape)}.`);
  }
  const [batch, channels] = x.shape;
  // The channels become a spatial axis, along which a window takes the mean, zeros outside included.
  const squares = x.square().reshape([batch, 1, channels, sizeOf(x.shape.slice(2))]);
  const means = averagePool(squares, {
    kernel: [size, 1],
    padding: [[Math.floor(size / 2), Math.floor((size - 1) / 2)], [0, 0]],
  });
  return x.mul(means.reshape(x.shape).mul(alpha).add(k).pow(-beta));
}
