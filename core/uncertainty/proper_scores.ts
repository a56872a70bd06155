/**
 * Proper scores of class probabilities: best, in the mean, for who says what they believe.
 *
 * @module
 */
import type { NumberData } from "../tensor/read_numbers.ts";
import { labeledProbabilities } from "./_given.ts";

/**
 * Mean of `-log p` of the true class, in nats. A true class with probability 0 makes it Infinity: nothing is clipped.
 *
 * @param probabilities `[examples, classes]`, nested or one row after the other; each row sums to 1
 * @param labels the true class of each example
 * @throws {DataError} for what are no probabilities, or labels outside of the classes
 *
 * @example
 * ```ts
 * import { negativeLogLikelihood } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const nll = negativeLogLikelihood([[0.5, 0.5], [0.25, 0.75]], [0, 0]);
 * assertAlmostEquals(nll, (Math.log(2) + Math.log(4)) / 2);
 * ```
 */
export function negativeLogLikelihood(probabilities: NumberData, labels: ArrayLike<number>): number {
  const { numbers, count, classes } = labeledProbabilities(probabilities, labels, "negativeLogLikelihood");
  let sum = 0;
  for (let row = 0; row < count; row++) sum -= Math.log(numbers[row * classes + labels[row]]);
  return sum / count;
}

/**
 * The Brier score: mean over examples of the squared distance between the probabilities and the true class,
 * `sum_k (p_k - [k = label])^2`, in [0, 2]. For two classes it is twice what some libraries call by this name, which count
 * one class only.
 *
 * Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78, 1950, equation (2).
 *
 * @param probabilities `[examples, classes]`, nested or one row after the other; each row sums to 1
 * @param labels the true class of each example
 * @throws {DataError} for what are no probabilities, or labels outside of the classes
 *
 * @example
 * ```ts
 * import { brierScore } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(brierScore([[0.7, 0.3]], [0]), 0.18); // 0.3^2 + 0.3^2
 * ```
 */
export function brierScore(probabilities: NumberData, labels: ArrayLike<number>): number {
  const { numbers, count, classes } = labeledProbabilities(probabilities, labels, "brierScore");
  let sum = 0;
  for (let row = 0; row < count; row++) {
    for (let k = 0; k < classes; k++) sum += (numbers[row * classes + k] - (k === labels[row] ? 1 : 0)) ** 2;
  }
  return sum / count;
}
