/** From the cells of a target column to class indices. @module */
import { DataError, OptionError } from "../../core/mod.ts";
import type { Row } from "./_csv_text.ts";
import { numberOf, type Table, wrongCell } from "./_csv_table.ts";

/** Class indices of the parts. */
export interface Labels {
  /** Number of classes. */
  readonly classes: number;
  /** The words that the classes stand for, in their order; undefined where the cells hold numbers. */
  readonly names?: readonly string[];
  /** The class of each row of each part. */
  readonly parts: readonly Int32Array<ArrayBuffer>[];
}

/**
 * The classes of a column: words are mapped to their places in sorted order, whole numbers stand for themselves.
 *
 * @param tables the parts, the training part first
 * @param column which column
 * @param classes the number of classes; "auto": as many as there are words, and a column of numbers has no classes
 * @returns undefined when the column is one of numbers to be predicted
 * @throws {DataError} for an empty cell, for numbers among words, and for more classes than were announced
 * @throws {OptionError} for a column of zeros and ones with "auto", which may be meant either way
 */
export function labelsOf(tables: readonly Table[], column: number, classes: "auto" | number): Labels | undefined {
  const cells = tables.flatMap((table) => table.rows.map((row) => cellOf(table, row, column)));
  const numeric = cells.filter((cell) => !Number.isNaN(numberOf(cell))).length;
  if (classes === "auto") {
    if (numeric === cells.length) {
      refuseBinary("csv", cells.map(numberOf), classes);
      return undefined;
    }
    if (numeric > 0) refuseMixture(tables, column, 2 * numeric > cells.length);
  }
  if (typeof classes === "number" && numeric === cells.length) {
    const index = (table: Table) =>
      Int32Array.from(table.rows, (row) => {
        const label = numberOf(row.cells[column]);
        if (Number.isInteger(label) && label >= 0 && label < classes) return label;
        throw wrongCell(table, row, column, `a class, a whole number in [0, ${classes})`);
      });
    return { classes, parts: tables.map(index) };
  }
  const words = [...new Set(cells)].sort();
  if (typeof classes === "number" && words.length > classes) {
    throw new OptionError(
      "csv.classes",
      `at least ${words.length}, the number of labels in ${tables[0].name}`,
      classes,
    );
  }
  const places = new Map(words.map((word, place) => [word, place]));
  const index = (table: Table) => Int32Array.from(table.rows, (row) => places.get(row.cells[column].trim())!);
  const parts = tables.map(index);
  if (classes === "auto" || classes === words.length) return { classes: words.length, names: words, parts };
  return { classes, parts };
}

/**
 * Refuses a target of zeros and ones of which nobody has said whether they are classes or numbers.
 *
 * @param dataset the name of the data set, which has the option `classes`
 * @param targets all its target numbers
 * @param given what the option says
 */
export function refuseBinary(dataset: string, targets: ArrayLike<number>, given?: unknown): void {
  if (Array.prototype.some.call(targets, (target: number) => target !== 0 && target !== 1)) return;
  throw new OptionError(
    `${dataset}.classes`,
    "2 for classes or false for numbers, because the target is 0 or 1 in every row",
    given,
  );
}

/** The text of a cell, which may not be empty. */
function cellOf(table: Table, row: Row, column: number): string {
  const text = row.cells[column].trim();
  if (text === "") throw wrongCell(table, row, column, "a label or a number");
  return text;
}

/** Words among numbers are more often slips of the pen than labels: names the first of the rarer kind. */
function refuseMixture(tables: readonly Table[], column: number, mostlyNumbers: boolean): never {
  for (const table of tables) {
    for (const row of table.rows) {
      if (Number.isNaN(numberOf(row.cells[column])) === mostlyNumbers) {
        const expected = mostlyNumbers ? "a number as in other rows" : "a word as in other rows";
        throw wrongCell(table, row, column, `${expected} (or the option classes to be the number of labels)`);
      }
    }
  }
  throw new DataError(`${tables[0].name}: expected labels or numbers, found neither.`);
}
