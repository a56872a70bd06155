/** Convolution over one to three spatial axes, with its gradients. @module */
import * as kernels from "../../backend/kernels.ts";
import type { Epilogue } from "../../backend/epilogue.ts";
import { record } from "../autograd.ts";
import { OptionError, ShapeError, showShape } from "../../errors.ts";
import type { MaskAhead } from "../mask_ahead.ts";
import { sameShape, type Shape } from "../shape.ts";
import type { ConvolutionShape } from "../../backend/convolution.ts";
import type { Spatial, WindowShape } from "../../backend/window.ts";
import { Tensor } from "../tensor.ts";
import type { Foresee } from "../thinning.ts";
import { checkTypes } from "./elementwise.ts";
import { sum } from "./reductions.ts";
import { keptChannels, thinnedConvolution } from "./thinned_convolution.ts";

/** How a window moves: for each spatial axis, outermost first. */
export interface Window {
  /** Extents of the window, at least 1. */
  readonly kernel: readonly number[];
  /** Distance from one window to the next, at least 1. Default 1. */
  readonly stride?: readonly number[];
  /** `[before, after]`: what is added around the input, at least 0. Default none. */
  readonly padding?: readonly (readonly [number, number])[];
  /** Distance from one tap to the next, at least 1. Default 1. */
  readonly dilation?: readonly number[];
}

/** Fills up to three axes with extents of 1 in front. */
function spatial(values: readonly number[], fill: number): Spatial {
  const missing = new Array<number>(3 - values.length).fill(fill);
  return [...missing, ...values] as unknown as Spatial;
}

function checkWhole(what: string, values: readonly number[], axes: number, least: number): void {
  if (values.length !== axes || values.some((value) => !Number.isInteger(value) || value < least)) {
    throw new OptionError(what, `${axes} whole numbers of at least ${least}`, values);
  }
}

/**
 * What a window makes of an input's spatial extents, checked.
 *
 * @throws {ShapeError} when the window does not fit into the padded input
 */
export function windowShape(op: string, extents: Shape, window: Window): WindowShape {
  const axes = extents.length;
  const { kernel, stride = kernel.map(() => 1), dilation = kernel.map(() => 1) } = window;
  const padding = window.padding ?? kernel.map(() => [0, 0] as const);
  checkWhole(`${op}.kernel`, kernel, axes, 1);
  checkWhole(`${op}.stride`, stride, axes, 1);
  checkWhole(`${op}.dilation`, dilation, axes, 1);
  checkWhole(`${op}.padding`, padding.flat(), 2 * axes, 0);
  const output = extents.map((extent, axis) => {
    const span = dilation[axis] * (kernel[axis] - 1) + 1;
    const padded = extent + padding[axis][0] + padding[axis][1];
    if (padded < span) {
      throw new ShapeError(
        `${op}: a window that spans ${span} does not fit into axis ${axis} of the spatial extents ` +
          `${showShape(extents)}, which has ${padded} with its padding.`,
      );
    }
    return Math.floor((padded - span) / stride[axis]) + 1;
  });
  return {
    input: spatial(extents, 1),
    output: spatial(output, 1),
    kernel: spatial(kernel, 1),
    stride: spatial(stride, 1),
    padding: spatial(padding.map(([before]) => before), 0),
    dilation: spatial(dilation, 1),
  };
}

/** How {@linkcode convolution} is done; the kernel's extents are the weight's. */
export interface ConvolutionOptions extends Omit<Window, "kernel"> {
  /** Independent groups that the channels are split into. Default 1. */
  readonly groups?: number;
  /** An activation fused behind the bias. Default none. */
  readonly epilogue?: Epilogue;
  /** Which output channels a later mask keeps; the others are not computed. */
  readonly foresee?: Foresee | undefined;
  /** The mask that comes next: behind ReLU the gradient passes both at once. */
  readonly ahead?: MaskAhead | undefined;
}

