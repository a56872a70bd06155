/** `predict --settle ERROR`: passes over each example only until its class is settled. @module */
import {
  evaluationBatches,
  makeBatch,
  type Model,
  nameOfClass,
  OptionError,
  predictSequentially,
  probabilitiesByName,
  type Progress,
  type Tensor,
} from "../../mod.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { openRun } from "../run/open_run.ts";
import type { PredictChoices } from "./predict_choices.ts";
import { printed } from "./prediction_formats.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { refuseData, rowInputs } from "./row_inputs.ts";
import { savedRun } from "../run/saved_run.ts";
import { mean } from "../print/spread.ts";

/** Most passes where `--samples` does not say it. */
const SAMPLES = 1000;

/** Options that say what is made of all passes. */
const others = ["average", "quantiles", "precision", "temperature"];

/** One example. */
interface SettledRow extends Readonly<Record<string, unknown>> {
  readonly index: number;
  /** Of an image in a folder. */
  readonly file?: string;
  /** Of a test example, whose classes go by their numbers. */
  readonly target?: number;
  readonly prediction: number | string;
  readonly settled: boolean;
  readonly passes: number;
  /** Of the class that was predicted, in the mean over the passes. */
  readonly probability: number;
  readonly probabilities: readonly number[] | Readonly<Record<string, number>>;
}

/** Examples that are predicted together. */
interface SettledPart {
  readonly inputs: Tensor;
  readonly first: number;
  readonly files?: readonly string[];
  readonly targets?: ArrayLike<number>;
}

/** How passes are drawn. */
interface Drawing {
  readonly model: Model;
  readonly progress: Progress | undefined;
  readonly samples: number;
  readonly error: number;
  readonly sites: readonly string[] | undefined;
  readonly seed: number;
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
  const passes = ["weight-scaling", "laplace"].find((name) => given.has(name));
  if (passes !== undefined) throw new OptionError(`--${passes}`, "nothing beside --settle", "it");
  return error;
}

/** Predicts the classes of the test examples, or of new inputs. */
export async function predictSettled(given: Arguments, choices: PredictChoices, error: number): Promise<Outcome> {
  return given.value("input") === undefined
    ? await settleTestPart(given, choices, error)
    : await settleInput(given, choices, error);
}

