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
import {
  definePlugin,
  type Factory,
  keepProbability,
  rateSchema,
  rateThreshold,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../core/mod.ts";

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
 * @example
 * ```ts
 * import { buildModel, embedding, embeddingDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(embedding(50, 4, { embedding: embeddingDropout({ rate: 0.5 }) }), { inputShape: [3] });
 * const [[first, , third]] = model.forward(Tensor.of([[7, 8, 7]]), { mode: "train" }).toArray() as number[][][];
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
  embedding(table, indices, { mode, key, options: { rate, share } }) {
    const rows = table.take(indices);
    const threshold = rateThreshold(rate);
    if (mode === "eval" || threshold === 0) return rows;
    const scale = 1 / keepProbability(threshold);
    const words = table.shape[0];
    const draw = (count: number, from: typeof key) =>
      Tensor.bernoulli([count, words], from, rate, scale, table.floatType).reshape([count * words, 1]);
    if (share === "batch") return rows.mask(draw(1, key.sample(0)).take(indices));
    const batch = indices.shape[0];
    const each = indices.size / Math.max(batch, 1);
    const own = Tensor.from(indices.ints.map((word, i) => Math.floor(i / each) * words + word), indices.shape);
    return rows.mask(draw(batch, key).take(own));
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
  cases: [{}, { share: "sequence" }],
});
