/**
 * Embedding dropout: a dropped word vanishes wherever it occurs.
 *
 * Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", NIPS 2016,
 * section 4.2: rows of the embedding matrix are dropped, so that word types vanish, not single occurrences. Merity, Keskar,
 * Socher, "Regularizing and Optimizing LSTM Language Models", ICLR 2018, section 4.3, scale the others by 1/q.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode embeddingDropout}. */
export interface EmbeddingDropoutOptions {
  /** Probability of dropping a word type, in [0, 1], or a schedule. Default 0.1. */
  rate?: Scheduled;
  /** Where a dropped word vanishes: everywhere in the `batch` (default), or anew for each `sequence`. */
  share?: "batch" | "sequence";
}

/**
 * Embedding dropout, for the site of `embedding`. Each word type is dropped as a whole, and kept ones are divided by the
 * keep probability; evaluation uses the whole table.
 *
 * A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: text models with a large vocabulary, most often beside variational recurrent dropout.
 * Cost: one draw for each word type, and one pass over the vectors that are looked up or over the table. Nothing at
 * evaluation.
 *
 * @example
 * ```ts
 * import { buildModel, embedding, embeddingDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(embedding(50, 4, { embedding: embeddingDropout({ rate: 0.5 }) }), { inputShape: [3] });
 * const [[first, , third]] = model.forward(Tensor.of([[7, 8, 7]]), { mode: "train", step: 0 }).toArray() as number[][][];
 * assertEquals(first, third); // both are there, or neither
 * ```
 */
export const embeddingDropout: Factory<"embedding", EmbeddingDropoutOptions> = definePlugin({
  name: "embedding-dropout",
  summary: "Zeroes the vectors of whole word types at random in training.",
  paper: {
    authors: "Gal, Ghahramani",
    year: 2016,
    title: "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks",
    url: "https://arxiv.org/abs/1512.05287",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.1).describe("probability of dropping a word type, in [0, 1]"),
    share: z.enum(["batch", "sequence"]).default("batch").describe("where a dropped word vanishes"),
  }),
  embedding: { mask: ({ key, options: { rate, share } }) => ({ key, rate, share: share === "batch" ? [0, 2] : [2] }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
  cases: [{}, { share: "sequence" }],
});
