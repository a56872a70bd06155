/** From the cells of a target column to class indices. @module */
import { DataError, OptionError } from "../../core/mod.ts";
import type { Row } from "./_csv_text.ts";
import { numberOf, type Table, wrongCell } from "./_csv_table.ts";

/** Class indices of the two parts. */
export interface Labels {
  /** Number of classes. */
  readonly classes: number;
  /** The class of each training row. */
  readonly train: Int32Array<ArrayBuffer>;
  /** The class of each test row. */
  readonly test: Int32Array<ArrayBuffer>;
}

/**
 * The classes of a column: words are mapped to their places in sorted order, whole numbers stand for themselves.
 *
 * @param train the training part
 * @param test the test part
 * @param column which column
 * @param classes the number of classes; "auto": as many as there are words, and a column of numbers has no classes
 * @returns undefined when the column is one of numbers to be predicted
 * @throws {DataError} for an empty cell, for numbers among words, and for more classes than were announced
 */
export function labelsOf(train: Table, test: Table, column: number, classes: "auto" | number): Labels | undefined {
  const cells = [train, test].flatMap((table) => table.rows.map((row) => cellOf(table, row, column)));
  const numeric = cells.filter((cell) => !Number.isNaN(numberOf(cell))).length;
  if (classes === "auto") {
    if (numeric === cells.length) return undefined;
    if (numeric > 0) refuseMixture(train, test, column, 2 * numeric > cells.length);
  }
  if (typeof classes === "number" && numeric === cells.length) {
    const index = (table: Table) =>
      Int32Array.from(table.rows, (row) => {
        const label = numberOf(row.cells[column]);
        if (Number.isInteger(label) && label >= 0 && label < classes) return label;
        throw wrongCell(table, row, column, `a class, a whole number in [0, ${classes})`);
      });
    return { classes, train: index(train), test: index(test) };
  }
  const words = [...new Set(cells)].sort();
  if (typeof classes === "number" && words.length > classes) {
    throw new OptionError("csv.classes", `at least ${words.length}, the number of labels in ${train.name}`, classes);
  }
  const places = new Map(words.map((word, place) => [word, place]));
  const index = (table: Table) => Int32Array.from(table.rows, (row) => places.get(row.cells[column].trim())!);
  return { classes: classes === "auto" ? words.length : classes, train: index(train), test: index(test) };
}

/** The text of a cell, which may not be empty. */
function cellOf(table: Table, row: Row, column: number): string {
  const text = row.cells[column].trim();
  if (text === "") throw wrongCell(table, row, column, "a label or a number");
  return text;
}

/** Words among numbers are more often slips of the pen than labels: names the first of the rarer kind. */
function refuseMixture(train: Table, test: Table, column: number, mostlyNumbers: boolean): never {
  for (const table of [train, test]) {
    for (const row of table.rows) {
      if (Number.isNaN(numberOf(row.cells[column])) === mostlyNumbers) {
        const expected = mostlyNumbers ? "a number as in other rows" : "a word as in other rows";
        throw wrongCell(table, row, column, `${expected} (or the option classes to be the number of labels)`);
      }
    }
  }
  throw new DataError(`${train.name}: expected labels or numbers, found neither.`);
}
