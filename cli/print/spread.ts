/** Means and deviations. @module */

/** A mean, and the sample's standard deviation (divided by n - 1) where there are several values. */
export interface Spread {
  readonly mean: number;
  readonly deviation?: number;
}

/** The mean of some numbers. */
export function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** The mean of some numbers, and their standard deviation. */
export function spread(values: readonly number[]): Spread {
  const center = mean(values);
  if (values.length < 2) return { mean: center };
  const squares = values.reduce((total, value) => total + (value - center) ** 2, 0);
  return { mean: center, deviation: Math.sqrt(squares / (values.length - 1)) };
}
