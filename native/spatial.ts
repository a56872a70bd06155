/** Convolution, pooling and normalisation by the native library. @module */
import {
  type ConvolutionShape,
  epilogues,
  type NormalizationShape,
  type PoolShape,
  type SpatialKernels,
  type WindowShape,
} from "../core/backend/backend.ts";
import type { kernelSymbols } from "./symbols.ts";

type Kernels = Deno.DynamicLibrary<typeof kernelSymbols>["symbols"];

/** The kernels over images, sequences and volumes; `check` throws when a status is not 0. */
export function spatialKernels(kernels: Kernels, check: (status: number, kernel: string) => void): SpatialKernels {
  // Reused: calls are synchronous, and C has read it when a call returns.
  const block = new Float64Array(22);

  function windowBlock(counts: readonly number[], shape: WindowShape): Float64Array<ArrayBuffer> {
    const { input, output, kernel, stride, padding, dilation } = shape;
    block.set([...counts, ...input, ...output, ...kernel, ...stride, ...padding, ...dilation]);
    return block;
  }
  const convolution = (shape: ConvolutionShape) =>
    windowBlock([shape.batch, shape.groups, shape.inputs, shape.outputs], shape);
  const pool = (shape: PoolShape) => windowBlock([shape.planes], shape);

  type Extents = [number, number, number, number, number, number, number];
  const norm = (shape: NormalizationShape): Extents => [
    shape.batch,
    shape.groups,
    shape.channels,
    shape.positions,
    Number(shape.acrossBatch),
    Number(shape.frozen),
    shape.epsilon,
  ];

  return {
    convolution: (x, weight, bias, y, epilogue, shape) =>
      check(
        kernels.convolution(x, weight, bias, y, epilogues.indexOf(epilogue), convolution(shape)),
        "convolution",
      ),
    convolutionInputGradient: (dy, weight, dx, shape) =>
      check(kernels.convolution_input_gradient(dy, weight, dx, convolution(shape)), "convolution_input_gradient"),
    convolutionWeightGradient: (x, dy, dWeight, shape) =>
      check(kernels.convolution_weight_gradient(x, dy, dWeight, convolution(shape)), "convolution_weight_gradient"),

    maxPool: (x, y, places, shape) => check(kernels.max_pool(x, y, places, pool(shape)), "max_pool"),
    maxPoolGradient: (dy, places, dx, shape) =>
      check(kernels.max_pool_gradient(dy, places, dx, pool(shape)), "max_pool_gradient"),
    averagePool: (x, y, countPadding, shape) =>
      check(kernels.average_pool(x, y, Number(countPadding), pool(shape)), "average_pool"),
    averagePoolGradient: (dy, dx, countPadding, shape) =>
      check(kernels.average_pool_gradient(dy, dx, Number(countPadding), pool(shape)), "average_pool_gradient"),

    normalize: (x, scale, shift, y, statistics, shape) =>
      check(kernels.normalize(x, scale, shift, y, statistics, ...norm(shape)), "normalize"),
    normalizeGradient: (x, scale, statistics, dy, dx, dAffine, shape) =>
      check(
        kernels.normalize_gradient(x, scale, statistics, dy, dx, dAffine, ...norm(shape)),
        "normalize_gradient",
      ),
  };
}
