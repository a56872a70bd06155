/** A table of vectors, one for each word or other symbol. @module */
import { z } from "zod";
import { DataError, definePlugin, type Factory, part, type Plugin, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode embedding}. */
export interface EmbeddingOptions {
  /** Number of symbols, at least 1: indices lie in [0, vocabulary). */
  vocabulary: number;
  /** Numbers for each symbol, at least 1. */
  features: number;
  /** Standard deviation of the normal numbers that the table begins with, at least 0. Default 1, as in PyTorch. */
  deviation?: number;
  /** The symbol that stands for padding: it gives zeros and has no gradient. Default: there is none. */
  padding?: number;
  /** Applied to each symbol's vector after an update. */
  constraint?: Plugin<"constraint">;
  /** A variant that the table passes through before it is read. */
  weight?: Plugin<"weight">;
  /** A variant through which the rows are read. */
  embedding?: Plugin<"embedding">;
}

/** Indices as int32; whole numbers in a float tensor will do, since that is what data sets hold. */
function indicesOf(x: Tensor, vocabulary: number): Tensor {
  const values = x.storage.array;
  for (let i = 0; i < values.length; i++) {
    if (Number.isInteger(values[i]) && values[i] >= 0 && values[i] < vocabulary) continue;
    throw new DataError(
      `embedding: expected indices, whole numbers in [0, ${vocabulary}), found ${values[i]} at position ${i}.`,
    );
  }
  return x.dtype === "int32" ? x : x.cast("int32");
}

/**
 * Rows of a table by index. Input `[batch, ...]`, int32 or whole numbers in floats; output `[batch, ..., features]`.
 * Parameter: `weight: [vocabulary, features]`, as in PyTorch. An index out of range is a `DataError` that names it.
 *
 * @example
 * ```ts
 * import { buildModel, embedding, lstm, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([embedding(100, 16, { padding: 0 }), lstm(8, { padding: 0 })]), {
 *   inputShape: [-1],
 *   inputType: "int32",
 * });
 * const words = Tensor.of([[5, 7, 2], [9, 0, 0]], "int32"); // the second sentence has one word
 * assertEquals(model.forward(words).shape, [2, 3, 8]);
 * ```
 */
export const embedding: Factory<"layer", EmbeddingOptions, ["vocabulary", "features"]> = definePlugin({
  name: "embedding",
  summary: "Rows of a table by index.",
  options: z.object({
    vocabulary: z.int().min(1, "expected a whole number of at least 1").describe("number of symbols"),
    features: z.int().min(1, "expected a whole number of at least 1").describe("numbers for each symbol"),
    deviation: z.number().min(0, "expected a number of at least 0").default(1).describe("of the table's first numbers"),
    padding: z.int().min(0, "expected a whole number of at least 0").optional().describe("the padding symbol"),
    constraint: part("constraint").optional().describe("applied to each symbol's vector after an update"),
    weight: part("weight").optional().describe("a variant that the table passes through"),
    embedding: part("embedding").optional().describe("a variant through which the rows are read"),
  }),
  positional: ["vocabulary", "features"],
  init({ options: { vocabulary, features, deviation, padding, constraint }, key, dtype }) {
    const weight = Tensor.normal([vocabulary, features], key.at("weight"), dtype).mul(deviation);
    if (padding !== undefined) weight.floats.fill(0, padding * features, (padding + 1) * features);
    return { params: { weight: { value: weight, constraint } } };
  },
  forward(x, context) {
    const { options, params } = context;
    const weight = options.weight === undefined
      ? params.weight
      : context.serve("weight", options.weight, [params.weight]);
    const indices = indicesOf(x, options.vocabulary);
    const rows = options.embedding === undefined
      ? weight.take(indices)
      : context.serve("embedding", options.embedding, [weight, indices]);
    if (options.padding === undefined) return rows;
    const real = Tensor.empty([...indices.shape, 1], weight.dtype);
    for (let i = 0; i < real.size; i++) real.floats[i] = indices.ints[i] === options.padding ? 0 : 1;
    return rows.mask(real);
  },
});
