/** Reading probabilities, labels and scores, and refusing what is none. @module */
import { DataError, OptionError } from "../errors.ts";
import { type NumberData, type NumericArray, readNumbers } from "../tensor/read_numbers.ts";

/** How far the probabilities of an example may be from 1 together: what float32 loses over many classes. */
const SUM_TOLERANCE = 1e-3;

/** Rows of numbers, each with the label of its example. */
export interface LabeledRows {
  /** Row after row. */
  readonly numbers: NumericArray;
  /** Number of rows, at least 1. */
  readonly count: number;
  /** Numbers of a row, at least 1. */
  readonly classes: number;
  /** A whole number in [0, classes) for each row. */
  readonly labels: ArrayLike<number>;
}

/** Finite numbers `[examples, classes]`, nested or one row after the other, with the label of each example. */
export function labeledRows(data: NumberData, labels: ArrayLike<number>, where: string): LabeledRows {
  const { numbers, shape } = readNumbers(data, where);
  const count = labels.length;
  if (count === 0) throw new DataError(`${where}: expected at least one example, found none.`);
  const classes = numbers.length / count;
  if (!Number.isInteger(classes) || classes === 0 || (shape.length > 1 && shape[0] !== count)) {
    throw new DataError(
      `${where}: expected a row of numbers for each of ${count} labels, found the shape [${shape.join(", ")}].`,
    );
  }
  for (let i = 0; i < count; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes) continue;
    throw new DataError(
      `${where}: expected labels that are whole numbers in [0, ${classes}), found ${labels[i]} at ${i}.`,
    );
  }
  return { numbers, count, classes, labels };
}

/** Class probabilities with labels. */
export function labeledProbabilities(data: NumberData, labels: ArrayLike<number>, where: string): LabeledRows {
  const rows = labeledRows(data, labels, where);
  const { numbers, count, classes } = rows;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let at = row * classes; at < (row + 1) * classes; at++) {
      if (!(numbers[at] >= 0 && numbers[at] <= 1 + SUM_TOLERANCE)) {
        throw new DataError(`${where}: expected probabilities in [0, 1], found ${numbers[at]} in row ${row}.`);
      }
      sum += numbers[at];
    }
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw new DataError(`${where}: expected probabilities that sum to 1, found the sum ${sum} in row ${row}.`);
    }
  }
  return rows;
}

/** Numbers of which none is NaN, at least one; infinities are allowed: scores are only compared. */
export function scores(values: ArrayLike<number>, where: string): ArrayLike<number> {
  if (values.length === 0) throw new DataError(`${where}: expected at least one number, found none.`);
  for (let i = 0; i < values.length; i++) {
    if (typeof values[i] !== "number" || Number.isNaN(values[i])) {
      throw new DataError(`${where}: expected numbers, found ${values[i]} at ${i}.`);
    }
  }
  return values;
}

/** The place of the largest number of a row, the first among equals. */
export function argmaxOf(numbers: ArrayLike<number>, row: number, classes: number): number {
  const start = row * classes;
  let best = 0;
  for (let k = 1; k < classes; k++) if (numbers[start + k] > numbers[start + best]) best = k;
  return best;
}

/** Levels or shares: numbers strictly between 0 and 1. */
export function levelsOf(levels: readonly number[], where: string): readonly number[] {
  const wrong = levels.find((level) => !(level > 0 && level < 1));
  if (wrong !== undefined || levels.length === 0) {
    throw new OptionError(where, "numbers between 0 and 1, both excluded", wrong ?? levels);
  }
  return levels;
}
