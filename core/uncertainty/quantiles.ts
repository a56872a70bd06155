/** Quantiles of passes, and of the mixture of normal distributions that they stand for. @module */
import { OptionError } from "../errors.ts";
import { normalCdf } from "./quantile_calibration.ts";

/**
 * The levels of quantiles, checked.
 *
 * @throws {OptionError} for one outside [0, 1]
 */
export function checkLevels(levels: readonly number[], path: string): readonly number[] {
  levels.forEach((level, i) => {
    if (typeof level === "number" && level >= 0 && level <= 1) return;
    throw new OptionError(`${path}.${i}`, "a number in [0, 1]", level);
  });
  return levels;
}

/**
 * A quantile of some numbers, by linear interpolation between the two nearest: type 7 of Hyndman and Fan (1996), as NumPy
 * has it by default. Level 0 is the least, 1 the greatest, 0.5 the median.
 *
 * @param sorted the numbers, at least one, the least first
 * @param level in [0, 1]
 *
 * @example
 * ```ts
 * import { quantile } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(quantile([1, 2, 4], 0.5), 2);
 * assertEquals(quantile([1, 2, 4], 0.75), 3); // half way from the second to the third
 * ```
 */
export function quantile(sorted: ArrayLike<number>, level: number): number {
  const at = level * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}

/**
 * A quantile of an even mixture of normal distributions, such as passes that each give a mean and a variance: found by
 * bisection, to 1e-9 of the widest part's deviation.
 *
 * @param means of the parts, at least one
 * @param variances of the parts, at least 0; one number for all, or one each
 * @param level in [0, 1]: `-Infinity` for 0 and `Infinity` for 1, unless all variances are 0
 *
 * @example
 * ```ts
 * import { mixtureQuantile } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(mixtureQuantile([3], 4, 0.975), 3 + 2 * 1.959964, 1e-5);
 * assertAlmostEquals(mixtureQuantile([-5, 5], 1, 0.5), 0, 1e-5);
 * ```
 */
export function mixtureQuantile(
  means: ArrayLike<number>,
  variances: number | ArrayLike<number>,
  level: number,
): number {
  const deviations = Array.from(means, (_, i) => Math.sqrt(typeof variances === "number" ? variances : variances[i]));
  const widest = Math.max(...deviations);
  const sorted = Float64Array.from(Array.from(means)).sort();
  if (widest === 0) return quantile(sorted, level);
  if (level <= 0 || level >= 1) return level <= 0 ? -Infinity : Infinity;
  const below = (y: number) => {
    let sum = 0;
    for (let i = 0; i < means.length; i++) {
      const distance = y - means[i];
      sum += deviations[i] > 0 ? normalCdf(distance / deviations[i]) : distance >= 0 ? 1 : 0;
    }
    return sum / means.length;
  };
  // No part has more than 1e-300 beyond 38 deviations.
  let [low, high] = [sorted[0] - 38 * widest, sorted[sorted.length - 1] + 38 * widest];
  for (let i = 0; i < 200 && high - low > 1e-9 * widest; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (below(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
