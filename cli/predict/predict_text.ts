/** `predict --input` of a language model: at each token of a text, what it expects to come next. @module */
import {
  DataError,
  languageModel,
  type LoadedModel,
  numbersOfTokens,
  predict,
  type Preprocessing,
  readingOf,
  rowPredictions,
  Tensor,
  tokensOf,
} from "../../mod.ts";
import type { PredictChoices } from "./predict_choices.ts";
import type { Row } from "./prediction_formats.ts";
import { bytesOf } from "./read_inputs.ts";

/** Tokens that are told apart by addresses: windows are counted. */
const WINDOWS = 2 ** 24;

/**
 * Reads a text in windows of as many tokens as in training; layers that carried their state then, do so here. The last
 * window is shorter, or begins within the one before where the model takes one length only.
 *
 * @param input a file, or `-`
 * @throws {DataError} for what is no text, and one that is too short
 */
export async function* predictText(
  input: string,
  loaded: LoadedModel,
  preprocessing: Preprocessing,
  choices: PredictChoices,
): AsyncGenerator<Row> {
  const name = input === "-" ? "standard input" : input;
  const text = await textOfInput(input);
  const tokens = tokensOf(text, preprocessing.tokens!);
  if (tokens.length === 0) throw new DataError(`${name}: expected a text of at least one token, found none.`);
  const members = loaded.members.map(({ model, progress }) => ({ ...languageModel(model, progress), progress }));
  const [{ classes }] = members;
  const least = Math.max(...members.map(({ least }) => least));
  if (tokens.length < least) {
    throw new DataError(`${name}: expected at least ${least} tokens, which the model takes, found ${tokens.length}.`);
  }
  const { samples, sites, seed, quantiles, weightScaling, average } = choices;
  const length = preprocessing.shape[0];
  const numbers = numbersOfTokens(tokens, preprocessing.classNames!);
  const passes = members.length * Math.max(1, samples);
  const states = Array.from({ length: passes + 1 }, () => new Map<string, Tensor>());
  const said = members.length > 1 ? passes : samples; // members are passes, too
  const carry = preprocessing.order === "lanes" ? states : undefined;
  for (let from = 0, window = 0; from < tokens.length; from += length, window++) {
    const to = Math.min(from + length, tokens.length);
    const start = Math.min(from, Math.max(0, to - least));
    const inputs = Tensor.from(Float32Array.from(numbers.subarray(start, to)), [1, to - start]);
    const found = predict(members, inputs, {
      samples,
      sites,
      seed,
      quantiles,
      weightScaling,
      // A text is one sequence where states are carried, and many where windows begin anew.
      first: carry === undefined ? window % WINDOWS : 0,
      carry,
      ...readingOf({ classes }, undefined),
    });
    const how = { ...preprocessing, labelsPerExample: to - start };
    for (const row of rowPredictions(found, how, { samples: said, quantiles, average }).slice(from - start)) {
      if (!("probabilities" in row)) continue;
      const { index: _, position, ...rest } = row;
      const index = start + position!;
      const next = tokens[index + 1];
      const target = next === undefined ? {} : {
        next,
        nextProbability: row.probabilities[preprocessing.classNames![numbers[index + 1]]],
      };
      yield { index, token: tokens[index], ...target, ...rest };
    }
  }
}

/**
 * A text in UTF-8.
 *
 * @throws {DataError} for other bytes
 */
export async function textOfInput(input: string): Promise<string> {
  const bytes = await bytesOf(input);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const name = input === "-" ? "standard input" : input;
    throw new DataError(`${name}: expected text in UTF-8, found other bytes.`, { cause: error });
  }
}
