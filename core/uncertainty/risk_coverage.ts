/**
 * Refusing to answer: how right a model is on those examples that it is most sure of.
 *
 * Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", NIPS 2017; the area and its excess as in Geifman,
 * Uziel, El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", ICLR 2019, section 3.
 *
 * @module
 */
import { DataError } from "../errors.ts";
import { scores } from "./_given.ts";

/** What {@linkcode riskCoverage} finds. */
export interface RiskCoverage {
  /**
   * The mean loss of the k surest examples, for k from 1 to all: `risks[k - 1]`. Where only some of equally sure examples are
   * among them, it is the mean over all ways to choose these.
   */
  readonly risks: Float64Array;
  /** The area under the risks over coverage: their mean. */
  readonly area: number;
  /** How much more that is than for a confidence that puts the examples in the order of their losses; at least 0. */
  readonly excess: number;
  /**
   * The mean loss when a share of the examples is refused, the least sure first; of the answers there remain at least one.
   *
   * @param share in [0, 1]; the number of examples that are refused is rounded
   */
  riskWithout(share: number): number;
}

/**
 * The risk-coverage curve. With losses of 1 for a wrong class and 0 for a right one, risk is the error, and
 * `1 - riskWithout(0.2)` the accuracy when a fifth is refused.
 *
 * @param confidences how sure the model is of each example: larger is surer
 * @param losses the loss of each example
 * @throws {DataError} for no examples, NaN, and another number of losses
 *
 * @example
 * ```ts
 * import { riskCoverage } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { risks, riskWithout } = riskCoverage([0.9, 0.6, 0.8, 0.7], [0, 1, 0, 1]);
 * assertEquals([...risks], [0, 0, 1 / 3, 0.5]);
 * assertEquals(riskWithout(0.5), 0);
 * ```
 */
export function riskCoverage(confidences: ArrayLike<number>, losses: ArrayLike<number>): RiskCoverage {
  scores(confidences, "riskCoverage: confidences");
  scores(losses, "riskCoverage: losses");
  const count = losses.length;
  if (confidences.length !== count) {
    throw new DataError(`riskCoverage: expected a loss for each of ${confidences.length} confidences, found ${count}.`);
  }
  const risks = risksOf(confidences, losses);
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / count;
  const area = mean(risks);
  const best = mean(risksOf(Float64Array.from(losses, (loss) => -loss), losses));
  return {
    risks,
    area,
    excess: Math.max(0, area - best),
    riskWithout: (share) => {
      if (!(share >= 0 && share <= 1)) {
        throw new DataError(`riskWithout: expected a share in [0, 1], found ${share}.`);
      }
      return risks[Math.max(1, count - Math.round(share * count)) - 1];
    },
  };
}

function risksOf(confidences: ArrayLike<number>, losses: ArrayLike<number>): Float64Array {
  const count = losses.length;
  // Infinite confidences have no difference.
  const order = Uint32Array.from(losses, (_, i) => i)
    .sort((a, b) => confidences[a] === confidences[b] ? 0 : confidences[b] > confidences[a] ? 1 : -1);
  const risks = new Float64Array(count);
  let before = 0;
  for (let from = 0, to = 0; from < count; from = to) {
    let sum = 0;
    while (to < count && confidences[order[to]] === confidences[order[from]]) sum += losses[order[to++]];
    for (let k = from + 1; k <= to; k++) risks[k - 1] = (before + sum * (k - from) / (to - from)) / k;
    before += sum;
  }
  return risks;
}
