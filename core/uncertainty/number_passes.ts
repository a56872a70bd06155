/**
 * What several passes with dropout on say of numbers: their mean and variance, and the noise that the model sees in the
 * data.
 *
 * Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016,
 * equations (6) and (7); Kendall and Gal, "What Uncertainties Do We Need in Bayesian Deep Learning for Computer Vision?",
 * NIPS 2017, equation (9).
 *
 * @module
 */

/**
 * Takes up passes one after the other: running means and summed squared distances from them (Welford's recurrences), in
 * float64, and the mean of the noise.
 *
 * @example
 * ```ts
 * import { NumberPasses } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const passes = new NumberPasses(1); // one number
 * passes.add([3], [0.5]); // and the variance of the noise around it
 * passes.add([5], [1.5]);
 * assertEquals([...passes.mean], [4]);
 * assertEquals([passes.epistemic(0), passes.aleatoric(0)], [1, 1]);
 * ```
 */
export class NumberPasses {
  /** The mean of each number over the passes so far. */
  readonly mean: Float64Array<ArrayBuffer>;
  readonly #squares: Float64Array<ArrayBuffer>;
  readonly #noise: Float64Array<ArrayBuffer>;
  #passes = 0;

  /**
   * Before the first pass.
   *
   * @param size how many numbers a pass gives
   */
  constructor(size: number) {
    this.mean = new Float64Array(size);
    this.#squares = new Float64Array(size);
    this.#noise = new Float64Array(size);
  }

  /** How many passes have been taken up. */
  get passes(): number {
    return this.#passes;
  }

  /**
   * Takes up a pass.
   *
   * @param numbers what it gives
   * @param noise the variance of the noise around each, or around all; default 0
   */
  add(numbers: ArrayLike<number>, noise: ArrayLike<number> | number = 0): void {
    const n = ++this.#passes;
    for (let i = 0; i < this.mean.length; i++) {
      const before = numbers[i] - this.mean[i];
      this.mean[i] += before / n;
      this.#squares[i] += before * (numbers[i] - this.mean[i]);
    }
    if (noise === 0) return;
    for (let i = 0; i < this.mean.length; i++) {
      this.#noise[i] += ((typeof noise === "number" ? noise : noise[i]) - this.#noise[i]) / n;
    }
  }

  /** The variance of number i over the passes, the mean squared distance from the mean: which more data would take away. */
  epistemic(i: number): number {
    return this.#squares[i] / this.#passes;
  }

  /** The mean over passes of the noise around number i. */
  aleatoric(i: number): number {
    return this.#noise[i];
  }
}
