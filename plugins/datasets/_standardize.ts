/** Shifting and scaling columns of numbers to mean 0 and variance 1. @module */

/** Mean and deviation of each column. */
export interface Columns {
  /** Means. */
  readonly mean: readonly number[];
  /** Standard deviations, of the population; Infinity for a constant column, which therefore becomes 0. */
  readonly deviation: readonly number[];
}

/**
 * Means and deviations of the columns of a table, or of the channels of examples.
 *
 * @param values row after row
 * @param width number of columns
 * @param area consecutive numbers that count as one column: those of a channel
 */
export function standardization(values: ArrayLike<number>, width: number, area = 1): Columns {
  const numbers = values.length / width;
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let column = 0; column < width; column++) {
    let sum = 0;
    const each = (visit: (value: number) => void) => {
      for (let row = column * area; row < values.length; row += width * area) {
        for (let i = row; i < row + area; i++) visit(values[i]);
      }
    };
    each((value) => sum += value / numbers);
    let variance = 0;
    each((value) => variance += (value - sum) ** 2 / numbers);
    const root = Math.sqrt(variance);
    mean.push(sum);
    // What is left of a constant column after rounding is not a deviation.
    deviation.push(root > 1e-12 * Math.abs(sum) ? root : Infinity);
  }
  return { mean, deviation };
}

/** Subtracts the mean and divides by the deviation, column by column or channel by channel, in place. */
export function standardize(values: Float64Array, { mean, deviation }: Columns, area = 1): void {
  const width = mean.length;
  for (let i = 0; i < values.length; i++) {
    const column = Math.floor(i / area) % width;
    values[i] = (values[i] - mean[column]) / deviation[column];
  }
}
