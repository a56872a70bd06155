/** Text, to predict each token from those before it. @module */
import { z } from "zod";
import { DataError, definePlugin, type Factory, OptionError, pathOption, type Split } from "../../core/mod.ts";
import { dataFolder, readIfThere, unpack } from "./_files.ts";
import { numbersOfTokens, tokensOf, vocabularyOf } from "./_tokens.ts";

/** Options of {@linkcode text}. */
export interface TextOptions {
  /** The file, UTF-8, plain or packed by gzip. Default: `tinyshakespeare/input.txt` in the folder of `THINNED_DATA`. */
  path?: string;
  /** What a token is: a character, or a word, a sign or a line end. Default `character`. */
  level?: "character" | "word";
  /** Tokens of an example, a whole number of at least 2. Default 64. */
  length?: number;
  /** Tokens from the beginning of an example to that of the next, at least 1. Default `length`: each is used once. */
  stride?: number;
  /** Part of the tokens, from the end of the text, that is held back for testing, in (0, 1). Default 0.1. */
  testFraction?: number;
  /** Part of the tokens, before those for testing, that is held back for validation, in (0, 1). Default: none. */
  validationFraction?: number;
  /** Only this many words, the most frequent ones, are told apart, at least 1. Default: all of the training part. */
  maxWords?: number;
  /**
   * How examples fall into batches: in a random order, or in lanes, for layers that carry their state from step to step
   * (`lstm(units, { stateful: batchSize })`), so that each row of a batch goes on where it stopped. Default `shuffled`.
   */
  order?: "shuffled" | "lanes";
}

const whole = (least: number, expected = `expected a whole number of at least ${least}`) =>
  z.int(expected).min(least, expected);
const fraction = "expected a number between 0 and 1, both excluded";

/**
 * Text for next-token prediction. Inputs `[length]` are token numbers, as whole numbers in floats, which `embedding`
 * takes; labels `[length]` are the tokens that follow each of them. A model gives `[batch, length, classes]`, and the
 * reported error is the fraction of tokens that are guessed wrong. The perplexity is `exp(loss)`.
 *
 * **Vocabulary.** It is that of the training part, and stands in `classNames` of the data set. Token 0, `<unk>`, stands
 * for all others: characters and words that only the test part has, and with `maxWords` the rarer words. There are as
 * many classes as tokens, token 0 included: 66 for the characters of tiny Shakespeare. The number is needed to build a
 * model: load the data first and use `data.classes`, or read it in the error that a wrong one gives.
 *
 * **Parts.** The test part is the end of the text, and the validation part, if there is one, lies before it. Examples do not reach from one part into the other. What is left at
 * a part's end, too short for an example, is not used.
 *
 * **Lanes.** With the order `lanes` the text is cut into as many lanes as a batch has rows, nothing is shuffled, and a
 * last incomplete batch is left out. When measured, too, a text is read from example to example, by layers that carry a
 * state.
 *
 * Loading throws `DataError` when there is no file, for bytes that are no UTF-8, and for a part that is shorter than an
 * example; `OptionError` for options that exclude each other; `PermissionError` without permission to read.
 *
 * @example
 * ```ts
 * import { adam, crossEntropy, dense, embedding, fit, loadDataset, lstm, sequential, text } from "@thinned/dropout";
 *
 * const path = await Deno.makeTempFile({ suffix: ".txt" });
 * await Deno.writeTextFile(path, "to be or not to be, that is the question. ".repeat(50));
 * const data = await loadDataset(text({ path, length: 20, order: "lanes" }));
 * const model = sequential([embedding(data.classes, 8), lstm(16, { stateful: 4 }), dense(data.classes)]);
 * const run = await fit(model, { data, loss: crossEntropy(), optimizer: adam(), epochs: 2, batchSize: 4 });
 * console.log(`perplexity ${Math.exp(run.testLoss)}`);
 * await Deno.remove(path);
 * ```
 */
