/** The linear maps of dense layers and convolutions, as variants of the whole product call them. @module */
import type { Epilogue } from "../backend/epilogue.ts";
import { ShapeError } from "../errors.ts";
import type { MaskAhead } from "../tensor/mask_ahead.ts";
import { sizeOf } from "../tensor/shape.ts";
import { convolution, type ConvolutionOptions } from "../tensor/ops/convolution.ts";
import { affine, matmul } from "../tensor/ops/products.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Foresee } from "../tensor/thinning.ts";

/**
 * A layer's own linear map `f(x W^T + b)`, for whatever weight: see {@linkcode ProductContext.multiply}.
 *
 * @param x an input of the layer, batch first
 * @param weight of the shape of the layer's, or with one more axis in front: a weight for each example
 * @param bias one number for each unit or channel, `[units]`, or `[batch, units]` for each example; null for none
 * @param epilogue the activation f. Default `none`
 * @param foresee which outputs a later mask keeps: see {@linkcode LayerContext.foresee}
 * @param ahead the mask that comes next: see {@linkcode LayerContext.ahead}
 */
export type Multiply = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  epilogue?: Epilogue,
  foresee?: Foresee,
  ahead?: MaskAhead,
) => Tensor;

/** Refuses weights or biases that are not one for each example. */
function checkExamples(what: string, count: number, batch: number): void {
  if (count !== batch) {
    throw new ShapeError(`multiply: expected a ${what} for each of ${batch} examples, found ${count}.`);
  }
}

/**
 * `f(x W^T + b)`, the map of a dense layer.
 *
 * @param x `[batch, ..., inputs]`
 * @param weight `[units, inputs]`, or `[batch, units, inputs]`
 * @param bias `[units]`, `[batch, units]`, or null
 * @param epilogue the activation f. Default `none`
 * @param foresee which outputs a later mask keeps
 * @param ahead the mask that comes next
 */
export function denseMultiply(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  epilogue: Epilogue = "none",
  foresee?: Foresee,
  ahead?: MaskAhead,
): Tensor {
  if (weight.rank !== 3 && bias?.rank !== 2) return affine(x, weight, bias, epilogue, foresee, ahead);
  const [batch, inputs] = [x.shape[0], x.shape[x.rank - 1]];
  if (weight.rank === 3) checkExamples("weight", weight.shape[0], batch);
  let y = matmul(x.reshape([batch, sizeOf(x.shape.slice(1, -1)), inputs]), weight, { transposeB: true });
  const units = y.shape[2];
  if (bias?.rank === 2) {
    checkExamples("bias", bias.shape[0], batch);
    y = y.add(bias.reshape([batch, 1, units]));
  } else if (bias !== null) y = y.add(bias);
  y = y.reshape([...x.shape.slice(0, -1), units]);
  return epilogue === "none" ? y : y[epilogue]();
}

/**
 * The map of a convolution: `x: [batch, inputs, ...]`, `weight: [channels, inputs / groups, ...kernel]` or one for each
 * example, `bias: [channels]`, `[batch, channels]` or null.
 *
 * @param options how the window moves; the kernel's extents are the weight's
 */
export function convolutionMultiply(options: Omit<ConvolutionOptions, "epilogue">): Multiply {
  return (x, weight, bias, epilogue = "none", foresee, ahead) => {
    if (weight.rank === x.rank && bias?.rank !== 2) {
      return convolution(x, weight, bias, { ...options, epilogue, foresee, ahead });
    }
    // Examples become groups of channels of a single example.
    const [batch, inputs, ...extents] = x.shape;
    const own = weight.rank === x.rank ? weight.broadcastTo([batch, ...weight.shape]) : weight;
    const [count, channels, ...rest] = own.shape;
    checkExamples("weight", count, batch);
    if (bias?.rank === 2) checkExamples("bias", bias.shape[0], batch);
    // There are no groups without examples: whatever the weight, the output is empty.
    if (batch === 0) return convolution(x, own.sum(0), bias?.rank === 2 ? bias.sum(0) : bias, { ...options, epilogue });
    const y = convolution(
      x.reshape([1, batch * inputs, ...extents]),
      own.reshape([batch * channels, ...rest]),
      bias && bias.broadcastTo([batch, channels]).reshape([batch * channels]),
      { ...options, groups: batch * (options.groups ?? 1), epilogue },
    );
    return y.reshape([batch, channels, ...y.shape.slice(2)]);
  };
}
