/**
 * A learned token before all others.
 *
 * Devlin, Chang, Lee, Toutanova, "BERT", NAACL 2019, section 3; Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR
 * 2021, equation (1).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode classToken}. */
export interface ClassTokenOptions {
  /** Standard deviation of the normal numbers that it begins with, at least 0. Default 0.02. */
  deviation?: number;
}

/**
 * Puts a learned token before a sequence: `[batch, time, features]` to `[batch, time + 1, features]`. Attention gathers in it
 * what a class is told from; `pickStep` takes it out again. Parameter: `weight: [1, 1, features]`.
 *
 * @example
 * ```ts
 * import { buildModel, classToken, dense, encoderBlock, pickStep, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([classToken(), encoderBlock(2), pickStep(), dense(10)]), { inputShape: [5, 8] });
 * assertEquals(model.forward(Tensor.ones([3, 5, 8])).shape, [3, 10]);
 * ```
 */
export const classToken: Factory<"layer", ClassTokenOptions> = definePlugin({
  name: "class-token",
  summary: "Puts a learned token before a sequence.",
  paper: {
    authors: "Devlin, Chang, Lee, Toutanova",
    year: 2019,
    title: "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    url: "https://arxiv.org/abs/1810.04805",
  },
  options: z.object({
    deviation: z.number().min(0, "expected a number of at least 0").default(0.02).describe("of its first numbers"),
  }),
  init({ options: { deviation }, inputShape, key, dtype }) {
    if (inputShape.length !== 2) {
      throw new ShapeError(`expected an input [batch, time, features], found [batch, ...${showShape(inputShape)}].`);
    }
    return { params: { weight: Tensor.normal([1, 1, inputShape[1]], key.at("weight"), dtype).mul(deviation) } };
  },
  forward(x, { params: { weight } }) {
    return Tensor.concat([weight.broadcastTo([x.shape[0], 1, weight.shape[2]]), x], 1);
  },
});
