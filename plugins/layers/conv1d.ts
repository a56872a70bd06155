/** Convolution of sequences. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import {
  convolutionFields,
  type ConvolutionLayerOptions,
  convolutionMoments,
  initConvolution,
  runConvolution,
} from "./_convolution.ts";

/** Options of {@linkcode conv1d}. */
export type Conv1dOptions = ConvolutionLayerOptions;

/**
 * Convolution (a cross-correlation, as is usual) of sequences. Input `[batch, channels, length]`, output the
 * same with `channels` channels and, along each axis, floor((extent + padding - dilation (kernel - 1) - 1) / stride) +
 * 1 places. Parameters: `weight: [channels, inputs / groups, kernel]`, `bias: [channels]`, as in PyTorch.
 * An activation behind it is fused into it. Channels come before the length, unlike in recurrent layers.
 *
 * @example
 * ```ts
 * import { buildModel, conv1d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(conv1d(8, 3, { stride: 2, padding: "same" }), { inputShape: [3, 16], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 3, 16])).shape, [2, 8, 8]);
 * ```
 */
export const conv1d: Factory<"layer", Conv1dOptions, ["channels", "kernel"]> = definePlugin({
  name: "conv1d",
  summary: "Convolution of sequences.",
  options: z.object(convolutionFields(1)),
  positional: ["channels", "kernel"],
  fuses: true,
  cases: [{ channels: 4, kernel: 3, padding: "same" }],
  init: (context) => initConvolution(context, 1),
  forward: (x, context) => runConvolution(x, context, 1),
  moments: (x, context) => convolutionMoments(x, context, 1),
});
