/** How good predictions of several passes are: the error of their mean, and the likelihood of the targets. @module */

/** Mean and standard deviation that a standardized number had. */
export interface Units {
  /** Mean. */
  readonly mean: number;
  /** Standard deviation, above 0. */
  readonly deviation: number;
}

/** How good predictions are, in the target's own units. */
export interface Quality {
  /** Root of the mean squared difference of the targets and the mean over passes. */
  readonly rmse: number;
  /** Mean over the examples of the logarithm of the predictive density. */
  readonly logLikelihood: number;
}

/**
 * Takes up the passes of a Monte Carlo prediction, one by one. The predictive density of a target y is the mean over passes
 * of the normal density around a pass's prediction with precision tau (Gal and Ghahramani 2016, appendix, equation 8):
 * `log p(y) = logsumexp(-tau (y - y_t)^2 / 2) - log T - log(2 pi) / 2 + log(tau) / 2`.
 */
export class PassScores {
  readonly #targets: Float64Array;
  readonly #units: Units;
  readonly #tau: number;
  readonly #sums: Float64Array;
  /** The largest exponent so far, and the sum of the powers relative to it: no density underflows. */
  readonly #most: Float64Array;
  readonly #powers: Float64Array;
  #passes = 0;

  /**
   * @param targets one for each example, in their own units
   * @param units what turns a model's output into the target's units
   * @param tau precision of the noise, the inverse of its variance, in the target's units
   */
  constructor(targets: Float64Array, units: Units, tau: number) {
    this.#targets = targets;
    this.#units = units;
    this.#tau = tau;
    this.#sums = new Float64Array(targets.length);
    this.#most = new Float64Array(targets.length).fill(-Infinity);
    this.#powers = new Float64Array(targets.length);
  }

  /** Takes up a pass: a standardized prediction for each example. */
  add(outputs: ArrayLike<number>): void {
    const [targets, sums, most, powers] = [this.#targets, this.#sums, this.#most, this.#powers];
    const { mean, deviation } = this.#units;
    const half = -0.5 * this.#tau;
    for (let i = 0; i < targets.length; i++) {
      const prediction = outputs[i] * deviation + mean;
      sums[i] += prediction;
      const exponent = half * (targets[i] - prediction) ** 2;
      if (exponent <= most[i]) powers[i] += Math.exp(exponent - most[i]);
      else {
        powers[i] = powers[i] * Math.exp(most[i] - exponent) + 1;
        most[i] = exponent;
      }
    }
    this.#passes++;
  }

  /** How good the predictions of all passes so far are. */
  quality(): Quality {
    const passes = this.#passes;
    const constant = 0.5 * Math.log(this.#tau) - 0.5 * Math.log(2 * Math.PI) - Math.log(passes);
    const count = this.#targets.length;
    let squares = 0;
    let likelihood = 0;
    for (let i = 0; i < count; i++) {
      squares += (this.#targets[i] - this.#sums[i] / passes) ** 2 / count;
      likelihood += (this.#most[i] + Math.log(this.#powers[i]) + constant) / count;
    }
    return { rmse: Math.sqrt(squares), logLikelihood: likelihood };
  }
}

/** Mean of some numbers and its standard error, the deviation of the population over the root of their number. */
export function meanAndError(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, error: Math.sqrt(variance / values.length) };
}