/** Predicts the classes of the test examples. */
async function settleTestPart(given: Arguments, choices: PredictChoices, error: number): Promise<Outcome> {
  const { dataset, name, members } = await openRun(given);
  const { test, order } = dataset;
  checkKind({ ...dataset, order, labelsPerExample: test.labelsPerExample }, name, members.length);
  const drawing = drawingOf(members[0], choices, error);
  const sites = sitesOf(drawing, name);
  const { format } = choices;
  const rows: SettledRow[] = [];
  for (const { from, to } of evaluationBatches(dataset)) {
    const { inputs } = makeBatch(test, dataset.outputs, from, to);
    rows.push(...settled({ inputs, first: from, targets: test.labels!.subarray(from, to) }, drawing));
  }
  const { samples } = drawing;
  const shown = () => rows.slice(0, choices.limit ?? (format === "json" || format === "table" ? 10 : Infinity));
  const testError = rows.filter(({ target, prediction }) => target !== prediction).length / rows.length;
  const found = tallyOf(rows);
  const json = {
    dataset: dataset.name,
    run: name,
    samples,
    settle: error,
    sites,
    examples: rows.length,
    testError,
    ...found,
    predictions: rows.slice(0, choices.limit ?? 10),
  };
  const summary = `${name} on ${dataset.name}: test error ${percent(testError)}; ${toldOf(found, error, samples)}`;
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

/** Predicts the classes of new inputs: each part comes out when it is done. */
async function settleInput(given: Arguments, choices: PredictChoices, error: number): Promise<Outcome> {
  refuseData(given);
  const { run, loaded, preprocessing } = await savedRun(given);
  const { dataset, classNames } = preprocessing;
  checkKind(preprocessing, run, loaded.members.length);
  const drawing = drawingOf(loaded.members[0], choices, error);
  const sites = sitesOf(drawing, run);
  const { samples } = drawing;
  async function* rows(): AsyncGenerator<SettledRow> {
    let left = choices.limit ?? Infinity;
    for await (const part of rowInputs(given.value("input")!, loaded, preprocessing, left)) {
      for (const { prediction, probabilities, ...row } of settled(part, drawing)) {
        const named = probabilitiesByName(probabilities as readonly number[], classNames);
        yield { ...row, prediction: nameOfClass(prediction as number, classNames), probabilities: named };
        if (--left === 0) return;
      }
    }
  }
  const json = async () => {
    const predictions = await Array.fromAsync(rows());
    const found = tallyOf(predictions);
    return { dataset, run, samples, settle: error, sites, examples: predictions.length, ...found, predictions };
  };
  async function* stream(): AsyncGenerator<string> {
    if (choices.format === "json") {
      yield JSON.stringify(await json()) + "\n";
      return;
    }
    const seen: Pick<SettledRow, "settled" | "passes">[] = [];
    async function* watched(): AsyncGenerator<SettledRow> {
      for await (const row of rows()) {
        seen.push({ settled: row.settled, passes: row.passes });
        yield row;
      }
    }
    yield* printed(watched(), choices.format);
    note(`${run}: ${toldOf(tallyOf(seen), error, samples)}`);
  }
  return { json, text: "", stream };
}

/** Refuses what gives no single class for an example, and ensembles. */
function checkKind(
  { classes, labelsPerExample, order }: { classes: number; labelsPerExample?: number; order?: string },
  name: string,
  members: number,
): void {
  if (classes === 0 || labelsPerExample !== undefined || order === "lanes") {
    throw new OptionError("--settle", "a run that predicts one class for each example", name);
  }
  if (members > 1) throw new OptionError("--settle", "a single run or member", `the ensemble ${name}`);
}

function drawingOf(
  { model, progress }: { model: Model; progress?: Progress },
  { samples, sites, seed }: PredictChoices,
  error: number,
): Drawing {
  return { model, progress, samples: samples === 0 ? SAMPLES : samples, error, sites, seed };
}

/** The places that draw, at least one. */
function sitesOf({ model, progress, sites }: Drawing, name: string): string[] {
  const drawing = model.drawingSites(progress, sites);
  if (drawing.length > 0) return drawing;
  throw new OptionError("--settle", "a run in which dropout draws, since otherwise all passes agree", name);
}

function settled({ inputs, first, files, targets }: SettledPart, { model, ...how }: Drawing): SettledRow[] {
  const found = predictSequentially(model, inputs, { ...how, first });
  const classes = found.mean.shape[1];
  return found.classes.map((prediction, row) => {
    const probabilities = Array.from(found.mean.floats.subarray(row * classes, (row + 1) * classes));
    return {
      index: first + row,
      ...(files && { file: files[row] }),
      ...(targets && { target: targets[row] }),
      prediction,
      settled: found.settled[row],
      passes: found.passes[row],
      probability: probabilities[prediction],
      probabilities,
    };
  });
}

/** What is to be said of all examples. */
interface Tally {
  /** The share of those that are settled. */
  readonly settled: number;
  readonly passes: { readonly mean: number; readonly median: number };
}

function tallyOf(rows: readonly Pick<SettledRow, "settled" | "passes">[]): Tally {
  const passes = rows.map((row) => row.passes).sort((a, b) => a - b);
  return {
    settled: rows.filter((row) => row.settled).length / rows.length,
    passes: { mean: mean(passes), median: passes[Math.floor(passes.length / 2)] },
  };
}

function toldOf({ settled, passes }: Tally, error: number, samples: number): string {
  return `${percent(settled)} of the classes are settled, wrong with probability at most ${error} each; ` +
    `${passes.mean.toFixed(1)} passes in the mean, ${passes.median} in the median, at most ${samples}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
