/** What a saved model says of new rows of a table, in the words and units of the table. @module */
import { prepareInputs, type Preprocessing } from "./preprocessing.ts";
import { PluginError, ShapeError, show, showShape } from "../errors.ts";
import type { Model } from "../plugin/model.ts";
import type { Plugin } from "../plugin/plugin.ts";
import type { Registry } from "../plugin/registry.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RowSource } from "../train/data.ts";
import { predict, type PredictOptions } from "../train/predict.ts";

/** Options of `readRows`. */
export interface ReadRowsOptions {
  /** What a stream or a list of objects is called in errors. Default "rows". */
  name?: string;
}

/** Options of `predictRows`. */
export interface PredictRowsOptions extends ReadRowsOptions {
  /** Number of Monte Carlo passes with dropout on, from 1 to 16384, or 0, the default, for one pass without. */
  samples?: number;
  /** Which masks: a whole number in [0, 2^32). Default 0. */
  seed?: number;
  /** Most rows that are run at a time, at least 1. No result depends on it. Default 1000. */
  batchSize?: number;
}

/** What a classifier says of a row. */
export interface ClassPrediction {
  /** The row's place, from 0. */
  readonly index: number;
  /** The name of the most probable class; its number where classes have no names. */
  readonly prediction: string;
  /** Its probability, in [0, 1]: with several passes the mean over them. */
  readonly probability: number;
  /** The standard deviation of that probability over the passes; 0 for one. */
  readonly deviation: number;
  /** The probability of each class by its name. */
  readonly probabilities: Readonly<Record<string, number>>;
}

/** What a regression says of a row. */
export interface NumberPrediction {
  /** The row's place, from 0. */
  readonly index: number;
  /** A number for each target, in the targets' own units: with several passes the mean over them. */
  readonly prediction: readonly number[];
  /** The standard deviation of each over the passes, in the same units; 0 for one. */
  readonly deviation: readonly number[];
}

/** What a model says of a row: that of a classifier has `probabilities`. */
export type RowPrediction = ClassPrediction | NumberPrediction;

/**
 * New rows as a model expects them.
 *
 * @param name what they are called in errors, where they are no file
 * @throws {PluginError} when nothing was kept for reading them, or their plugin is not known
 */
export async function inputsOfRows(
  source: RowSource,
  preprocessing: Preprocessing | undefined,
  registry: Registry,
  name: string,
): Promise<Tensor> {
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
  return prepareInputs(preprocessing!, await read({ source, reading, name }));
}

/**
 * What a model says of prepared rows.
 *
 * @param inputs `[rows, ...inputShape]`
 * @param loss says what of the outputs of a regression is a prediction; undefined for the outputs themselves
 * @throws {ShapeError} when the model has another number of outputs than its data set
 */
export function predictInputs(
  model: Model,
  inputs: Tensor,
  preprocessing: Preprocessing,
  loss: Plugin<"loss"> | undefined,
  options: Pick<PredictOptions, "samples" | "seed" | "batchSize" | "progress">,
): RowPrediction[] {
  const { classes, outputs, targetUnits } = preprocessing;
  const rule = loss?.definition.prediction;
  const { mean, variance } = predict(model, inputs, {
    ...options,
    softmax: classes > 0,
    ...(classes === 0 && rule && { read: (outputs: Tensor) => rule(outputs, loss!.options) }),
  });
  const width = classes || outputs;
  const count = inputs.shape[0];
  if (mean.size !== count * width) {
    throw new ShapeError(
      `predictRows: expected ${width} outputs for each row of ${preprocessing.dataset}, found ` +
        `${showShape(mean.shape.slice(1))}.`,
    );
  }
  return Array.from({ length: count }, (_, index): RowPrediction => {
    const means = Array.from(mean.floats.subarray(index * width, (index + 1) * width));
    const spread = Array.from(variance.floats.subarray(index * width, (index + 1) * width), Math.sqrt);
    if (classes > 0) {
      const best = means.indexOf(Math.max(...means));
      const probabilities = probabilitiesByName(means, preprocessing.classNames);
      const prediction = nameOfClass(best, preprocessing.classNames);
      return { index, prediction, probability: means[best], deviation: spread[best], probabilities };
    }
    return {
      index,
      prediction: means.map((value, i) => value * (targetUnits?.deviation[i] ?? 1) + (targetUnits?.mean[i] ?? 0)),
      deviation: spread.map((value, i) => value * (targetUnits?.deviation[i] ?? 1)),
    };
  });
}

/** The name of a class; its number where classes have no names. */
export function nameOfClass(place: number, names: readonly string[] | undefined): string {
  return names?.[place] ?? String(place);
}

/** Class probabilities under the names of the classes. */
export function probabilitiesByName(
  probabilities: readonly number[],
  names: readonly string[] | undefined,
): Record<string, number> {
  return Object.fromEntries(probabilities.map((probability, place) => [nameOfClass(place, names), probability]));
}
