/** Shifting and scaling columns of numbers to mean 0 and variance 1. @module */

/** Mean and deviation of each column. */
export interface Columns {
  /** Means. */
  readonly mean: readonly number[];
  /** Standard deviations, of the population; Infinity for a constant column, which therefore becomes 0. */
  readonly deviation: readonly number[];
}

/**
 * Means and deviations of the columns of a table.
 *
 * @param values row after row
 * @param width number of columns
 */
export function standardization(values: Float64Array, width: number): Columns {
  const rows = values.length / width;
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let column = 0; column < width; column++) {
    let sum = 0;
    for (let i = column; i < values.length; i += width) sum += values[i] / rows;
    let variance = 0;
    for (let i = column; i < values.length; i += width) variance += (values[i] - sum) ** 2 / rows;
    const root = Math.sqrt(variance);
    mean.push(sum);
    // What is left of a constant column after rounding is not a deviation.
    deviation.push(root > 1e-12 * Math.abs(sum) ? root : Infinity);
  }
  return { mean, deviation };
}

/** Subtracts the mean and divides by the deviation, column by column, in place. */
export function standardize(values: Float64Array, { mean, deviation }: Columns): void {
  const width = mean.length;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] - mean[i % width]) / deviation[i % width];
}
