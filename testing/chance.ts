/**
 * Probabilities that the exam's statistical checks state: bounds that hold for any number of draws, and choices that follow
 * from the exam's seed alone.
 *
 * A check that decides many things at once shares {@linkcode LEVEL} among them, so that all of it fails a right plugin with at
 * most that probability. An exam makes fewer than 2,000 such checks of any built-in plugin: a right one fails one exam in
 * five million at most, and bounds are far from tight.
 *
 * @module
 */
import { Key, Tensor } from "../core/mod.ts";

/** The probability with which one statistical check of one panel of draws may fail what is right. */
export const LEVEL = 1e-10;

/** The divergence of a coin of probability `a` from one of probability `b`, in natural units. */
function divergence(a: number, b: number): number {
  const part = (x: number, y: number) => x === 0 ? 0 : y === 0 ? Infinity : x * Math.log(x / y);
  return part(a, b) + part(1 - a, 1 - b);
}

/**
 * Logarithm of a bound of the probability that a count lies as far from what is expected as the one found, on its side:
 * Chernoff's, which holds for any count of independent decisions, and for decisions drawn without replacement.
 *
 * @param found the count
 * @param trials number of decisions
 * @param low least probability of one that is expected
 * @param high largest probability that is expected. Default `low`
 */
export function logTail(found: number, trials: number, low: number, high: number = low): number {
  const share = found / trials;
  if (trials === 0 || (share >= low && share <= high)) return 0;
  return -trials * divergence(share, share < low ? low : high);
}

/**
 * Logarithm of Bernstein's bound of the probability that a sum of terms with mean 0, each at most `most` above, lies as far
 * from 0 as the one found, on either side.
 *
 * @param found the sum
 * @param variance of the sum, or more
 */
export function logBernstein(found: number, variance: number, most: number): number {
  if (found === 0) return 0;
  return Math.LN2 - found * found / (2 * (variance + most * Math.abs(found) / 3));
}

/**
 * How far the mean of `count` independent numbers may lie from its expectation but for `logLevel`: the empirical Bernstein
 * bound of Maurer and Pontil (2009) on both sides, with the range that was found.
 */
export function meanAllowance(variance: number, range: number, count: number, logLevel: number): number {
  const depth = Math.LN2 * 2 - logLevel;
  return Math.sqrt(2 * variance * depth / count) + 7 * range * depth / (3 * (count - 1));
}

/** Logarithm of the number of ways to choose `k` of `n`. */
export function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= Math.min(k, n - k); i++) sum += Math.log((n - i + 1) / i);
  return sum;
}

/** What the exam chooses at random: all of it follows from the seed and the label. */
export class Picker {
  readonly #key: Key;
  #numbers: ArrayLike<number> = [];
  #next = 0;
  #blocks = 0;

  constructor(seed: number, label: string) {
    this.#key = Key.seed(seed).at("exam").at(label.replaceAll("/", " "));
  }

  /** A number in (0, 1). */
  unit(): number {
    if (this.#next === this.#numbers.length) {
      this.#numbers = Tensor.uniform([1, 256], this.#key.atStep(this.#blocks++), "float64").floats;
      this.#next = 0;
    }
    return this.#numbers[this.#next++];
  }

  /** A number in (low, high). */
  real(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number in [low, high]. */
  whole(low: number, high: number): number {
    const fine = this.unit() + (Math.floor(this.unit() * 2 ** 23) - 2 ** 22) * 2 ** -46;
    return Math.max(low, Math.min(high, low + Math.floor(fine * (high - low + 1))));
  }

  /** One of several. */
  of<T>(all: readonly T[]): T {
    return all[this.whole(0, all.length - 1)];
  }

  /** All of them, in another order. */
  shuffled<T>(all: readonly T[]): T[] {
    const order = [...all];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** Extents of so many axes, each from 2 to 9, with a product of at most `most` where that is possible. */
  extents(rank: number, most: number): number[] {
    const extents = Array.from({ length: rank }, () => 2);
    for (let tries = 0; tries < 40; tries++) {
      const axis = this.whole(0, rank - 1);
      const size = extents.reduce((product, extent) => product * extent, 1);
      if (extents[axis] < 9 && size / extents[axis] * (extents[axis] + 1) <= most) extents[axis]++;
    }
    return extents;
  }
}
