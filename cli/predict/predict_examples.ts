/** What a model says of every test example. @module */
import {
  type Dataset,
  evaluationBatches,
  makeBatch,
  type Member,
  type Plugin,
  predict,
  type Prediction,
  readingOf,
  rowPredictions,
  ShapeError,
  showShape,
  type Tensor,
} from "../../mod.ts";
import type { PredictChoices } from "./predict_choices.ts";

/**
 * One example's prediction: what {@linkcode RowPrediction} has, with the number of the class in place of its name, and what
 * was to be predicted.
 */
export interface ExamplePrediction extends Readonly<Record<string, unknown>> {
  /** The example, counted in the test part. */
  readonly index: number;
  /** Which of an example's positions, where each has a label. */
  readonly position?: number;
  /** What was to be predicted: a class, or numbers. */
  readonly target: number | number[];
  /** What was predicted, of the same kind. */
  readonly prediction: number | number[];
}

/** Fractions of wrong classes, or roots of the mean squared error. */
export interface TestErrors {
  /** Of the passes' arithmetic mean. */
  readonly arithmetic: number;
  /** Of classes, by the passes' geometric mean. */
  readonly geometric?: number;
  /** Of one pass in which dropout scales weights. */
  readonly weightScaling?: number;
}

/** What is asked about. */
export interface ExamplesAsked {
  /** The model, or the members of an ensemble, each at its moment of training. */
  readonly models: readonly Member[];
  /** Its data. */
  readonly dataset: Dataset;
  /** Says what of its outputs is a prediction. */
  readonly loss: Plugin<"loss">;
  /** At which class probabilities are given. Default 1. */
  readonly temperature?: number;
  /** What predicts in place of the models' own passes. */
  readonly instead?: (inputs: Tensor) => Prediction;
  /** How it is asked. */
  readonly choices: PredictChoices;
}

/**
 * Means and uncertainty over passes: of class probabilities, or of outputs in the targets' own units. Where each position
 * of an example has a label, there is a prediction for each.
 *
 * @param limit how many predictions are described, of the first examples; all are measured
 * @returns first the predictions, in the order of the examples, then the errors
 */
export function* predictExamples(
  { models, dataset, loss, temperature, instead, choices }: ExamplesAsked,
  limit: number,
): Generator<ExamplePrediction, TestErrors> {
  const { test, classes } = dataset;
  const { samples, sites, seed, quantiles, precision, average } = choices;
  const weightScaling = instead === undefined && models.length === 1 && (choices.weightScaling || samples > 0);
  const passes = models.length * Math.max(samples, 1);
  // A sequence's states go on from batch to batch, in each pass its own.
  const carries = Array.from({ length: passes + 1 }, () => new Map<string, Tensor>());
  const errors = new Errors(dataset);
  const held: ExamplePrediction[] = []; // of lanes, which are not read in the order of the examples
  let left = limit;
  for (const { from, to, order, carried } of evaluationBatches(dataset)) {
    const { inputs } = makeBatch(test, dataset.outputs, from, to, order);
    const examples = order?.subarray(from, to) ?? Uint32Array.from({ length: to - from }, (_, i) => from + i);
    const found = instead?.(inputs) ?? predict(models, inputs, {
      samples,
      sites,
      seed,
      examples,
      carry: carried ? carries : undefined,
      quantiles,
      weightScaling,
      ...readingOf(dataset, loss, precision),
    });
    errors.add(found, examples);
    const shown = dataset.order === "lanes" ? limit : left;
    if (shown === 0 || (dataset.order === "lanes" && examples.every((example) => example >= limit))) continue;
    const asked = choices.weightScaling ? found : { ...found, weightScaling: undefined };
    const how = { samples: models.length > 1 ? passes : samples, quantiles, average, temperature };
    const rows = rowPredictions(asked, { ...dataset, ...test, dataset: dataset.name }, how);
    const described: ExamplePrediction[] = [];
    for (const { index: row, ...rest } of rows) {
      if (dataset.order !== "lanes" && described.length === shown) break;
      const index = examples[row];
      const { position, ...more } = { position: undefined, ...rest };
      const target = targetOf(dataset, index, position ?? 0);
      const prediction = "probabilities" in more ? bestOf(Object.values(more.probabilities)) : [...more.prediction];
      described.push({ index, ...(position !== undefined && { position }), target, ...more, prediction });
    }
    if (dataset.order === "lanes") held.push(...described);
    else yield* described;
    left -= described.length;
  }
  held.sort((a, b) => a.index - b.index || (a.position ?? 0) - (b.position ?? 0));
  yield* held.slice(0, limit);
  return errors.of(models.length > 1 || samples > 0, classes > 0, weightScaling);
}

function targetOf(
  { test, classes, outputs, targetUnits }: Dataset,
  index: number,
  position: number,
): number | number[] {
  if (classes > 0) return test.labels![index * (test.labelsPerExample ?? 1) + position];
  const targets = Array.from(test.targets!.subarray(index * outputs, (index + 1) * outputs));
  return targets.map((value, i) => value * (targetUnits?.deviation[i] ?? 1) + (targetUnits?.mean[i] ?? 0));
}

function bestOf(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if (probabilities[i] > probabilities[best]) best = i;
  return best;
}

/** Adds up what is wrong. */
class Errors {
  readonly #dataset: Dataset;
  readonly #sums = new Map<string, number>();

  constructor(dataset: Dataset) {
    this.#dataset = dataset;
  }

  /** Takes up a batch. */
  add(found: Prediction, examples: ArrayLike<number>): void {
    const { classes, outputs, test, name } = this.#dataset;
    const [width, positions] = [classes || outputs, test.labelsPerExample ?? 1];
    if (found.mean.size !== examples.length * positions * width) {
      throw new ShapeError(
        `predict: expected ${positions} x ${width} outputs for each example of ${name}, found ` +
          `${showShape(found.mean.shape.slice(1))}.`,
      );
    }
    const kinds = { arithmetic: found.mean, weightScaling: found.weightScaling, ...geometricOf(found) };
    for (const [kind, values] of Object.entries(kinds)) {
      if (values === undefined) continue;
      let sum = this.#sums.get(kind) ?? 0;
      for (let i = 0; i < examples.length; i++) {
        for (let position = 0; position < positions; position++) {
          const from = (i * positions + position) * width;
          const said = values.floats.subarray(from, from + width);
          const target = targetOf(this.#dataset, examples[i], position);
          if (typeof target === "number") sum += bestOf(said) === target ? 0 : 1 / positions;
          else target.forEach((value, k) => sum += (said[k] - value) ** 2 / width);
        }
      }
      this.#sums.set(kind, sum);
    }
  }

  /** The errors of all examples. */
  of(several: boolean, classification: boolean, weightScaling: boolean): TestErrors {
    const { count } = this.#dataset.test;
    const error = (kind: string) => {
      const mean = (this.#sums.get(kind) ?? 0) / count;
      return classification ? mean : Math.sqrt(mean);
    };
    const arithmetic = error("arithmetic");
    if (!several) return { arithmetic };
    return {
      arithmetic,
      ...(classification && { geometric: error("geometric") }),
      ...(weightScaling && { weightScaling: error("weightScaling") }),
    };
  }
}

function geometricOf(found: Prediction): { geometric?: Tensor } {
  return "geometricMean" in found ? { geometric: found.geometricMean as Tensor } : {};
}
