/** Shifting and scaling columns of numbers to mean 0 and variance 1. @module */

/** Mean and deviation of each column. */
export interface Columns {
  /** Means. */
  readonly mean: readonly number[];
  /** Standard deviations, of the population; Infinity for a constant column, which therefore becomes 0. */
  readonly deviation: readonly number[];
}

/**
 * Mean and deviation of some numbers.
 *
 * @param count how many, at least one
 * @param at each of them, by its place
 */
export function momentsOf(count: number, at: (place: number) => number): { mean: number; deviation: number } {
  let mean = 0;
  for (let i = 0; i < count; i++) mean += at(i) / count;
  let variance = 0;
  for (let i = 0; i < count; i++) variance += (at(i) - mean) ** 2 / count;
  const root = Math.sqrt(variance);
  // What is left of a constant column after rounding is not a deviation.
  return { mean, deviation: root > 1e-12 * Math.abs(mean) ? root : Infinity };
}

/**
 * Means and deviations of the columns of a table, or of the channels of examples.
 *
 * @param values row after row
 * @param width number of columns
 * @param area consecutive numbers that count as one column: those of a channel
 */
export function standardization(values: ArrayLike<number>, width: number, area = 1): Columns {
  const each = (column: number) =>
    momentsOf(
      values.length / width,
      (place) => values[(Math.floor(place / area) * width + column) * area + place % area],
    );
  const all = Array.from({ length: width }, (_, column) => each(column));
  return { mean: all.map(({ mean }) => mean), deviation: all.map(({ deviation }) => deviation) };
}

/** Subtracts the mean and divides by the deviation, column by column or channel by channel, in place. */
export function standardize(values: Float64Array, { mean, deviation }: Columns, area = 1): void {
  const width = mean.length;
  for (let i = 0; i < values.length; i++) {
    const column = Math.floor(i / area) % width;
    values[i] = (values[i] - mean[column]) / deviation[column];
  }
}
