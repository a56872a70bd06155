/** What a prediction says of each row, in the words and units of the data set. @module */
import { OptionError, ShapeError, showShape } from "../errors.ts";
import { entropy } from "../uncertainty/class_passes.ts";
import { temper } from "../uncertainty/temperature.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ClassificationPrediction, Prediction, RegressionPrediction } from "../train/prediction.ts";

/** What a classifier says of a row, or of a position of it. Values that go by classes have their names as keys. */
export interface ClassPrediction {
  /** The row's place, from 0. */
  readonly index: number;
  /** The position in it, from 0, where each position has a class. */
  readonly position?: number;
  /** The name of the most probable class; its number where classes have no names. */
  readonly prediction: string;
  /** Its probability, in [0, 1]: with several passes the mean over them. */
  readonly probability: number;
  /** The standard deviation of that probability over the passes; 0 for one. */
  readonly deviation: number;
  /** The entropy of the mean over passes, in nats: all that is unsure. */
  readonly entropy: number;
  /** With several passes: the mean of their entropies, in nats. */
  readonly expectedEntropy?: number;
  /** With several passes: how far they disagree, in nats (BALD). */
  readonly mutualInformation?: number;
  /** With several passes: the share of those whose most probable class is not that of most. */
  readonly variationRatio?: number;
  /** The probability of each class. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** With several passes: of each class, the mean of `p (1 - p)`. */
  readonly aleatoric?: Readonly<Record<string, number>>;
  /** With several passes: of each class, the variance of `p`. */
  readonly epistemic?: Readonly<Record<string, number>>;
  /** For each level that was asked for: the quantile of each class's probability over the passes. */
  readonly quantiles?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The probability of each class in one pass without dropout, where that was asked for. */
  readonly weightScaling?: Readonly<Record<string, number>>;
}

/** What a regression says of a row: lists have a number for each target, in the targets' own units. */
export interface NumberPrediction {
  /** The row's place, from 0. */
  readonly index: number;
  /** What is predicted: with several passes the mean over them. */
  readonly prediction: readonly number[];
  /** The standard deviation over the passes; 0 for one. */
  readonly deviation: readonly number[];
  /** With several passes, or a known noise: the variance over the passes, the square of `deviation`. */
  readonly epistemic?: readonly number[];
  /** Where the loss or a precision says it: the mean over passes of the variance of the noise. */
  readonly aleatoric?: readonly number[];
  /** Where the noise is known: the variance of what is predicted, the sum of both. */
  readonly variance?: readonly number[];
  /** For each level that was asked for: the quantile over the passes. */
  readonly quantiles?: Readonly<Record<string, readonly number[]>>;
  /** For each level, where the noise is known: the quantile of what is predicted, passes and normal noise together. */
  readonly predictiveQuantiles?: Readonly<Record<string, readonly number[]>>;
  /** What one pass without dropout gives, where that was asked for. */
  readonly weightScaling?: readonly number[];
}

/** What a model says of a row: that of a classifier has `probabilities`. */
export type RowPrediction = ClassPrediction | NumberPrediction;

/** How passes are averaged. */
export type Averaging = "arithmetic" | "geometric";

/** What is needed to put a prediction in words. */
export interface RowsPredicted {
  /** The data set, for errors. */
  readonly dataset: string;
  /** Number of classes; 0 for numbers. */
  readonly classes: number;
  /** Numbers per row; 0 for classes. */
  readonly outputs: number;
  /** What the classes are called. */
  readonly classNames?: readonly string[];
  /** Number of positions of a row that have a class each. */
  readonly labelsPerExample?: number;
}

