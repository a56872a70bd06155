/** Maxima and means over windows, with their gradients. @module */
import * as kernels from "../../backend/kernels.ts";
import { record } from "../autograd.ts";
import { OptionError, ShapeError, showShape } from "../../errors.ts";
import type { PoolShape } from "../../backend/pooling.ts";
import { Tensor } from "../tensor.ts";
import { thinned, type Thinning, thinningOf } from "../thinning.ts";
import { type Window, windowShape } from "./convolution.ts";

/** How a window of pooling moves. */
export type PoolWindow = Omit<Window, "dilation">;

/** The shape of a pooling, and its output without numbers. */
function prepare(op: string, x: Tensor, window: PoolWindow): [PoolShape, Tensor] {
  if (x.rank < 3 || x.rank > 5) {
    throw new ShapeError(
      `${op}: expected an input [batch, channels, ...spatial] with one to three spatial axes, ` +
        `found ${showShape(x.shape)}.`,
    );
  }
  const shape = windowShape(op, x.shape.slice(2), window);
  window.padding?.forEach((pads, axis) => {
    // With more, a window could lie outside of the input altogether.
    const most = Math.floor(window.kernel[axis] / 2);
    if (Math.max(...pads) > most) throw new OptionError(`${op}.padding`, `at most half of the window, ${most}`, pads);
  });
  const out = Tensor.empty([x.shape[0], x.shape[1], ...shape.output.slice(5 - x.rank)], x.dtype);
  return [{ ...shape, planes: x.shape[0] * x.shape[1] }, out];
}

/** What is known of an input's channels holds of the output's: a channel of zeros is pooled to zeros. */
function channelsOf(x: Tensor): Thinning | undefined {
  const thinning = thinningOf(x);
  return thinning?.axis === 1 ? thinning : undefined;
}

/**
 * Largest entry of each window. Padding never wins; the gradient goes to the first among equals.
 *
 * @param x `[batch, channels, ...spatial]`, one to three spatial axes
 * @param window how the window moves; padding is at most half of it
 *
 * @example
 * ```ts
 * import { maxPool, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(maxPool(Tensor.of([[[1, 4, 2, 3]]]), { kernel: [2], stride: [2] }).toArray(), [[[4, 3]]]);
 * ```
 */
export function maxPool(x: Tensor, window: PoolWindow): Tensor {
  const [shape, out] = prepare("maxPool", x, window);
  const places = Tensor.empty(out.shape, "int32");
  if (out.size > 0) kernels.maxPool(x.floats, out.floats, places.ints, shape);
  const y = record("maxPool", [x], out, (dy) => {
    const dx = Tensor.empty(x.shape, x.dtype);
    if (dx.size > 0) kernels.maxPoolGradient(dy.floats, places.ints, dx.floats, shape);
    return [dx];
  });
  return thinned(y, channelsOf(x));
}

/**
 * Mean of each window.
 *
 * @param x `[batch, channels, ...spatial]`, one to three spatial axes
 * @param window how the window moves; padding is at most half of it
 * @param countPadding whether zeros of the padding count; default true
 *
 * @example
 * ```ts
 * import { averagePool, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(averagePool(Tensor.of([[[1, 4, 2, 3]]]), { kernel: [2], stride: [2] }).toArray(), [[[2.5, 2.5]]]);
 * ```
 */
export function averagePool(x: Tensor, window: PoolWindow, countPadding = true): Tensor {
  const [shape, out] = prepare("averagePool", x, window);
  if (out.size > 0) kernels.averagePool(x.floats, out.floats, countPadding, shape);
  const y = record("averagePool", [x], out, (dy) => {
    const dx = Tensor.empty(x.shape, x.dtype);
    if (dx.size > 0) kernels.averagePoolGradient(dy.floats, dx.floats, countPadding, shape);
    return [dx];
  });
  return thinned(y, channelsOf(x));
}
