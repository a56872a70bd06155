/** Convolution of images. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import {
  convolutionFields,
  type ConvolutionLayerOptions,
  convolutionMoments,
  initConvolution,
  runConvolution,
} from "./_convolution.ts";

/** Options of {@linkcode conv2d}. */
export type Conv2dOptions = ConvolutionLayerOptions;

/**
 * Convolution (a cross-correlation, as is usual) of images. Input `[batch, channels, height, width]`, output the
 * same with `channels` channels and, along each axis, floor((extent + padding - dilation (kernel - 1) - 1) / stride) +
 * 1 places. Parameters: `weight: [channels, inputs / groups, kernel, kernel]`, `bias: [channels]`, as in PyTorch.
 * An activation behind it is fused into it.
 *
 * @example
 * ```ts
 * import { buildModel, conv2d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(conv2d(8, 3, { stride: 2, padding: "same" }), { inputShape: [3, 16, 16], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 3, 16, 16])).shape, [2, 8, 8, 8]);
 * ```
 */
export const conv2d: Factory<"layer", Conv2dOptions, ["channels", "kernel"]> = definePlugin({
  name: "conv2d",
  summary: "Convolution of images.",
  options: z.object(convolutionFields(2)),
  positional: ["channels", "kernel"],
  fuses: true,
  cases: [{ channels: 4, kernel: 3, padding: "same" }],
  init: (context) => initConvolution(context, 2),
  forward: (x, context) => runConvolution(x, context, 2),
  moments: (x, context) => convolutionMoments(x, context, 2),
});