/** How rows are described. */
export interface DescribeOptions {
  /** Number of passes. */
  readonly samples: number;
  /** Levels of quantiles. */
  readonly quantiles?: readonly number[];
  /** How classes are averaged over passes. */
  readonly average?: Averaging;
  /** The temperature at which the probabilities of the mean are given, above 0. Default 1. */
  readonly temperature?: number;
  /** The first row's place. */
  readonly first?: number;
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

/**
 * How passes are to be averaged.
 *
 * @throws {OptionError} for another word, or the geometric mean of numbers
 */
export function checkAverage(average: Averaging, classes: number, path: string): void {
  if (average === "arithmetic" || (average === "geometric" && classes > 0)) return;
  const expected = classes > 0 ? '"arithmetic" or "geometric"' : '"arithmetic" for numbers';
  throw new OptionError(path, expected, average);
}

/**
 * What a prediction says of each row, or of each position of it.
 *
 * @param found what `predict` gave
 * @param how what the data set says of classes or numbers: a data set's preprocessing, for example
 * @param options how it was made
 * @throws {ShapeError} when the model has another number of outputs than its data set
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, predict, rowPredictions, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dropout(), dense(2)]), { inputShape: [3], seed: 1 });
 * const found = predict(model, Tensor.ones([1, 3]), { samples: 4, softmax: true });
 * const how = { dataset: "pets", classes: 2, outputs: 0, classNames: ["cat", "dog"] };
 * const [row] = rowPredictions(found, how, { samples: 4 });
 * assertEquals("probabilities" in row && Object.keys(row.probabilities), ["cat", "dog"]);
 * ```
 */
export function rowPredictions(found: Prediction, how: RowsPredicted, options: DescribeOptions): RowPrediction[] {
  const { classes, outputs, dataset, labelsPerExample = 1 } = how;
  const width = classes || outputs;
  const count = found.mean.shape[0] * labelsPerExample;
  if (found.mean.size !== count * width) {
    const positions = labelsPerExample === 1 ? "" : `${labelsPerExample} x `;
    throw new ShapeError(
      `predict: expected ${positions}${width} outputs for each example of ${dataset}, found ` +
        `${showShape(found.mean.shape.slice(1))}.`,
    );
  }
  const describe = classes > 0
    ? classDescriber(found as ClassificationPrediction, how, options)
    : numberDescriber(found as RegressionPrediction, outputs, options);
  const { first = 0 } = options;
  return Array.from({ length: count }, (_, row): RowPrediction => {
    const place = { index: first + Math.floor(row / labelsPerExample) };
    const position = how.labelsPerExample === undefined ? {} : { position: row % labelsPerExample };
    return { ...place, ...position, ...describe(row) };
  });
}

/** Values by level: `{ "0.05": ... }`. */
function byLevel<T>(levels: readonly number[], value: (place: number) => T): Record<string, T> {
  return Object.fromEntries(levels.map((level, place) => [String(level), value(place)]));
}

function classDescriber(
  found: ClassificationPrediction,
  { classes, classNames }: RowsPredicted,
  { samples, quantiles = [], average = "arithmetic", temperature }: DescribeOptions,
): (row: number) => Omit<ClassPrediction, "index"> {
  const middle = average === "geometric" ? found.geometricMean : found.mean;
  return (row) => {
    const numbers = ({ floats }: Tensor) => Array.from(floats.subarray(row * classes, (row + 1) * classes));
    const named = (tensor: Tensor) => probabilitiesByName(numbers(tensor), classNames);
    const own = numbers(middle);
    const means = temperature === undefined ? own : Array.from(temper(own, temperature));
    const best = means.indexOf(Math.max(...means));
    return {
      prediction: nameOfClass(best, classNames),
      probability: means[best],
      deviation: Math.sqrt(found.variance.floats[row * classes + best]),
      entropy: temperature === undefined ? found.entropy.floats[row] : entropy(means),
      ...(samples > 0 && {
        expectedEntropy: found.expectedEntropy.floats[row],
        mutualInformation: found.mutualInformation.floats[row],
        variationRatio: found.variationRatio.floats[row],
      }),
      probabilities: probabilitiesByName(means, classNames),
      ...(samples > 0 && { aleatoric: named(found.aleatoric), epistemic: named(found.epistemic) }),
      ...(quantiles.length > 0 && { quantiles: byLevel(quantiles, (level) => named(found.quantiles[level])) }),
      ...(found.weightScaling && { weightScaling: named(found.weightScaling) }),
    };
  };
}

function numberDescriber(
  found: Prediction | RegressionPrediction,
  outputs: number,
  { samples, quantiles = [] }: DescribeOptions,
): (row: number) => Omit<NumberPrediction, "index"> {
  const noisy = "aleatoric" in found ? found : undefined;
  return (row) => {
    const numbers = ({ floats }: Tensor) => Array.from(floats.subarray(row * outputs, (row + 1) * outputs));
    const variance = numbers(found.variance);
    return {
      prediction: numbers(found.mean),
      deviation: variance.map(Math.sqrt),
      ...((samples > 0 || noisy) && { epistemic: variance }),
      ...(noisy && { aleatoric: numbers(noisy.aleatoric), variance: numbers(noisy.total) }),
      ...(quantiles.length > 0 && { quantiles: byLevel(quantiles, (level) => numbers(found.quantiles[level])) }),
      ...(noisy && quantiles.length > 0 && {
        predictiveQuantiles: byLevel(quantiles, (level) => numbers(noisy.predictiveQuantiles[level])),
      }),
      ...(found.weightScaling && { weightScaling: numbers(found.weightScaling) }),
    };
  };
}
