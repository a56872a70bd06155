/** The area under the receiver operating characteristic. @module */
import { scores } from "./_given.ts";

/**
 * The probability that a foreign example has a larger score than one of the model's own kind, and half of the probability
 * that both have the same: the area under the receiver operating characteristic (AUROC), in [0, 1]. 0.5 is chance; below it,
 * the score tells them apart the wrong way round.
 *
 * Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks", ICLR 2017,
 * with the negated probability of the predicted class as the score; Mann and Whitney 1947 for the identity.
 *
 * @param own scores of examples of the model's own kind, such as predictive entropies
 * @param foreign scores of foreign examples
 * @throws {DataError} when either has none, or NaN
 *
 * @example
 * ```ts
 * import { auroc } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(auroc([0.1, 0.4], [0.3, 0.9]), 0.75); // of four pairs, three are in order
 * ```
 */
export function auroc(own: ArrayLike<number>, foreign: ArrayLike<number>): number {
  scores(own, "auroc: own");
  scores(foreign, "auroc: foreign");
  const a = Float64Array.from(own).sort();
  const b = Float64Array.from(foreign).sort();
  let wins = 0;
  for (let i = 0, below = 0, upTo = 0; i < b.length; i++) {
    while (below < a.length && a[below] < b[i]) below++;
    while (upTo < a.length && a[upTo] <= b[i]) upTo++;
    wins += (below + upTo) / 2;
  }
  return wins / (a.length * b.length);
}
