/**
 * Root mean square normalisation.
 *
 * Zhang, Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019, equation (4).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode rmsNorm}. */
export interface RmsNormOptions {
  /** Added to the mean square, at least 0. Default 1e-6. */
  epsilon?: number;
  /** Whether a learned scale follows. Default true. */
  affine?: boolean;
}

/**
 * `x / sqrt(mean(x^2) + epsilon)` over the features of each example, times a learned scale; the mean is not subtracted.
 * Input `[batch, ..., features]`, output the same. Parameter: `weight: [features]`, beginning at 1.
 *
 * @example
 * ```ts
 * import { buildModel, rmsNorm, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(rmsNorm({ epsilon: 0 }), { inputShape: [2] });
 * assertEquals(model.forward(Tensor.of([[1, -1], [3, 3]])).toArray(), [[1, -1], [1, 1]]);
 * ```
 */
export const rmsNorm: Factory<"layer", RmsNormOptions> = definePlugin({
  name: "rms-norm",
  summary: "Divides the features of each example by their root mean square.",
  paper: {
    authors: "Zhang, Sennrich",
    year: 2019,
    title: "Root Mean Square Layer Normalization",
    url: "https://arxiv.org/abs/1910.07467",
  },
  options: z.object({
    epsilon: z.number().min(0, "expected a number of at least 0").default(1e-6).describe("added to the mean square"),
    affine: z.boolean().default(true).describe("whether a learned scale follows"),
  }),
  init({ options: { affine }, inputShape, dtype }) {
    if (inputShape.length < 1) {
      throw new ShapeError(`expected an input [batch, ..., features], found [batch, ...${showShape(inputShape)}].`);
    }
    const params: Record<string, Tensor> = affine ? { weight: Tensor.ones(inputShape.slice(-1), dtype) } : {};
    return { params };
  },
  forward(x, { options: { epsilon }, params }) {
    const normalized = x.div(x.square().mean(-1, true).add(epsilon).sqrt());
    return params.weight === undefined ? normalized : normalized.mul(params.weight);
  },
});
