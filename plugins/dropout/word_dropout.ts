/**
 * Word dropout: single occurrences of words vanish from a sentence, or become an unknown word.
 *
 * Bowman, Vilnis, Vinyals, Dai, Jozefowicz, Bengio, "Generating Sentences from a Continuous Space", CoNLL 2016, section 3.2:
 * each token is replaced by the unknown word with probability 1 - k. Iyyer, Manjunatha, Boyd-Graber, Daume, "Deep Unordered
 * Composition Rivals Syntactic Methods for Text Classification", ACL 2015, section 4.1, leave tokens out. Nothing is
 * scaled in either.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  keptEntries,
  type Key,
  OptionError,
  rateSchema,
  type Scheduled,
  scheduled,
  type Shape,
  type Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode wordDropout}. */
export interface WordDropoutOptions {
  /** Probability of dropping an occurrence of a word, in [0, 1], or a schedule. Default 0.3. */
  rate?: Scheduled;
  /**
   * Index of the symbol that a dropped word becomes, at least 0. Default: none, a dropped word has a vector of zeros; at a
   * layer position, where there are no vectors yet, it becomes 0.
   */
  unknown?: number;
  /** Index of the padding symbol, at least 0, which is never dropped. Default: none, every symbol is. */
  padding?: number;
}

/** {@linkcode WordDropoutOptions} with defaults filled in. */
interface Settings {
  readonly rate: number;
  readonly unknown?: number;
  readonly padding?: number;
}

const index = z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0");

/** 1 for each word that stays, else 0; of the words' shape. */
function keptWords(words: Tensor, key: Key, { rate, padding }: Settings): Tensor {
  const shape: Shape = words.shape;
  const dtype = words.dtype === "int32" ? "float64" : words.floatType;
  const kept = keptEntries({ key, rate }, shape, dtype);
  return padding === undefined ? kept : kept.maximum(words.detach().cast(dtype).equal(padding));
}

/** The words with `unknown` in the place of dropped ones. */
function replaced(words: Tensor, kept: Tensor, unknown: number): Tensor {
  if (words.dtype === "int32") return replaced(words.cast("float64"), kept, unknown).cast("int32");
  const left = words.mask(kept);
  return unknown === 0 ? left : left.add(kept.sub(1).neg().mul(unknown));
}

/**
 * Word dropout, for the site of `embedding`, or at a layer position before one: there it takes indices, int32 or whole
 * numbers in floats, `[batch, time]`, and gives indices.
 *
 * Each occurrence of a word is dropped by itself, in each example anew, with its whole vector; so a word may stand at one
 * place of a sentence and be missing at another, which is what sets it apart from `embeddingDropout`, where a word type
 * vanishes everywhere. Kept words are not scaled, and evaluation is the identity. A dropped word's vector gets no gradient;
 * that of the unknown symbol gets it, where there is one.
 *
 * A rate of 0 is the identity; at a rate of 1 every word is dropped but padding. An unknown symbol beyond the table is an
 * `OptionError`.
 *
 * When: a sentence should be understood with words missing, an unknown symbol is to be learned, or a decoder should lean on
 * what it is told rather than on the last word.
 * Cost: one number a word.
 *
 * @example
 * ```ts
 * import { embedding, lstm, sequential, wordDropout } from "@thinned/dropout";
 *
 * const words = wordDropout({ rate: 0.25, unknown: 1, padding: 0 });
 * sequential([embedding(1000, 64, { embedding: words, padding: 0 }), lstm(32)]);
 * sequential([words, embedding(1000, 64, { padding: 0 }), lstm(32)]); // the same, before the table
 * ```
 */
export const wordDropout: Factory<"embedding" | "activation", WordDropoutOptions> = definePlugin({
  name: "word-dropout",
  summary: "Drops single occurrences of words, or replaces them by an unknown symbol.",
  paper: {
    authors: "Bowman, Vilnis, Vinyals, Dai, Jozefowicz, Bengio",
    year: 2016,
    title: "Generating Sentences from a Continuous Space",
    url: "https://arxiv.org/abs/1511.06349",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.3).describe("probability of dropping an occurrence of a word, in [0, 1]"),
    unknown: index.optional().describe("index of the symbol that a dropped word becomes; default none"),
    padding: index.optional().describe("index of the padding symbol, which is never dropped; default none"),
  }),
  activation(words, { mode, key, options }) {
    if (mode === "eval" || options.rate === 0) return words;
    return replaced(words, keptWords(words, key, options), options.unknown ?? 0);
  },
  embedding(table, words, { mode, key, options }) {
    const { rate, unknown } = options;
    if (unknown !== undefined && unknown >= table.shape[0]) {
      throw new OptionError("unknown", `an index in [0, ${table.shape[0]})`, unknown);
    }
    if (mode === "eval" || rate === 0) return table.take(words);
    const kept = keptWords(words, key, options);
    if (unknown !== undefined) return table.take(replaced(words, kept, unknown));
    return table.take(words).mask(kept.cast(table.dtype).reshape([...words.shape, 1]));
  },
  claims: ({ unknown, padding }) => ({
    ...(unknown === undefined && padding === undefined ? { mean: "reduced" } : { dropped: "otherwise" }),
    ...(padding === undefined ? {} : { adaptive: true }),
    eval: "identity",
    draw: "sample",
    shares: [2],
  }),
  cases: [{}, { unknown: 1 }, { padding: 0 }],
});
