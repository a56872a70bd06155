/**
 * What several passes with dropout on say of classes: their mean, and how far and in which way they are unsure.
 *
 * Gal, "Uncertainty in Deep Learning", PhD thesis, Cambridge 2016, section 3.3.1: predictive entropy (3.20), mutual
 * information (3.21) and variation ratio (3.19). Houlsby et al., "Bayesian Active Learning for Classification and
 * Preference Learning", arXiv:1112.5745, equation (2): the same mutual information, called BALD. Kwon et al., "Uncertainty
 * Quantification Using Bayesian Neural Networks in Classification", MIDL 2018, equation (2): the split of the variance.
 *
 * @module
 */

/**
 * The entropy of a distribution in nats, `-sum p log p`, where `0 log 0` is 0: from 0, for a class that is certain, to
 * `log(classes)`, where all are alike.
 *
 * @param probabilities of each class, in [0, 1], with sum 1
 * @param from place of the first of them; default 0
 * @param to place behind the last; default all
 *
 * @example
 * ```ts
 * import { entropy } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(entropy([0.5, 0.5]), Math.log(2));
 * assertEquals(entropy([1, 0]), 0);
 * ```
 */
export function entropy(probabilities: ArrayLike<number>, from: number = 0, to: number = probabilities.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const p = probabilities[i];
    if (p > 0) sum -= p * Math.log(p);
  }
  return sum;
}

/** What passes say of the classes of one example. */
export interface ClassUncertainty {
  /** Mean probability of each class over the passes, in [0, 1]. */
  readonly mean: readonly number[];
  /**
   * Geometric mean of each class's probability over the passes, divided by the sum of all: what weight scaling gives
   * exactly where a softmax follows one linear layer.
   */
  readonly geometricMean: readonly number[];
  /** Of each class: the mean over passes of `p (1 - p)`, the variance that would stay if the weights were known. */
  readonly aleatoric: readonly number[];
  /** Of each class: the variance over passes of `p`, which more data would take away. */
  readonly epistemic: readonly number[];
  /** Of each class: both together, `mean (1 - mean)`, the variance of whether an example is of it. */
  readonly total: readonly number[];
  /** The entropy of the mean, in nats: everything that is unsure. */
  readonly entropy: number;
  /** The mean over passes of their entropies, in nats: what is unsure in each pass by itself. */
  readonly expectedEntropy: number;
  /** The difference of both, at least 0: how far the passes disagree. */
  readonly mutualInformation: number;
  /** The share of passes whose most probable class is not the one that most passes have, in [0, 1). */
  readonly variationRatio: number;
}

/**
 * Takes up passes one after the other, for many examples at once; what is kept does not grow with their number.
 *
 * @example
 * ```ts
 * import { ClassPasses } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const passes = new ClassPasses(1, 2); // one example, two classes
 * passes.add([[Math.log(9), 0]].flat()); // logits: probabilities 0.9 and 0.1
 * passes.add([0, 0]); // 0.5 and 0.5
 * const { mean, epistemic, aleatoric } = passes.of(0);
 * assertAlmostEquals(mean[0], 0.7, 1e-12);
 * assertAlmostEquals(epistemic[0], 0.04, 1e-12); // 0.2 around 0.7
 * assertAlmostEquals(aleatoric[0], (0.09 + 0.25) / 2, 1e-12);
 * ```
 */
export class ClassPasses {
  /** Number of examples, or of positions that have a class each. */
  readonly rows: number;
  /** Number of classes. */
  readonly classes: number;
  /** Class probabilities of the last pass, row after row. */
  readonly probabilities: Float64Array<ArrayBuffer>;
  #passes = 0;
  readonly #mean: Float64Array<ArrayBuffer>;
  readonly #squares: Float64Array<ArrayBuffer>;
  readonly #own: Float64Array<ArrayBuffer>;
  readonly #logs: Float64Array<ArrayBuffer>;
  readonly #entropies: Float64Array<ArrayBuffer>;
  readonly #votes: Uint32Array<ArrayBuffer>;

  /**
   * Before the first pass.
   *
   * @param rows number of examples, or of positions that have a class each
   * @param classes number of classes, at least 1
   */
  constructor(rows: number, classes: number) {
    this.rows = rows;
    this.classes = classes;
    const numbers = () => new Float64Array(rows * classes);
    this.probabilities = numbers();
    this.#mean = numbers();
    this.#squares = numbers();
    this.#own = numbers();
    this.#logs = numbers();
    this.#entropies = new Float64Array(rows);
    this.#votes = new Uint32Array(rows * classes);
  }

  /** How many passes have been taken up. */
  get passes(): number {
    return this.#passes;
  }

  /**
   * Takes up a pass.
   *
   * @param logits `[rows, classes]`, row after row: probabilities are their softmax, logarithms of probabilities too
   */
  add(logits: ArrayLike<number>): void {
    const { rows, classes, probabilities } = this;
    const n = ++this.#passes;
    for (let row = 0; row < rows; row++) {
      const from = row * classes;
      const to = from + classes;
      let best = from;
      for (let i = from + 1; i < to; i++) if (logits[i] > logits[best]) best = i;
      const most = logits[best];
      let sum = 0;
      for (let i = from; i < to; i++) sum += probabilities[i] = Math.exp(logits[i] - most);
      const log = Math.log(sum);
      for (let i = from; i < to; i++) {
        const p = probabilities[i] /= sum;
        // Welford's recurrences.
        const before = p - this.#mean[i];
        this.#mean[i] += before / n;
        this.#squares[i] += before * (p - this.#mean[i]);
        this.#own[i] += p * (1 - p);
        this.#logs[i] += logits[i] - most - log; // not the logarithm of p, which may be 0
      }
      this.#entropies[row] += entropy(probabilities, from, to);
      this.#votes[best]++;
    }
  }

  /** What the passes so far, at least one, say of a row. */
  of(row: number): ClassUncertainty {
    const { classes } = this;
    const n = this.#passes;
    const [from, to] = [row * classes, (row + 1) * classes];
    const part = (numbers: Float64Array, over = n) => Array.from(numbers.subarray(from, to), (value) => value / over);
    const mean = part(this.#mean, 1);
    const all = entropy(mean);
    const expectedEntropy = this.#entropies[row] / n;
    let votes = 0;
    for (let i = from; i < to; i++) votes = Math.max(votes, this.#votes[i]);
    return {
      mean,
      geometricMean: softmaxOf(part(this.#logs)),
      aleatoric: part(this.#own),
      epistemic: part(this.#squares),
      total: mean.map((p) => p * (1 - p)),
      entropy: all,
      expectedEntropy,
      mutualInformation: Math.max(0, all - expectedEntropy), // what is below 0 is rounding
      variationRatio: 1 - votes / n,
    };
  }
}

function softmaxOf(logs: readonly number[]): number[] {
  const most = Math.max(...logs);
  const all = logs.map((value) => Math.exp(value - most));
  const sum = all.reduce((a, b) => a + b, 0);
  return all.map((value) => value / sum);
}
