/**
 * Temperature scaling: one number that makes a classifier's probabilities honest and leaves its choices as they are.
 *
 * Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. For a mean over passes or
 * members, the logarithms of the mean probabilities are the logits: Rahaman and Thiery, "Uncertainty Quantification and Deep
 * Ensembles", NeurIPS 2021, section 4 ("pool, then calibrate").
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { NumberData } from "../tensor/read_numbers.ts";
import { type LabeledRows, labeledRows } from "./_given.ts";

/** Temperatures that are looked at: where every example is right, ever smaller ones would be better. */
const LEAST = 0.01;
const MOST = 100;

/** What {@linkcode fitTemperature} finds. */
export interface FittedTemperature {
  /** The temperature T, in [0.01, 100]. */
  readonly temperature: number;
  /** The mean negative log-likelihood of `softmax(logits / T)`, in nats. */
  readonly negativeLogLikelihood: number;
  /** The same at T = 1. */
  readonly before: number;
  /** Whether an end of the range was the best, since the likelihood rises beyond it. */
  readonly atLimit: boolean;
}

/**
 * The temperature T with the least negative log-likelihood of `softmax(logits / T)`. In 1 / T that is convex; the zero of its
 * derivative, the mean over examples of the expected logit minus the true class's, is found by Newton's steps inside of
 * halved intervals.
 *
 * @param logits `[examples, classes]` of examples that were not trained on, nested or one row after the other; logarithms of
 *   probabilities will do
 * @param labels the true class of each example
 * @throws {DataError} for logits that are not finite, or labels outside of the classes
 *
 * @example
 * ```ts
 * import { fitTemperature } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // As sure as 9 to 1, but right in three of four cases: log 9 / T = log 3.
 * const logits = Array.from({ length: 4 }, () => [Math.log(9), 0]);
 * assertAlmostEquals(fitTemperature(logits, [0, 0, 0, 1]).temperature, 2, 1e-6);
 * ```
 */
export function fitTemperature(logits: NumberData, labels: ArrayLike<number>): FittedTemperature {
  const rows = labeledRows(logits, labels, "fitTemperature");
  let [low, high] = [1 / MOST, 1 / LEAST];
  const [atLow, atHigh] = [momentsAt(rows, low), momentsAt(rows, high)];
  const before = momentsAt(rows, 1).loss;
  const result = (inverse: number, atLimit: boolean): FittedTemperature => ({
    temperature: 1 / inverse,
    negativeLogLikelihood: momentsAt(rows, inverse).loss,
    before,
    atLimit,
  });
  // Logits that are all alike say nothing at any temperature.
  if (atLow.slope === 0 && atLow.curvature === 0) return result(1, false);
  if (atLow.slope >= 0) return result(low, true);
  if (atHigh.slope <= 0) return result(high, true);
  let at = 1;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const { slope, curvature } = momentsAt(rows, at);
    if (slope === 0) break;
    if (slope > 0) high = at;
    else low = at;
    const next = at - slope / curvature;
    const before = at;
    at = next > low && next < high ? next : Math.sqrt(low * high);
    if (Math.abs(at - before) <= 1e-12 * at) break;
  }
  return result(at, false);
}

/** The mean negative log-likelihood at an inverse temperature, and its first two derivatives there. */
function momentsAt({ numbers, count, classes, labels }: LabeledRows, inverse: number) {
  let loss = 0;
  let slope = 0;
  let curvature = 0;
  for (let row = 0; row < count; row++) {
    const start = row * classes;
    let largest = -Infinity;
    for (let at = start; at < start + classes; at++) largest = Math.max(largest, numbers[at]);
    let total = 0;
    let mean = 0;
    let square = 0;
    for (let at = start; at < start + classes; at++) {
      const z = numbers[at] - largest;
      const weight = Math.exp(inverse * z);
      total += weight;
      mean += weight * z;
      square += weight * z * z;
    }
    mean /= total;
    const own = numbers[start + labels[row]] - largest;
    loss += Math.log(total) - inverse * own;
    slope += mean - own;
    curvature += square / total - mean * mean;
  }
  return { loss: loss / count, slope: slope / count, curvature: curvature / count };
}

/**
 * Probabilities at a temperature: `p_k^(1 / T)`, so that they sum to 1 again. T above 1 makes them less sure, T below 1 surer.
 * What is 0 stays 0.
 *
 * @param probabilities of one example, or of several one after the other
 * @param temperature T, above 0
 * @param classes numbers of an example. Default: all are of one
 * @throws {OptionError} for a temperature that is not above 0
 *
 * @example
 * ```ts
 * import { temper } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(temper([0.9, 0.1], 2)[0], 0.75); // 3 to 1 in the place of 9 to 1
 * ```
 */
export function temper(
  probabilities: ArrayLike<number>,
  temperature: number,
  classes: number = probabilities.length,
): Float64Array {
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new OptionError("temperature", "a number above 0", temperature);
  }
  const tempered = new Float64Array(probabilities.length);
  for (let start = 0; start < tempered.length; start += classes) {
    const end = Math.min(start + classes, tempered.length);
    let largest = 0;
    for (let at = start; at < end; at++) largest = Math.max(largest, probabilities[at]);
    let total = 0;
    for (let at = start; at < end; at++) total += tempered[at] = (probabilities[at] / largest) ** (1 / temperature);
    for (let at = start; at < end; at++) tempered[at] /= total;
  }
  return tempered;
}
