/** `predict --input`: what a finished run says of new inputs, read and scaled as those of training were. @module */
import {
  checkAverage,
  checkDraws,
  type LoadedModel,
  OptionError,
  type PredictInputsOptions,
  type Prediction,
  type Preprocessing,
  rowPredictions,
  type Tensor,
} from "../../mod.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import type { PredictChoices } from "./predict_choices.ts";
import { laplacePrediction, toldOf } from "./laplace_prediction.ts";
import { predictText } from "./predict_text.ts";
import { printed, type Row } from "./prediction_formats.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { refuseData, rowInputs } from "./row_inputs.ts";
import { savedRun } from "../run/saved_run.ts";
import { savedTemperature } from "../run/saved_temperatures.ts";

/**
 * Predicts a table, images, rows of numbers, or a text: each row comes out when it is done.
 *
 * @throws {ThinnedError} for a run that is not finished, and inputs that are not as those of training
 */
export async function predictInput(given: Arguments, choices: PredictChoices): Promise<Outcome> {
  refuseData(given);
  const { folders, run, loaded, preprocessing } = await savedRun(given);
  const { samples, sites, limit, format } = choices;
  checkAverage(choices.average, preprocessing.classes, "--average");
  if (choices.precision !== undefined && preprocessing.classes > 0) {
    throw new OptionError("--precision", "nothing for a run that predicts classes", choices.precision);
  }
  if (choices.temperature !== undefined && preprocessing.classes === 0) {
    throw new OptionError("--temperature", "nothing for a run that predicts numbers", choices.temperature);
  }
  const { members } = loaded;
  if (choices.weightScaling && members.length > 1) {
    throw new OptionError("--weight-scaling", "a single run", `the ensemble ${run}`);
  }
  const steps = members.map(({ progress }) => progress?.step ?? 0);
  const saved = { out: given.value("run")!, name: run, steps };
  const temperature = choices.temperature === "fitted" ? await savedTemperature(saved, samples) : choices.temperature;
  const { model, progress } = members[0];
  const laplace = await laplacePrediction({
    out: saved.out,
    folder: folders.length > 1 ? undefined : folders[0],
    name: run,
    member: members[0],
    units: preprocessing.targetUnits,
  }, choices);
  if (laplace && preprocessing.tokens !== undefined) {
    throw new OptionError("--laplace", "a run on rows or images beside --input", `${run}, which reads text`);
  }
  const drawing = samples === 0 || laplace ? [] : checkDraws(model, "--samples", samples, { sites, progress });
  if (samples > 0 && drawing.length === 0 && !laplace) note("No place draws at the end of training: the passes agree.");
  const how = { ...choices, temperature, instead: laplace?.predict };
  const rows = () => upTo(limit, rowsOf(given.value("input")!, loaded, preprocessing, how));
  const json = async () => ({
    dataset: preprocessing.dataset,
    run,
    samples,
    members: members.length,
    ...(laplace && { laplace: toldOf(laplace.laplace) }),
    ...(samples > 0 && !laplace && { sites: drawing }),
    ...(temperature !== undefined && { temperature }),
    predictions: await Array.fromAsync(rows()),
  });
  if (format !== "json") return { json, text: "", stream: () => printed(rows(), format) };
  return {
    json,
    text: "",
    stream: async function* () {
      yield JSON.stringify(await json()) + "\n";
    },
  };
}

/** What the run says of each row of a file, a folder or standard input. */
async function* rowsOf(
  input: string,
  loaded: LoadedModel,
  preprocessing: Preprocessing,
  choices: PredictChoices & {
    readonly temperature: number | undefined;
    readonly instead: ((inputs: Tensor) => Prediction) | undefined;
  },
): AsyncGenerator<Row> {
  const { samples, sites, seed, average, quantiles, precision, weightScaling, temperature, instead } = choices;
  const passes = { samples, sites, seed, average, quantiles };
  const options: PredictInputsOptions = { ...passes, precision, weightScaling, temperature };
  if (preprocessing.tokens !== undefined) return yield* predictText(input, loaded, preprocessing, choices);
  for await (const { inputs, first, files } of rowInputs(input, loaded, preprocessing)) {
    const found = instead === undefined
      ? loaded.predictInputs(inputs, { ...options, first })
      : rowPredictions(instead(inputs), preprocessing, { samples, average, quantiles, temperature, first });
    for (const { index, ...rest } of found) {
      yield files === undefined ? { index, ...rest } : { index, file: files[index - first], ...rest };
    }
  }
}

/** The first of some rows; the rest is not computed. */
async function* upTo(limit: number | undefined, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let left = limit ?? Infinity;
  for await (const row of rows) {
    yield row;
    if (--left === 0) return;
  }
}
