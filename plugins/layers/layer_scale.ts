/**
 * A learned factor for each feature.
 *
 * Touvron, Cord, Sablayrolles, Synnaeve, Jégou, "Going deeper with Image Transformers", ICCV 2021, equation (2).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, OptionError, ShapeError, showShape, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode layerScale}. */
export interface LayerScaleOptions {
  /** What each factor begins at, near 0 so that a residual block begins near the identity. Default 1e-6, as in ConvNeXt. */
  value?: number;
  /** Where the features are: the last axis, or the channels of `[batch, channels, ...places]`. Default `last`. */
  features?: "last" | "first";
}

/**
 * `x * weight`, with a learned factor for each feature: at the end of a residual block. Input `[batch, ..., features]`, or
 * `[batch, channels, ...places]`; output the same. Parameter: `weight: [features]`.
 *
 * @example
 * ```ts
 * import { buildModel, dense, layerScale, residual, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const block = sequential([dense(2), layerScale({ value: 0 })]);
 * assertEquals(buildModel(residual(block), { inputShape: [2] }).forward(Tensor.of([[5, 7]])).toArray(), [[5, 7]]);
 * ```
 */
export const layerScale: Factory<"layer", LayerScaleOptions> = definePlugin({
  name: "layer-scale",
  summary: "A learned factor for each feature, at the end of a residual block.",
  paper: {
    authors: "Touvron, Cord, Sablayrolles, Synnaeve, Jégou",
    year: 2021,
    title: "Going deeper with Image Transformers",
    url: "https://arxiv.org/abs/2103.17239",
  },
  options: z.object({
    value: z.number("expected a number").default(1e-6).describe("what each factor begins at"),
    features: z.enum(["last", "first"]).default("last").describe("which axis the features are"),
  }),
  init({ options: { value, features }, inputShape, dtype }) {
    if (!Number.isFinite(value)) throw new OptionError("value", "a finite number", value);
    if (inputShape.length < 1) {
      throw new ShapeError(`expected an input with features, found [batch, ...${showShape(inputShape)}].`);
    }
    const count = features === "last" ? inputShape[inputShape.length - 1] : inputShape[0];
    return { params: { weight: Tensor.full([count], value, dtype) } };
  },
  forward(x, { options: { features }, params: { weight } }) {
    return x.mul(features === "last" ? weight : weight.reshape([weight.size, ...x.shape.slice(2).map(() => 1)]));
  },
});
