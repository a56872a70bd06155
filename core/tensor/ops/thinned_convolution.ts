/**
 * A convolution where channels of its input or output are dropped for the whole batch: the others are gathered, convolved
 * and put back.
 *
 * @module
 */
import * as kernels from "../../backend/kernels.ts";
import type { ConvolutionShape } from "../../backend/convolution.ts";
import type { Epilogue } from "../../backend/epilogue.ts";
import { record } from "../autograd.ts";
import { type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { type Thinning, thinningOf } from "../thinning.ts";
import { sum } from "./reductions.ts";

type List = Int32Array<ArrayBuffer>;

/** Channels that are left; null for all of them. */
export interface KeptChannels {
  /** Those of the input. */
  readonly inputs: List | null;
  /** Those of the output. */
  readonly outputs: List | null;
}

/** Below this many multiplications the whole is done: gathering would cost more. */
const LEAST_WORK = 2 ** 20;
/** Above this share of what is left, too. */
const MOST_LEFT = 0.75;

/** The channels that one mask keeps in all examples. */
function common(thinning: Thinning | null | undefined, channels: number): List | null {
  if (!thinning || thinning.axis !== 1 || thinning.extent !== channels || thinning.groups.length !== 1) return null;
  return thinning.groups[0].units;
}

/** The channels that are left, where that is worth the while. */
export function keptChannels(x: Tensor, weight: Tensor, out: Shape, kept: Thinning | null): KeptChannels | null {
  const lists = { inputs: common(thinningOf(x), x.shape[1]), outputs: common(kept, weight.shape[0]) };
  const share = (list: List | null, all: number) => list === null ? 1 : list.length / all;
  const left = share(lists.inputs, x.shape[1]) * share(lists.outputs, weight.shape[0]);
  const work = sizeOf(out) * sizeOf(weight.shape.slice(1));
  const nothing = lists.inputs?.length === 0 || lists.outputs?.length === 0;
  return left > MOST_LEFT || work < LEAST_WORK || nothing ? null : lists;
}

/** The rows of a matrix `[outer, inner]` of which both numbers are listed. */
function pairs(outer: number, inner: number, outers: List | null, inners: List | null): List {
  const [m, n] = [outers?.length ?? outer, inners?.length ?? inner];
  const list = new Int32Array(m * n);
  for (let i = 0; i < m; i++) {
    const first = (outers === null ? i : outers[i]) * inner;
    for (let j = 0; j < n; j++) list[i * n + j] = first + (inners === null ? j : inners[j]);
  }
  return list;
}

/** The listed rows of `cols` numbers each. */
function gather(x: Tensor, rows: List | null, cols: number, shape: Shape): Tensor {
  if (rows === null) return Tensor.view(x, shape);
  const out = Tensor.empty(shape, x.dtype);
  kernels.gatherRows(x.floats, rows, out.floats, cols);
  return out;
}

/** Zeros with some rows in their places. */
function scatter(x: Tensor, rows: List | null, cols: number, shape: Shape): Tensor {
  if (rows === null) return Tensor.view(x, shape);
  const out = Tensor.zeros(shape, x.dtype);
  kernels.scatterAddRows(x.floats, rows, out.floats, cols);
  return out;
}

/**
 * `f(x * weight + bias)` in the channels that are left, 0 in the others.
 *
 * @param shape that of the whole convolution
 * @param lists the channels that are left
 */
export function thinnedConvolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  epilogue: Epilogue,
  shape: ConvolutionShape & { readonly outShape: Shape },
  { inputs, outputs }: KeptChannels,
): Tensor {
  const { batch, outShape } = shape;
  const [all, given] = weight.shape;
  const [i, o] = [inputs?.length ?? given, outputs?.length ?? all];
  const [plane, outPlane, taps] = [x.shape, outShape, weight.shape].map((whole) => sizeOf(whole.slice(2)));
  const fromRows = inputs && pairs(batch, given, null, inputs);
  const toRows = outputs && pairs(batch, all, null, outputs);
  const weightRows = pairs(all, given, outputs, inputs);
  const small: ConvolutionShape = { ...shape, inputs: i, outputs: o };
  const part = gather(x, fromRows, plane, [batch, i, ...x.shape.slice(2)]);
  const filters = gather(weight, weightRows, taps, [o, i, ...weight.shape.slice(2)]);
  const shift = bias && gather(bias, outputs, 1, [o]);
  const y = Tensor.empty([batch, o, ...outShape.slice(2)], x.dtype);
  if (y.size > 0) {
    kernels.convolution(part.floats, filters.floats, shift?.floats ?? null, y.floats, epilogue, small);
  }
  const operands = bias === null ? [x, weight] : [x, weight, bias];
  return record("convolution", operands, scatter(y, toRows, outPlane, outShape), (dy, needs) => {
    let before = gather(dy, toRows, outPlane, y.shape);
    if (epilogue !== "none") {
      const inner = Tensor.empty(y.shape, y.dtype);
      kernels.unaryGradient(epilogue, y.floats, y.floats, before.floats, inner.floats, 0, 0);
      before = inner;
    }
    let dx: Tensor | null = null;
    if (needs[0]) {
      const own = Tensor.empty(part.shape, x.dtype);
      if (own.size > 0) kernels.convolutionInputGradient(before.floats, filters.floats, own.floats, small);
      dx = scatter(own, fromRows, plane, x.shape);
    }
    let dWeight: Tensor | null = null;
    if (needs[1]) {
      const own = Tensor.zeros(filters.shape, x.dtype);
      if (y.size > 0) kernels.convolutionWeightGradient(part.floats, before.floats, own.floats, small);
      dWeight = scatter(own, weightRows, taps, weight.shape);
    }
    const others = before.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const dBias = bias !== null && needs[2] ? scatter(sum(before, others), outputs, 1, bias.shape) : null;
    return [dx, dWeight, dBias];
  });
}
