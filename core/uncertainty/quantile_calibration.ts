/**
 * Calibration of a regression: does the target lie below the predicted quantile q in a part q of all cases?
 *
 * Kuleshov, Fenner, Ermon, "Accurate Uncertainties for Deep Learning Using Calibrated Regression", ICML 2018, section 3; what a
 * predicted distribution says of the target is uniform where it is right: Dawid, "Present Position and Potential Developments:
 * Some Personal Views: Statistical Theory: The Prequential Approach", JRSS A 147, 1984.
 *
 * @module
 */
import { erf } from "../backend/reference/elementwise.ts";
import { DataError } from "../errors.ts";
import { levelsOf, scores } from "./_given.ts";

/** What is said and what is found. */
export interface LevelFound {
  /** The probability that was said, in (0, 1). */
  readonly level: number;
  /** The part of the targets for which it held, in [0, 1]. */
  readonly found: number;
}

/** What {@linkcode quantileCalibration} finds. */
export interface QuantileCalibration {
  /** For each level, the part of the targets at or below the predicted quantile. */
  readonly quantiles: readonly LevelFound[];
  /** Mean over the levels of `|found - level|`, in [0, 1]. */
  readonly expectedError: number;
}

/** The probability that a standard normal number is at most z. */
export function normalCdf(z: number): number {
  return 0.5 * (1 + erf(z * Math.SQRT1_2));
}

/** The logarithm of the density of a normal number with a mean and a variance above 0, in nats. */
export function normalLogDensity(value: number, mean: number, variance: number): number {
  return -0.5 * (Math.log(2 * Math.PI * variance) + (value - mean) ** 2 / variance);
}

/** The levels that are looked at where none are given: 0.05, 0.1, ..., 0.95. */
const LEVELS = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

/**
 * How often targets lie at or below their predicted quantiles.
 *
 * @param below for each target, the probability that its prediction gives to smaller values: its predicted distribution
 *   function at the target
 * @param levels which quantiles, in (0, 1). Default 0.05, 0.1, ..., 0.95
 * @throws {DataError} for no targets, and for what is no probability
 * @throws {OptionError} for another level
 *
 * @example
 * ```ts
 * import { normalCdf, quantileCalibration } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const targets = [-1, 0.5, 2, 3]; // all predicted as standard normal
 * const { quantiles } = quantileCalibration(targets.map(normalCdf), [0.5]);
 * assertEquals(quantiles, [{ level: 0.5, found: 0.25 }]);
 * ```
 */
export function quantileCalibration(
  below: ArrayLike<number>,
  levels: readonly number[] = LEVELS,
): QuantileCalibration {
  const given = probabilities(below, "quantileCalibration");
  const quantiles = levelsOf(levels, "quantileCalibration.levels")
    .map((level) => ({ level, found: part(given, (u) => u <= level) }));
  const expectedError = quantiles.reduce((sum, { level, found }) => sum + Math.abs(found - level), 0) / levels.length;
  return { quantiles, expectedError };
}

/**
 * How often targets lie in their central predicted intervals: that with the probability L goes from the quantile
 * `(1 - L) / 2` to `(1 + L) / 2`, both ends included.
 *
 * @param below for each target, its predicted distribution function at the target
 * @param levels probabilities of the intervals, in (0, 1). Default 0.5, 0.8, 0.9, 0.95
 * @throws {DataError} for no targets, and for what is no probability
 * @throws {OptionError} for another level
 *
 * @example
 * ```ts
 * import { intervalCoverage } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(intervalCoverage([0.1, 0.3, 0.6, 0.99], [0.5]), [{ level: 0.5, found: 0.5 }]);
 * ```
 */
export function intervalCoverage(
  below: ArrayLike<number>,
  levels: readonly number[] = [0.5, 0.8, 0.9, 0.95],
): LevelFound[] {
  const given = probabilities(below, "intervalCoverage");
  return levelsOf(levels, "intervalCoverage.levels")
    .map((level) => ({ level, found: part(given, (u) => u >= (1 - level) / 2 && u <= (1 + level) / 2) }));
}

function probabilities(values: ArrayLike<number>, where: string): ArrayLike<number> {
  scores(values, where);
  for (let i = 0; i < values.length; i++) {
    if (values[i] >= 0 && values[i] <= 1) continue;
    throw new DataError(`${where}: expected probabilities in [0, 1], found ${values[i]} at ${i}.`);
  }
  return values;
}

function part(values: ArrayLike<number>, holds: (value: number) => boolean): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (holds(values[i])) count++;
  return count / values.length;
}
