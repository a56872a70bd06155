/** Statistics for the tests, each beside its standard error. */
import { assert } from "@std/assert";

/** Mean of some numbers. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Variance of some numbers, about their mean. */
export function variance(values: ArrayLike<number>): number {
  const center = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] - center) ** 2;
  return sum / values.length;
}

/** Pearson's correlation of `a[i]` and `b[i + lag]`. Its standard error is 1 / sqrt(count) where it is truly 0. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>, lag = 0): number {
  const count = Math.min(a.length, b.length - lag);
  let [sumA, sumB, sumAB, sumAA, sumBB] = [0, 0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [x, y] = [a[i], b[i + lag]];
    sumA += x;
    sumB += y;
    sumAB += x * y;
    sumAA += x * x;
    sumBB += y * y;
  }
  const covariance = sumAB / count - sumA / count * sumB / count;
  return covariance / Math.sqrt((sumAA / count - (sumA / count) ** 2) * (sumBB / count - (sumB / count) ** 2));
}

/** Throws unless a statistic lies within 4 standard errors of its expectation. */
export function assertWithin(found: number, expected: number, standardError: number, what: string): void {
  const errors = Math.abs(found - expected) / standardError;
  assert(
    errors <= 4,
    `${what}: found ${found}, expected ${expected}, ${
      errors.toFixed(2)
    } standard errors away (one is ${standardError})`,
  );
}

/** Largest distance between the sample's distribution and the given one, times the root of the count. */
export function kolmogorovSmirnov(values: ArrayLike<number>, distribution: (x: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  let largest = 0;
  for (let i = 0; i < sorted.length; i++) {
    const p = distribution(sorted[i]);
    largest = Math.max(largest, p - i / sorted.length, (i + 1) / sorted.length - p);
  }
  return largest * Math.sqrt(sorted.length);
}