/**
 * `f(x * weight + bias)`: a cross-correlation, as is usual, over one to three spatial axes.
 *
 * @param x `[batch, inputs, ...spatial]`
 * @param weight `[outputs, inputs / groups, ...kernel]`
 * @param bias `[outputs]`, or null for none
 * @returns `[batch, outputs, ...]`; extents are floor((extent + padding - dilation (kernel - 1) - 1) / stride) + 1
 * @throws {ShapeError} when the operands do not fit each other
 *
 * @example
 * ```ts
 * import { convolution, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const x = Tensor.of([[[1, 2, 3, 4]]]);
 * assertEquals(convolution(x, Tensor.of([[[1, 10]]]), null).toArray(), [[[21, 32, 43]]]);
 * ```
 */
export function convolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvolutionOptions = {},
): Tensor {
  const { groups = 1, epilogue = "none", foresee, ahead } = options;
  const shape = shapeOf(x, weight, bias, groups, options);
  const outShape = [shape.batch, weight.shape[0], ...shape.output.slice(5 - x.rank)];
  const lists = groups === 1 ? keptChannels(x, weight, outShape, foresee?.(outShape) ?? null) : null;
  if (lists !== null) return thinnedConvolution(x, weight, bias, epilogue, { ...shape, outShape }, lists);
  const out = Tensor.empty(outShape, x.dtype);
  if (out.size > 0) kernels.convolution(x.floats, weight.floats, bias?.floats ?? null, out.floats, epilogue, shape);
  const mask = epilogue === "relu" ? ahead?.plain(outShape) ?? null : null;
  if (mask !== null) {
    const { rows, cols, address, threshold, bits, scale } = mask;
    kernels.mask(out.floats, out.floats, address, rows, cols, threshold, bits, scale, 0, 0);
    ahead!.applied(out);
  }
  const operands = bias === null ? [x, weight] : [x, weight, bias];
  return record("convolution", operands, out, (dy, needs) => {
    let before = dy;
    if (mask !== null) {
      before = Tensor.empty(dy.shape, dy.dtype);
      kernels.rectifyMaskGradient(dy.floats, out.floats, before.floats, null, mask.scale, 1, out.size);
    } else if (epilogue !== "none") {
      before = Tensor.empty(dy.shape, dy.dtype);
      kernels.unaryGradient(epilogue, out.floats, out.floats, dy.floats, before.floats, 0, 0);
    }
    let dx: Tensor | null = null;
    if (needs[0]) {
      dx = Tensor.empty(x.shape, x.dtype);
      if (dx.size > 0) kernels.convolutionInputGradient(before.floats, weight.floats, dx.floats, shape);
    }
    let dWeight: Tensor | null = null;
    if (needs[1]) {
      dWeight = Tensor.empty(weight.shape, weight.dtype);
      if (out.size > 0) kernels.convolutionWeightGradient(x.floats, before.floats, dWeight.floats, shape);
      else kernels.fill(dWeight.floats, 0);
    }
    const others = before.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const dBias = bias !== null && needs[2] ? sum(before, others) : null;
    return [dx, dWeight, dBias];
  });
}

function shapeOf(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  groups: number,
  options: ConvolutionOptions,
): ConvolutionShape {
  const fits = x.rank >= 3 && x.rank <= 5 && weight.rank === x.rank && groups >= 1 &&
    weight.shape[1] * groups === x.shape[1] && weight.shape[0] % groups === 0 && !weight.shape.includes(0);
  if (!fits) {
    throw new ShapeError(
      `convolution: an input [batch, inputs, ...spatial] of shape ${showShape(x.shape)} does not fit a weight ` +
        `[outputs, inputs / groups, ...kernel] of ${showShape(weight.shape)} in ${groups} groups.`,
    );
  }
  if (bias !== null && !sameShape(bias.shape, [weight.shape[0]])) {
    throw new ShapeError(`convolution: expected a bias of shape [${weight.shape[0]}], found ${showShape(bias.shape)}.`);
  }
  checkTypes("convolution", x, weight);
  if (bias !== null) checkTypes("convolution", x, bias);
  const window = windowShape("convolution", x.shape.slice(2), { ...options, kernel: weight.shape.slice(2) });
  return {
    ...window,
    batch: x.shape[0],
    groups,
    inputs: weight.shape[1],
    outputs: weight.shape[0] / groups,
  };
}