export const text: Factory<"dataset", TextOptions> = definePlugin({
  name: "text",
  summary: "Text, to predict each character or word from those before it.",
  options: z.object({
    path: pathOption("file").optional()
      .describe("the file; default tiny Shakespeare"),
    level: z.enum(["character", "word"]).default("character").describe("what a token is"),
    length: whole(2).default(64).describe("tokens of an example"),
    stride: whole(1).optional().describe("tokens from one example to the next; default length"),
    testFraction: z.number(fraction).gt(0, fraction).lt(1, fraction).default(0.1)
      .describe("part of the text, from its end, for testing"),
    validationFraction: z.number(fraction).gt(0, fraction).lt(1, fraction).optional()
      .describe("part of the text, before that for testing, for validation"),
    maxWords: whole(1).optional().describe("only the most frequent words are told apart"),
    order: z.enum(["shuffled", "lanes"]).default("shuffled").describe("how examples fall into batches"),
  }),
  async load({ options }) {
    const { level, length, stride = length, testFraction, validationFraction = 0, maxWords, order } = options;
    if (testFraction + validationFraction >= 1) {
      throw new OptionError("text.validationFraction", `a number below ${1 - testFraction}`, validationFraction);
    }
    if (order === "lanes" && stride !== length) {
      throw new OptionError("text.stride", `${length}, the length, in the order lanes`, stride);
    }
    if (maxWords !== undefined && level === "character") {
      throw new OptionError("text.maxWords", "none with the level character", maxWords);
    }
    const path = options.path ?? await tinyShakespeare();
    const tokens = tokensOf(await readText(path), level);
    const testAt = tokens.length - Math.round(tokens.length * testFraction);
    const validationAt = testAt - Math.round(tokens.length * validationFraction);
    const vocabulary = vocabularyOf(tokens.slice(0, validationAt), level, maxWords);
    const numbers = numbersOfTokens(tokens, vocabulary);
    const cut = (what: string, from: number, to: number) =>
      examples(numbers.subarray(from, to), length, stride, vocabulary.length, `${path}, ${what} part`);
    return {
      name: path.replace(/^.*[\\/]/, ""),
      classes: vocabulary.length,
      outputs: 0,
      classNames: vocabulary,
      order,
      tokens: level,
      train: cut("training", 0, validationAt),
      ...(options.validationFraction && { validation: cut("validation", validationAt, testAt) }),
      test: cut("test", testAt, tokens.length),
    };
  },
});

async function tinyShakespeare(): Promise<string> {
  const folder = await dataFolder("text");
  if (folder !== undefined) return `${folder}/tinyshakespeare/input.txt`;
  throw new DataError("text: expected the option path, or the variable THINNED_DATA to name a folder with data sets.");
}

async function readText(path: string): Promise<string> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) throw new DataError(`${path}: expected a file, found none.`);
  const unpacked = await unpack(bytes, path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(unpacked);
  } catch (error) {
    throw new DataError(`${path}: expected text in UTF-8, found other bytes.`, { cause: error });
  }
}

/** Cuts tokens into examples: `length` tokens, and for each the one that follows. */
function examples(
  tokens: Int32Array<ArrayBuffer>,
  length: number,
  stride: number,
  classes: number,
  where: string,
): Split {
  const count = Math.floor((tokens.length - 1 - length) / stride) + 1;
  if (count < 1) {
    throw new DataError(`${where}: expected at least ${length + 1} tokens, found ${tokens.length}.`);
  }
  const inputs = classes <= 256 ? new Uint8Array(count * length) : new Float32Array(count * length);
  const labels = new Int32Array(count * length);
  for (let i = 0; i < count; i++) {
    const start = i * stride;
    inputs.set(tokens.subarray(start, start + length), i * length);
    labels.set(tokens.subarray(start + 1, start + length + 1), i * length);
  }
  return { count, shape: [length], inputs, scale: 1, labels, labelsPerExample: length };
}
