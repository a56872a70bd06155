/** How the columns of a table become a model's inputs: learned from the training rows, and kept for new ones. @module */
import { DataError, show } from "../../core/mod.ts";
import type { Column } from "./_csv_column.ts";
import type { Part } from "./_csv_labels.ts";
import { columnTitle, type Table, wrongCell } from "./_csv_table.ts";
import { momentsOf } from "./_standardize.ts";

/** What a column becomes: its number, a 1 among zeros for each category, or the place of its category. */
export type Encoding = "number" | "one-hot" | "index";

/** What takes the place of a missing value. */
export type Filling = "refuse" | "mean" | "median" | "most-frequent" | { readonly constant: number | string };

/** How one column becomes inputs. Plain data. */
export interface ColumnEncoding {
  /** The column's name; absent without a header. */
  readonly name?: string;
  /** Its place in the file. */
  readonly index: number;
  /** What it becomes. */
  readonly encoding: Encoding;
  /** The categories, in their order; absent for numbers. */
  readonly categories?: readonly string[];
  /** Whether categories that are not among them have a place of their own behind them. */
  readonly unknown?: boolean;
  /** What takes the place of a missing value; absent where it is refused. */
  readonly fill?: number | string;
}

/** Most inputs that one column may become. */
const MOST_CATEGORIES = 10_000;

/**
 * Learns how a column becomes inputs.
 *
 * @param part the training rows
 * @param index the column
 * @param encoding what it becomes; for numbers only `number`
 * @param filling what takes the place of missing values
 * @param unknown whether categories that the training rows do not have get a place
 * @throws {DataError} when there is nothing to learn from, and for more categories than one-hot inputs can be
 */
export function learnEncoding(
  part: Part,
  index: number,
  encoding: Encoding,
  filling: Filling,
  unknown: boolean,
): ColumnEncoding {
  const { table } = part;
  const column = table.columns.get(index)!;
  const place = { ...(table.header && { name: table.header[index] }), index, encoding };
  if (column.words === undefined) {
    return { ...place, ...(filling !== "refuse" && { fill: numberToFill(part, index, column, filling) }) };
  }
  const counts = countWords(part, column);
  const fill = filling === "refuse" ? undefined : wordToFill(part, index, counts, filling);
  const categories = [...new Set([...counts.keys(), ...(fill === undefined ? [] : [fill])])].sort();
  if (encoding === "one-hot" && categories.length > MOST_CATEGORIES) {
    throw new DataError(
      `${table.name}, ${
        columnTitle(table, index)
      }: expected at most ${MOST_CATEGORIES} categories for one-hot inputs, ` +
        `found ${categories.length}; leave the column out by the option columns, or encode it as index.`,
    );
  }
  return { ...place, categories, ...(unknown && { unknown }), ...(fill !== undefined && { fill }) };
}

function numberToFill(part: Part, index: number, { values }: Column, filling: Exclude<Filling, "refuse">): number {
  if (typeof filling === "object") return filling.constant as number;
  const numbers = Float64Array.from(part.rows, (row) => values.at(row)).filter((value) => !Number.isNaN(value));
  refuseNothing(part, index, numbers.length);
  if (filling === "mean") return momentsOf(numbers.length, (i) => numbers[i]).mean;
  numbers.sort();
  const middle = numbers.length / 2;
  if (filling === "median") return (numbers[Math.ceil(middle) - 1] + numbers[Math.floor(middle)]) / 2;
  let [best, most] = [numbers[0], 0];
  for (let from = 0, to = 0; from < numbers.length; from = to) {
    while (to < numbers.length && numbers[to] === numbers[from]) to++;
    if (to - from > most) [best, most] = [numbers[from], to - from];
  }
  return best;
}

/** Of words it is always the most frequent, the first in sorted order among equals, where no constant is given. */
function wordToFill(
  part: Part,
  index: number,
  counts: ReadonlyMap<string, number>,
  filling: Exclude<Filling, "refuse">,
): string {
  if (typeof filling === "object") return String(filling.constant);
  refuseNothing(part, index, counts.size);
  return [...counts].reduce((a, b) => b[1] > a[1] || b[1] === a[1] && b[0] < a[0] ? b : a)[0];
}

function refuseNothing({ table }: Part, index: number, found: number): void {
  if (found > 0) return;
  throw new DataError(
    `${table.name}, ${columnTitle(table, index)}: expected a value in the training rows to fill missing ones with, ` +
      "found none.",
  );
}

function countWords({ rows }: Part, { values, words }: Column): Map<string, number> {
  const counts = new Uint32Array(words!.length);
  for (const row of rows) if (values.at(row) >= 0) counts[values.at(row)]++;
  return new Map(words!.map((word, code): [string, number] => [word, counts[code]]).filter(([, count]) => count > 0));
}

/** How many inputs a column becomes. */
export function inputsOf({ encoding, categories, unknown }: ColumnEncoding): number {
  return encoding === "one-hot" ? categories!.length + (unknown ? 1 : 0) : 1;
}

/**
 * The inputs of some rows, example after example, before they are shifted and scaled.
 *
 * @param part the rows; its table has every column
 * @param encodings how they become inputs, with the places of the columns in this table
 * @param make the array of a length that they are written to
 * @param change what is done to a number before it is written, by its place among an example's inputs
 * @throws {DataError} with the place of a missing value that nothing fills, and of an unknown category
 */
export function encodeRows<A extends Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  { table, rows }: Part,
  encodings: readonly ColumnEncoding[],
  make: (length: number) => A,
  change: (value: number, input: number) => number = (value) => value,
): A {
  const width = encodings.reduce((sum, encoding) => sum + inputsOf(encoding), 0);
  const inputs = make(rows.length * width);
  let first = 0;
  for (const how of encodings) {
    const valueAt = valuesOf(table, how);
    const size = inputsOf(how);
    for (let i = 0; i < rows.length; i++) {
      const value = valueAt(rows[i]);
      const start = i * width + first;
      if (how.encoding !== "one-hot") inputs[start] = change(value, first);
      else for (let c = 0; c < size; c++) inputs[start + c] = change(c === value ? 1 : 0, first + c);
    }
    first += size;
  }
  return inputs;
}

/** A column's numbers, or the places of its categories, by row; missing ones filled. */
export function valuesOf(table: Table, how: ColumnEncoding): (row: number) => number {
  const { values, words } = table.columns.get(how.index)!;
  const refuse = (row: number, expected: string, found: string) => {
    throw wrongCell(table, table.lines.at(row), how.index, expected, found);
  };
  if (words === undefined) {
    return (row) => {
      const value = values.at(row);
      if (!Number.isNaN(value)) return value;
      return (how.fill ?? refuse(row, "a number", "")) as number;
    };
  }
  const places = new Map(how.categories!.map((category, place) => [category, place]));
  const codes = Int32Array.from(words, (word) => places.get(word) ?? (how.unknown ? places.size : -1));
  const filled = how.fill === undefined ? -1 : places.get(how.fill as string)!;
  return (row) => {
    const code = values.at(row);
    const place = code < 0 ? filled : codes[code];
    if (place >= 0) return place;
    const shown = how.categories!.slice(0, 10).map(show).join(", ") + (places.size > 10 ? ", ..." : "");
    return refuse(
      row,
      `one of the ${places.size} categories of training, ${shown}` +
        " (or the option unknown to be slot when training)",
      code < 0 ? "" : words[code],
    );
  };
}
