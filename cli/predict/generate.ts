/** `generate`: goes on with a text, so that a person can see what a language model has learned. @module */
import {
  checkDraws,
  DataError,
  generate as tokensFrom,
  languageModel,
  numbersOfTokens,
  OptionError,
  PluginError,
  textOf,
  tokensOf,
  UNKNOWN_TOKEN,
} from "../../mod.ts";
import { generateCommand } from "../arguments/commands/predict.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { textOfInput } from "./predict_text.ts";
import { readArguments } from "../arguments/read_arguments.ts";
import { savedRun } from "../run/saved_run.ts";

/** Runs `generate --run DIR [--prompt TEXT|-] [--length N] [--temperature X] [--top-k K] [--seed N] [--samples T]`. */
export async function generate(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, generateCommand);
  const length = given.whole("length", 1) ?? 200;
  const temperature = temperatureOf(given.value("temperature"));
  const topK = given.whole("top-k", 1);
  const seed = given.whole("seed", 0) ?? 0;
  if (seed >= 2 ** 32) throw new OptionError("--seed", "a whole number in [0, 2^32)", String(seed));
  const samples = given.whole("samples", 0) ?? 0;
  const { run, loaded, preprocessing } = await savedRun(given);
  const { members } = loaded;
  const { tokens: level, classNames: vocabulary, dataset } = preprocessing;
  if (level === undefined || vocabulary === undefined) {
    throw new PluginError(`--run: expected a run that was trained on text, found one of ${dataset}.`);
  }
  const least = Math.max(...members.map(({ model, progress }) => languageModel(model, progress).least));
  const [{ model, progress }] = members;
  if (samples > 0 && checkDraws(model, "--samples", samples, { progress }).length === 0) {
    note("No place draws at the end of training: the passes agree.");
  }
  const prompt = given.value("prompt") === "-"
    ? await textOfInput("-")
    : given.value("prompt") ?? beginning(vocabulary, least);
  const name = given.value("prompt") === "-" ? "standard input" : "--prompt";
  const numbers = promptNumbers(prompt, level, vocabulary, name);
  if (numbers.length < least) {
    throw new OptionError(name, `at least ${least} tokens, all of which the model needs`, `${numbers.length} tokens`);
  }
  const pieces = function* (): Generator<string> {
    let text = prompt.slice(-1);
    const options = { length, temperature, topK, seed, samples, exclude: [0] };
    for (const token of tokensFrom(members, numbers, options)) {
      const piece = textOf(vocabulary[token], text, level);
      text = piece;
      yield piece;
    }
  };
  return {
    json: () =>
      Promise.resolve({
        dataset,
        run,
        prompt,
        text: [...pieces()].join(""),
        length,
        temperature,
        topK: topK ?? null,
        seed,
        samples,
        members: members.length,
      }),
    text: prompt,
    stream: async function* () {
      yield* pieces();
      yield "\n";
    },
  };
}

function temperatureOf(text: string | undefined): number {
  if (text === undefined) return 1;
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= 0 && value < Infinity) return value;
  throw new OptionError("--temperature", "a number of at least 0", text);
}

/** What to go on from where nothing is given. */
function beginning(vocabulary: readonly string[], least: number): string {
  const token = vocabulary.includes("\n") ? "\n" : vocabulary[1];
  return token.repeat(Math.max(1, least));
}

/** The numbers of a prompt's tokens; the model knows nothing of others. */
function promptNumbers(
  prompt: string,
  level: "character" | "word",
  vocabulary: readonly string[],
  name: string,
): Int32Array {
  const tokens = tokensOf(prompt, level);
  if (tokens.length === 0) throw new OptionError(name, "a text to go on from", prompt);
  const numbers = numbersOfTokens(tokens, vocabulary);
  const unknown = [...new Set(tokens.filter((_, i) => numbers[i] === 0))];
  if (unknown.length === 0) return numbers;
  const what = level === "character" ? "characters" : "words";
  throw new DataError(
    `${name}: expected ${what} of the text that the model was trained on, found ` +
      `${unknown.slice(0, 5).map((token) => JSON.stringify(token)).join(", ")}${unknown.length > 5 ? ", ..." : ""}; ` +
      `it knows ${vocabulary.filter((token) => token !== UNKNOWN_TOKEN).length} ${what}.`,
  );
}
