/**
 * Learned positions.
 *
 * Gehring et al., "Convolutional Sequence to Sequence Learning", ICML 2017, section 3.1; first values N(0, 0.02^2) as in
 * BERT and GPT-2.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  layerPart,
  type LayerPlugin,
  part,
  type Plugin,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { embeddingSum, sequenceShape } from "./_position_table.ts";

/** Options of {@linkcode learnedPositions}. */
export interface LearnedPositionsOptions {
  /** Number of positions, at least 1: the longest sequence. Default the length of the input that the model is built for. */
  length?: number;
  /** Standard deviation of the first values, at least 0. Default 0.02. */
  deviation?: number;
  /** A variant that the table of positions passes through before it is added. */
  weight?: Plugin<"weight">;
  /** A variant on the sum of embeddings and positions, such as `dropout`. */
  dropout?: LayerPlugin;
}

/**
 * Adds a learned vector to each position. Input and output: `[batch, time, features]`. Parameter:
 * `weight: [length, features]`.
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
    length: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").optional()
      .describe("number of positions; default the input's length"),
    deviation: z.number().min(0, "expected a number of at least 0").default(0.02)
      .describe("standard deviation of the first values"),
    weight: part("weight").optional().describe("a variant that the table of positions passes through"),
    dropout: layerPart().optional().describe("a variant on the sum of embeddings and positions"),
  }),
  init({ options, inputShape, key, dtype }) {
    const [time, features] = sequenceShape(inputShape);
    const weight = Tensor.normal([options.length ?? time, features], key.at("weight"), dtype);
    return { params: { weight: weight.mul(options.deviation) } };
  },
  forward(x, context) {
    const { params, options } = context;
    const weight = options.weight === undefined
      ? params.weight
      : context.serve("weight", options.weight, [params.weight]);
    const [time] = sequenceShape(x.shape.slice(1));
    if (time > weight.shape[0]) {
      throw new ShapeError(`expected at most ${weight.shape[0]} positions (the option length), found ${time}.`);
    }
    return embeddingSum(context, x, time === weight.shape[0] ? weight : weight.slice([0], [time]));
  },
});
