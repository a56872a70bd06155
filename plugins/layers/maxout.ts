/**
 * Maxout: each unit is the largest of several linear functions.
 *
 * Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout Networks", ICML 2013, equation (1).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, part, type Plugin, ShapeError, showShape, Tensor } from "../../core/mod.ts";
import { type Initializer, initializerSchema, initialWeight } from "./_initializers.ts";
import { product, weightPart, type WeightVariant } from "./_product.ts";

/** Options of {@linkcode maxout}. */
export interface MaxoutOptions {
  /** Number of outputs, at least 1. */
  units: number;
  /** Linear functions for each output, at least 2. Default 2. */
  pieces?: number;
  /** How the weight begins. Default `he-normal`. */
  initializer?: Initializer;
  /** Applied to each linear function's weights after an update. */
  constraint?: Plugin<"constraint">;
  /** A variant that the weight passes through before it is used. */
  weight?: WeightVariant;
}

/**
 * `y_i = max_j (x W_ij + b_ij)`. Input `[batch, inputs]`, output `[batch, units]`. Parameters:
 * `weight: [units * pieces, inputs]`, with the pieces of a unit side by side, and `bias: [units * pieces]`.
 *
 * @example
 * ```ts
 * import { buildModel, maxout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(maxout(240, { pieces: 5 }), { inputShape: [784] });
 * assertEquals(model.forward(Tensor.ones([2, 784])).shape, [2, 240]);
 * ```
 */
export const maxout: Factory<"layer", MaxoutOptions, ["units"]> = definePlugin({
  name: "maxout",
  summary: "Each unit is the largest of several linear functions.",
  paper: {
    authors: "Goodfellow, Warde-Farley, Mirza, Courville, Bengio",
    year: 2013,
    title: "Maxout Networks",
    url: "https://arxiv.org/abs/1302.4389",
  },
  options: z.object({
    units: z.int().min(1, "expected a whole number of at least 1").describe("number of outputs"),
    pieces: z.int().min(2, "expected a whole number of at least 2").default(2).describe(
      "linear functions for each output",
    ),
    initializer: initializerSchema.default("he-normal").describe("how the weight begins"),
    constraint: part("constraint").optional().describe("applied to each linear function's weights after an update"),
    weight: weightPart().optional().describe("a variant that the weight passes through"),
  }),
  positional: ["units"],
  init({ options: { units, pieces, initializer, constraint }, inputShape, key, dtype }) {
    if (inputShape.length !== 1) {
      throw new ShapeError(`expected an input [batch, features], found [batch, ...${showShape(inputShape)}].`);
    }
    const rows = units * pieces;
    const weight = initialWeight(initializer, [rows, inputShape[0]], inputShape[0], rows, key.at("weight"), dtype);
    return { params: { weight: { value: weight, constraint }, bias: Tensor.zeros([rows], dtype) } };
  },
  forward(x, context) {
    const { params, options } = context;
    const all = product(context, options.weight, x, params.weight, params.bias);
    return all.reshape([x.shape[0], options.units, options.pieces]).max(2);
  },
});
