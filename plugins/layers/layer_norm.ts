/**
 * Layer normalisation.
 *
 * Ba, Kiros, Hinton, "Layer Normalization" (2016), equation (3).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, normalize, ShapeError, showShape } from "../../core/mod.ts";
import { affineParams } from "./_affine.ts";

/** Options of {@linkcode layerNorm}. */
export interface LayerNormOptions {
  /** Number of trailing axes that are normalised together, at least 1. Default 1. */
  axes?: number;
  /** Added to the variance, at least 0. Default 1e-5. */
  epsilon?: number;
  /** Whether a learned scale and shift follow. Default true. */
  affine?: boolean;
}

/**
 * Normalises the trailing axes of each example, such as the features of each step of a sequence, to mean 0 and
 * variance 1. Input `[batch, ..., features]`, output the same. Parameters: `weight` and `bias`, of the trailing axes'
 * shape.
 *
 * @example
 * ```ts
 * import { buildModel, layerNorm, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(layerNorm({ epsilon: 0 }), { inputShape: [2] });
 * assertEquals(model.forward(Tensor.of([[1, 3], [40, 20]])).toArray(), [[-1, 1], [1, -1]]);
 * ```
 */
export const layerNorm: Factory<"layer", LayerNormOptions> = definePlugin({
  name: "layer-norm",
  summary: "Normalises the features of each example.",
  paper: {
    authors: "Ba, Kiros, Hinton",
    year: 2016,
    title: "Layer Normalization",
    url: "https://arxiv.org/abs/1607.06450",
  },
  options: z.object({
    axes: z.int().min(1, "expected a whole number of at least 1").default(1)
      .describe("number of trailing axes that are normalised together"),
    epsilon: z.number().min(0, "expected a number of at least 0").default(1e-5).describe("added to the variance"),
    affine: z.boolean().default(true).describe("whether a learned scale and shift follow"),
  }),
  init({ options: { axes, affine }, inputShape, dtype }) {
    if (inputShape.length < axes) {
      throw new ShapeError(
        `expected an input with at least ${axes} axes behind the batch, found [batch, ...${showShape(inputShape)}].`,
      );
    }
    return { params: affineParams(affine, inputShape.slice(-axes), dtype) };
  },
  forward: (x, { options: { axes, epsilon }, params }) =>
    normalize(x, { over: "trailing", count: axes, epsilon, scale: params.weight, shift: params.bias }).output,
});
