/**
 * Which class is ahead for good: a sequential test that may be looked at after every pass.
 *
 * @module
 */
import { OptionError } from "../errors.ts";

/** The largest share of a wealth that is staked, so that one pass never takes all of it. */
const MOST_STAKE = 0.95;

/**
 * A race of classes over independent passes, which ends for an example once one class is known to have the largest mean
 * probability over all passes that could be drawn, with a stated probability of error.
 *
 * For each pair of classes a and b there is a wealth `W_t = prod (1 + s_t (p_a - p_b))` over passes t, which bets that a is
 * ahead of b: the stake s_t, in [0, 0.95], follows from earlier passes alone. If the mean of a is not above that of b, W is
 * a nonnegative supermartingale that begins at 1, and by Ville's inequality the probability that it ever reaches
 * `(K - 1) / error`, for K classes, is at most `error / (K - 1)`. A class is settled once its wealth against every other
 * class has reached that. Then a wrong class is settled with probability at most `error`, however often one looks: to be
 * settled it must beat the truly best class, which at most K - 1 classes can try.
 *
 * Ville, "Étude critique de la notion de collectif", 1939; Waudby-Smith and Ramdas, "Estimating Means of Bounded Random Variables
 * by Betting", JRSS B 86 (2024), section 4 and appendix B.3: stakes by the mean and the second moment so far.
 *
 * Cost: K^2 numbers an example.
 *
 * @example
 * ```ts
 * import { ClassRace } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const race = new ClassRace(1, 2, 0.05); // one example, two classes
 * let passes = 0;
 * while (race.winner(0) < 0) {
 *   race.add(0, [0.9, 0.1]);
 *   passes++;
 * }
 * assertEquals([race.winner(0), passes], [0, 6]);
 * ```
 */
export class ClassRace {
  /** Number of classes. */
  readonly classes: number;
  /** The logarithm that a wealth has to reach. */
  readonly #goal: number;
  /** Of each pair (a, b) of each example: the logarithm of the wealth. */
  readonly #wealth: Float64Array<ArrayBuffer>;
  /** Of each pair: the largest that logarithm has been. */
  readonly #reached: Uint8Array<ArrayBuffer>;
  /** Of each pair: the sums of the differences and of their squares. */
  readonly #sums: Float64Array<ArrayBuffer>;
  readonly #squares: Float64Array<ArrayBuffer>;
  readonly #winners: Int32Array<ArrayBuffer>;

  /**
   * Before the first pass.
   *
   * @param rows number of examples
   * @param classes number of classes, at least 2
   * @param error the probability of error for an example, in (0, 1)
   * @throws {OptionError} for a number out of range
   */
  constructor(rows: number, classes: number, error: number) {
    if (!(error > 0 && error < 1)) throw new OptionError("error", "a probability in (0, 1)", error);
    if (!(Number.isSafeInteger(classes) && classes >= 2)) throw new OptionError("classes", "at least 2", classes);
    this.classes = classes;
    this.#goal = Math.log((classes - 1) / error);
    const pairs = rows * classes * classes;
    this.#wealth = new Float64Array(pairs);
    this.#reached = new Uint8Array(pairs);
    this.#sums = new Float64Array(pairs);
    this.#squares = new Float64Array(pairs);
    this.#winners = new Int32Array(rows).fill(-1);
  }

  /** The fewest passes after which an example can be settled: those of a class with probability 1 in each. */
  get fewest(): number {
    let passes = 0;
    for (let log = 0; log < this.#goal; passes++) log += Math.log1p(stake(passes, passes));
    return passes;
  }

  /**
   * Takes up a pass over an example.
   *
   * @param row which example
   * @param probabilities of each class, in [0, 1]
   * @param from place of the first of them; default 0
   */
  add(row: number, probabilities: ArrayLike<number>, from: number = 0): void {
    const { classes } = this;
    if (this.#winners[row] >= 0) return;
    for (let a = 0; a < classes; a++) {
      let beaten = 1;
      for (let b = 0; b < classes; b++) {
        if (a === b) continue;
        const pair = (row * classes + a) * classes + b;
        const ahead = probabilities[from + a] - probabilities[from + b];
        this.#wealth[pair] += Math.log1p(stake(this.#sums[pair], this.#squares[pair]) * ahead);
        this.#sums[pair] += ahead;
        this.#squares[pair] += ahead * ahead;
        if (this.#wealth[pair] >= this.#goal) this.#reached[pair] = 1;
        beaten += this.#reached[pair];
      }
      if (beaten === classes && this.#winners[row] < 0) this.#winners[row] = a;
    }
  }

  /** The class that an example is settled at; -1 while it is open. */
  winner(row: number): number {
    return this.#winners[row];
  }
}

/** The share of the wealth that is staked next: about the mean over the second moment, as if one half had been seen before. */
function stake(sum: number, squares: number): number {
  return Math.min(MOST_STAKE, Math.max(0, (0.5 + sum) / (1 + squares)));
}
