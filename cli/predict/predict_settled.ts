/** `predict --settle ERROR`: passes over each test example only until its class is settled. @module */
import { evaluationBatches, makeBatch, OptionError, predictSequentially } from "../../mod.ts";
import type { Outcome } from "../arguments/deliver.ts";
import { openRun } from "../run/open_run.ts";
import type { PredictChoices } from "./predict_choices.ts";
import { printed } from "./prediction_formats.ts";
import type { Arguments } from "../arguments/read_arguments.ts";

/** Most passes where `--samples` does not say it. */
const SAMPLES = 1000;

/** Options that say what is made of all passes, or of inputs that are not the test examples. */
const others = ["input", "average", "quantiles", "precision", "temperature"];

/** One example. */
interface SettledRow extends Readonly<Record<string, unknown>> {
  readonly index: number;
  readonly target: number;
  readonly prediction: number;
  readonly settled: boolean;
  readonly passes: number;
  /** Of the class that was predicted, in the mean over the passes. */
  readonly probability: number;
  readonly probabilities: readonly number[];
}

/**
 * The probability of error that `--settle` says; undefined where it is not given.
 *
 * @throws {OptionError} for what is none, and for an option that means nothing beside it
 */
export function settleOf(given: Arguments): number | undefined {
  const text = given.value("settle");
  if (text === undefined) return undefined;
  const error = Number(text);
  if (!(error > 0 && error < 1)) throw new OptionError("--settle", "a probability in (0, 1)", text);
  const other = others.find((name) => given.value(name) !== undefined);
  if (other !== undefined) throw new OptionError(`--${other}`, "nothing beside --settle", given.value(other));
  if (given.has("weight-scaling")) throw new OptionError("--weight-scaling", "nothing beside --settle", "it");
  return error;
}

/** Predicts the classes of the test examples. */
export async function predictSettled(given: Arguments, choices: PredictChoices, error: number): Promise<Outcome> {
  const { dataset, name, members } = await openRun(given);
  if (dataset.classes === 0 || dataset.test.labelsPerExample !== undefined || dataset.order === "lanes") {
    throw new OptionError("--settle", "a run that predicts one class for each example", name);
  }
  if (members.length > 1) throw new OptionError("--settle", "a single run or member", `the ensemble ${name}`);
  const [{ model, progress }] = members;
  const { sites, seed, format } = choices;
  const samples = choices.samples === 0 ? SAMPLES : choices.samples;
  const drawing = model.drawingSites(progress, sites);
  if (drawing.length === 0) {
    throw new OptionError("--settle", "a run in which dropout draws, since otherwise all passes agree", name);
  }
  const rows: SettledRow[] = [];
  for (const { from, to } of evaluationBatches(dataset)) {
    const { inputs } = makeBatch(dataset.test, dataset.outputs, from, to);
    const found = predictSequentially(model, inputs, { samples, error, sites, seed, first: from, progress });
    const classes = found.mean.shape[1];
    for (let row = 0; row < to - from; row++) {
      const probabilities = Array.from(found.mean.floats.subarray(row * classes, (row + 1) * classes));
      rows.push({
        index: from + row,
        target: dataset.test.labels![from + row],
        prediction: found.classes[row],
        settled: found.settled[row],
        passes: found.passes[row],
        probability: probabilities[found.classes[row]],
        probabilities,
      });
    }
  }
  const { length } = rows;
  const passes = rows.map((row) => row.passes).sort((a, b) => a - b);
  const mean = passes.reduce((sum, count) => sum + count, 0) / length;
  const median = passes[Math.floor(length / 2)];
  const settled = rows.filter((row) => row.settled).length / length;
  const testError = rows.filter(({ target, prediction }) => target !== prediction).length / length;
  const shown = () => rows.slice(0, choices.limit ?? (format === "json" || format === "table" ? 10 : Infinity));
  const json = {
    dataset: dataset.name,
    run: name,
    samples,
    settle: error,
    sites: drawing,
    examples: length,
    testError,
    settled,
    passes: { mean, median },
    predictions: rows.slice(0, choices.limit ?? 10),
  };
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const summary =
    `${name} on ${dataset.name}: test error ${percent(testError)}; ${percent(settled)} of the classes are ` +
    `settled, wrong with probability at most ${error} each; ${mean.toFixed(1)} passes in the mean, ${median} in the ` +
    `median, at most ${samples}`;
  async function* stream(): AsyncGenerator<string> {
    if (format === "json") {
      yield JSON.stringify(json) + "\n";
      return;
    }
    if (format === "table") yield `${summary}\n\n`;
    yield* printed(shown(), format);
  }
  return { json, text: "", stream };
}
