/** What a saved model says of new rows of a table, in the words and units of the table. @module */
import { prepareInputs, type Preprocessing } from "./preprocessing.ts";
import { type Averaging, checkAverage, type RowPrediction, rowPredictions } from "./row_predictions.ts";
import { OptionError, PluginError, show } from "../errors.ts";
import type { Model } from "../plugin/model.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import type { Registry } from "../plugin/registry.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { RowSource } from "../train/data.ts";
import { predict } from "../train/predict.ts";
import type { Member } from "../train/predictor.ts";
import { readingOf } from "../train/reading_of.ts";

/** Options of `readRows`. */
export interface ReadRowsOptions {
  /** What a stream or a list of objects is called in errors. Default "rows". */
  name?: string;
}

/** Options of `predictInputs`. */
export interface PredictInputsOptions {
  /** Number of Monte Carlo passes with dropout on, from 1 to 16384, or 0, the default, for one pass without. */
  samples?: number;
  /** Which places draw: see `sites` of {@linkcode PredictOptions}. Default: all that do. */
  sites?: readonly string[];
  /** Which masks: a whole number in [0, 2^32). Default 0. */
  seed?: number;
  /** Most rows that are run at a time, at least 1. No result depends on it. Default 1000. */
  batchSize?: number;
  /** How class probabilities are averaged over passes: "arithmetic", the default, or "geometric". */
  average?: Averaging;
  /** Levels, in [0, 1], of quantiles over the passes. Default none. */
  quantiles?: readonly number[];
  /**
   * For numbers: the precision of the noise around them, 1 over its variance in the targets' units, above 0. Default: what
   * the loss says, which may be nothing.
   */
  precision?: number;
  /** Whether one pass without dropout stands beside. Default false. */
  weightScaling?: boolean;
  /**
   * For classes: the temperature, above 0, at which probabilities of the mean are given, as {@linkcode fitTemperature} finds it.
   * What is said of the passes themselves stays as it is. Default 1.
   */
  temperature?: number;
  /** Place of the first row, where these are part of more: masks belong to it. Default 0. */
  first?: number;
}

/** Options of `predictRows`. */
export interface PredictRowsOptions extends ReadRowsOptions, Omit<PredictInputsOptions, "first"> {}

/** The names of the options of `predictInputs`. */
export const predictInputsKeys: readonly (keyof PredictInputsOptions)[] = [
  "samples",
  "sites",
  "seed",
  "batchSize",
  "average",
  "quantiles",
  "precision",
  "weightScaling",
  "temperature",
  "first",
];

/** Samples that addresses tell apart; those of more rows begin again. */
const SAMPLES = 2 ** 24;

/**
 * New rows as a model expects them, in parts as they are read.
 *
 * @param name what they are called in errors, where they are no file
 * @throws {PluginError} when nothing was kept for reading them, or their plugin is not known
 */
export async function* inputsOfRows(
  source: RowSource,
  preprocessing: Preprocessing | undefined,
  registry: Registry,
  name: string,
): AsyncGenerator<Tensor> {
  const reading = preprocessing?.rows;
  if (reading === undefined) {
    throw new PluginError(
      "New rows cannot be read: expected a model that was trained on a data set that reads rows, such as csv, found " +
        `${preprocessing === undefined ? "one saved without its preprocessing" : `one of ${preprocessing.dataset}`}.`,
    );
  }
  const read = registry.get(reading.plugin)?.definition.rows;
  if (read === undefined) {
    throw new PluginError(`New rows cannot be read: the model's data set ${show(reading.plugin)} is no known plugin.`);
  }
  const found = read({ source, reading, name });
  if (!(Symbol.asyncIterator in found)) return yield prepareInputs(preprocessing!, await found);
  for await (const part of found) yield prepareInputs(preprocessing!, part);
}

/** Tensors one behind the other along the batch axis. */
export function joinedInputs(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0];
  const count = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const whole = Tensor.empty([count, ...parts[0].shape.slice(1)], parts[0].dtype);
  let at = 0;
  for (const part of parts) {
    whole.storage.array.set(part.storage.array, at);
    at += part.size;
  }
  return whole;
}

/**
 * What a model, or an ensemble, says of prepared inputs.
 *
 * @param inputs `[rows, ...inputShape]`
 * @param loss says what of the outputs of a regression is a prediction; undefined for the outputs themselves
 * @throws {ShapeError} when the model has another number of outputs than its data set
 * @throws {OptionError} for an option out of range, or samples of a model without dropout
 */
export function predictInputs(
  members: readonly Member[],
  inputs: Tensor,
  preprocessing: Preprocessing,
  loss: Plugin<"loss"> | undefined,
  options: PredictInputsOptions,
): RowPrediction[] {
  const {
    samples = 0,
    average = "arithmetic",
    quantiles,
    precision,
    weightScaling,
    temperature,
    first = 0,
    ...passes
  } = options;
  checkAverage(average, preprocessing.classes, "predict: average");
  if (temperature !== undefined && preprocessing.classes === 0) {
    throw new OptionError("predict: temperature", "nothing for numbers", temperature);
  }
  const [{ model, progress }] = members;
  if (samples > 0) checkDraws(model, "predict: samples", samples, { sites: options.sites, progress });
  const count = inputs.shape[0];
  const numbered = first % SAMPLES + count <= SAMPLES
    ? { first: first % SAMPLES }
    : { examples: Array.from({ length: count }, (_, row) => (first + row) % SAMPLES) };
  const found = predict(members, inputs, {
    ...passes,
    ...numbered,
    ...readingOf(preprocessing, loss, precision),
    samples,
    quantiles,
    weightScaling,
  });
  // Members are passes, too.
  const said = members.length > 1 ? members.length * Math.max(1, samples) : samples;
  return rowPredictions(found, preprocessing, { samples: said, average, quantiles, temperature, first });
}

/**
 * Refuses passes of a model in which nothing ever draws. One whose rates are 0 at that point of training may be asked: its
 * passes agree.
 *
 * @param path the option that asks for passes
 * @returns the paths of the places that draw
 * @throws {OptionError} for a model without a variant, or places without one
 */
export function checkDraws(
  model: Model,
  path: string,
  samples: number,
  { sites, progress }: { sites?: readonly string[]; progress?: Progress },
): string[] {
  const drawing = model.drawingSites(progress, sites);
  if (drawing.length > 0) return drawing;
  const variants = model.summary().filter(({ site }) => site !== null).map(({ path }) => path);
  const all = model.drawingSites(progress);
  if (variants.length === 0 && all.length === 0) {
    throw new OptionError(path, "0, since the model has no dropout and all passes would agree", samples);
  }
  const known = [...new Set([...variants, ...all])];
  const patterns = sites?.map((text) => new RegExp(text));
  if (patterns === undefined || known.some((place) => patterns.some((pattern) => pattern.test(place)))) return [];
  throw new OptionError("sites", `a pattern that matches a place with dropout: ${known.join(", ")}`, sites);
}
