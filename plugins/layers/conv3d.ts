/** Convolution of volumes. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import {
  convolutionFields,
  type ConvolutionLayerOptions,
  convolutionMoments,
  initConvolution,
  runConvolution,
} from "./_convolution.ts";

/** Options of {@linkcode conv3d}. */
export type Conv3dOptions = ConvolutionLayerOptions;

/**
 * Convolution (a cross-correlation, as is usual) of volumes. Input `[batch, channels, depth, height, width]`, output
 * the same with `channels` channels and, along each axis, floor((extent + padding - dilation (kernel - 1) - 1) /
 * stride) + 1 places. Parameters: `weight: [channels, inputs / groups, kernel, kernel, kernel]`, `bias: [channels]`,
 * as in PyTorch. An activation behind it is fused into it.
 *
 * @example
 * ```ts
 * import { buildModel, conv3d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(conv3d(8, 3, { stride: 2, padding: "same" }), { inputShape: [3, 8, 8, 8], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 3, 8, 8, 8])).shape, [2, 8, 4, 4, 4]);
 * ```
 */
export const conv3d: Factory<"layer", Conv3dOptions, ["channels", "kernel"]> = definePlugin({
  name: "conv3d",
  summary: "Convolution of volumes.",
  options: z.object(convolutionFields(3)),
  positional: ["channels", "kernel"],
  fuses: true,
  cases: [{ channels: 4, kernel: 3, padding: "same" }],
  init: (context) => initConvolution(context, 3),
  forward: (x, context) => runConvolution(x, context, 3),
  moments: (x, context) => convolutionMoments(x, context, 3),
});
