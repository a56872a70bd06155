/**
 * Checks of means and variances. Each pass gives one number for each entry, the mean over its rows; passes are
 * independent whoever shares a draw inside of one, so the standard error of the mean over passes follows from their
 * spread.
 *
 * @module
 */
import { Key, noGrad, Tensor } from "../../core/mod.ts";
import { applies, ensure } from "../report.ts";
import type { Trial } from "../trial.ts";

/** Rates at which claims are tried. */
const RATES = [0.1, 0.3, 0.5, 0.75];

/** Standard errors allowed: a true claim fails one entry in two million. */
const LIMIT = 5;

/** Means over passes, with their standard errors. */
class Means {
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#sum = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  add(values: ArrayLike<number>): void {
    this.#count++;
    for (let i = 0; i < this.#sum.length; i++) {
      this.#sum[i] += values[i];
      this.#squares[i] += values[i] ** 2;
    }
  }

  mean(i: number): number {
    return this.#sum[i] / this.#count;
  }

  error(i: number): number {
    const variance = Math.max(this.#squares[i] / this.#count - this.mean(i) ** 2, 0);
    return Math.sqrt(variance / (this.#count - 1));
  }

  /** Throws unless each mean lies within the limit of what is expected. */
  expect(expected: ArrayLike<number>, what: (i: number) => string): void {
    for (let i = 0; i < this.#sum.length; i++) {
      const [found, error] = [this.mean(i), this.error(i)];
      const allowed = LIMIT * error + 1e-9 * Math.max(1, Math.abs(expected[i]));
      ensure(
        Math.abs(found - expected[i]) <= allowed,
        () =>
          `expected ${what(i)} to be ${short(expected[i])} within ${LIMIT} standard errors of ${short(error)}, ` +
          `found ${short(found)} in ${this.#count} passes`,
      );
    }
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(5)));
}

/**
 * What a statistic becomes over passes: `of` gives the value of one entry of one row; the last of the means is that
 * over all entries, each with the sign of what is expected of it.
 */
function overPasses(trial: Trial, rate: number | undefined, of: (y: number, plain: number) => number) {
  const subject = trial.subject({ rate });
  const [rows, passes] = trial.site.batched ? [16, 200] : [1, 1200];
  const x = subject.inputs(rows, { equal: true });
  const plain = noGrad(() => trial.site.plain(subject.model, x)).floats;
  const entries = plain.length / rows;
  const means = new Means(entries + 1);
  const values = new Float64Array(entries + 1);
  for (let step = 0; step < passes; step++) {
    const y = subject.output(x, { step }).floats;
    values.fill(0);
    for (let i = 0; i < y.length; i++) values[i % entries] += of(y[i], plain[i]) / rows;
    for (let i = 0; i < entries; i++) values[entries] += Math.sign(plain[i]) * values[i] / entries;
    means.add(values);
  }
  return { means, plain: plain.subarray(0, entries) };
}

/** The expectations of all entries and their mean, as `overPasses` orders them. */
function expectations(plain: ArrayLike<number>, of: (plain: number) => number): number[] {
  const each = Array.from(plain, of);
  return [...each, each.reduce((sum, value, i) => sum + Math.sign(plain[i]) * value, 0) / each.length];
}

function entry(i: number, count: number, what: string, rate: number | undefined): string {
  const at = rate === undefined ? "" : ` at rate ${rate}`;
  return i === count ? `the mean over all entries' ${what}${at}` : `the ${what} of entry ${i}${at}`;
}

/** The mean over draws is what the claims say. */
export function mean(trial: Trial): string {
  const claim = trial.claims.mean;
  applies(claim !== undefined, "nothing is claimed");
  applies(claim === "kept" || trial.rates.length > 0, "there is no rate to scale by");
  trial.findMoment();
  const rates = trial.rates.length === 0 ? [undefined] : RATES;
  for (const rate of rates) {
    const factor = claim === "kept" ? 1 : 1 - rate!;
    const { means, plain } = overPasses(trial, rate, (y) => y);
    means.expect(expectations(plain, (value) => value * factor), (i) => entry(i, plain.length, "mean", rate));
  }
  const what = claim === "kept" ? "the mean is kept" : "the mean is that of the input times the keep probability";
  return `${what}${trial.rates.length === 0 ? "" : ` at rates ${RATES.join(", ")}`}, within ${LIMIT} standard errors`;
}

/** The variance over draws is what the claims say. */
export function variance(trial: Trial): string {
  applies(trial.claims.variance !== undefined, "nothing is claimed");
  applies(trial.rates.length > 0, "there is no rate to compute it from");
  trial.findMoment();
  for (const rate of RATES) {
    const { means, plain } = overPasses(trial, rate, (y, expected) => (y - expected) ** 2);
    const expected = expectations(plain, (value) => value ** 2 * rate / (1 - rate));
    means.expect(expected, (i) => entry(i, plain.length, "variance", rate));
  }
  return `the variance is x^2 rate / (1 - rate) at rates ${RATES.join(", ")}, within ${LIMIT} standard errors`;
}

/** Inputs of mean 0 and variance 1 keep both, if the claims say so. */
export function moments(trial: Trial): string {
  applies(trial.claims.moments !== undefined, "nothing is claimed");
  applies(trial.site.batched && trial.site.inputType !== "int32", `${trial.site.label}: no input to choose`);
  trial.findMoment();
  const rates = trial.rates.length === 0 ? [undefined] : RATES;
  for (const rate of rates) {
    const subject = trial.subject({ rate });
    const means = new Means(2);
    for (let step = 0; step < 300; step++) {
      const key = Key.seed(trial.seed).at("exam").atStep(step);
      const x = trial.site.inputShapes.map((shape, i) => Tensor.normal([16, ...shape], key.at(`${i}`), "float64"));
      const y = [...subject.output(x, { step }).floats];
      means.add([
        y.reduce((sum, value) => sum + value, 0) / y.length,
        y.reduce((sum, value) => sum + value ** 2, 0) / y.length,
      ]);
    }
    const at = rate === undefined ? "" : ` at rate ${rate}`;
    means.expect([0, 1], (i) => `the ${i === 0 ? "mean" : "mean square"} of the output for normal input${at}`);
  }
  return `mean 0 and variance 1 are kept, within ${LIMIT} standard errors`;
}
