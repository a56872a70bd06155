/**
 * Learned positions.
 *
 * Gehring et al., "Convolutional Sequence to Sequence Learning", ICML 2017, section 3.1; first values N(0, 0.02^2) as in
 * BERT and GPT-2.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin, Tensor } from "../../core/mod.ts";
import { embeddingSum, sequenceShape } from "./_position_table.ts";

/** Options of {@linkcode learnedPositions}. */
export interface LearnedPositionsOptions {
  /** Standard deviation of the first values, at least 0. Default 0.02. */
  deviation?: number;
  /** A variant on the sum of embeddings and positions, such as `dropout`. */
  dropout?: LayerPlugin;
}

/**
 * Adds a learned vector to each position. Input and output: `[batch, time, features]`. Parameter:
 * `weight: [time, features]`.
 *
 * @example
 * ```ts
 * import { buildModel, learnedPositions } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(learnedPositions(), { inputShape: [5, 8] }).parameterCount(), 40);
 * ```
 */
export const learnedPositions: Factory<"layer", LearnedPositionsOptions> = definePlugin({
  name: "learned-positions",
  summary: "Adds a learned vector to each position.",
  options: z.object({
    deviation: z.number().min(0, "expected a number of at least 0").default(0.02)
      .describe("standard deviation of the first values"),
    dropout: layerPart().optional().describe("a variant on the sum of embeddings and positions"),
  }),
  init({ options, inputShape, key, dtype }) {
    const shape = sequenceShape(inputShape);
    return { params: { weight: Tensor.normal(shape, key.at("weight"), dtype).mul(options.deviation) } };
  },
  forward: (x, context) => embeddingSum(context, x, context.params.weight),
});
