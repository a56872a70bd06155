/** From the cells of a table to inputs and targets. @module */
import { DataError, OptionError, show } from "../../core/mod.ts";
import type { Row } from "./_csv_text.ts";

/** A table whose rows all have the same number of cells. */
export interface Table {
  /** The file's name in errors. */
  readonly name: string;
  /** The names of the columns; undefined without a header. */
  readonly header?: readonly string[];
  /** At least one row; every one has `width` cells. */
  readonly rows: readonly Row[];
  /** Number of columns. */
  readonly width: number;
}

/** A number as people write it in a table: no hexadecimal, no Infinity, no empty text. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** The number a cell holds, or NaN. */
export function numberOf(cell: string): number {
  const text = cell.trim();
  return NUMBER.test(text) ? Number(text) : NaN;
}

/**
 * Tells the header from the rows and refuses a table that is empty or ragged.
 *
 * @param rows all records of the file
 * @param header whether the first record is a header; "auto": it is when none of its cells is a number
 * @param name the file's name in errors
 */
export function makeTable(rows: readonly Row[], header: boolean | "auto", name: string): Table {
  const named = rows.length > 0 &&
    (header === "auto" ? rows[0].cells.every((cell) => Number.isNaN(numberOf(cell))) : header);
  const table = {
    name,
    header: named ? rows[0].cells.map((cell) => cell.trim()) : undefined,
    rows: named ? rows.slice(1) : rows,
    width: rows[0]?.cells.length ?? 0,
  };
  if (table.rows.length === 0) throw new DataError(`${name}: expected at least one row of data, found none.`);
  for (const row of table.rows) {
    if (row.cells.length !== table.width) {
      throw new DataError(
        `${name}, line ${row.line}: expected ${table.width} columns as in line ${rows[0].line}, ` +
          `found ${row.cells.length}.`,
      );
    }
  }
  return table;
}

/**
 * The index of the column that an option names.
 *
 * @param table where to look
 * @param target the name of a column, or its index, in [0, width) or counted from the end in [-width, 0)
 */
export function columnOf(table: Table, target: string | number): number {
  if (typeof target === "number") {
    const index = target < 0 ? target + table.width : target;
    if (index >= 0 && index < table.width) return index;
    throw new OptionError("csv.target", `a column index in [${-table.width}, ${table.width}) of ${table.name}`, target);
  }
  if (table.header === undefined) {
    throw new OptionError("csv.target", `a column index, because ${table.name} has no header`, target);
  }
  const index = table.header.indexOf(target);
  if (index < 0) throw new OptionError("csv.target", `one of the columns ${table.header.map(show).join(", ")}`, target);
  if (table.header.includes(target, index + 1)) {
    throw new OptionError("csv.target", `the index of one of the columns of this name in ${table.name}`, target);
  }
  return index;
}

/**
 * The numbers of some columns, row after row.
 *
 * @throws {DataError} for a cell that is no number, with its line and column
 */
export function numbersOf(table: Table, columns: readonly number[]): Float64Array<ArrayBuffer> {
  const numbers = new Float64Array(table.rows.length * columns.length);
  let at = 0;
  for (const row of table.rows) {
    for (const column of columns) {
      const number = numberOf(row.cells[column]);
      if (!Number.isFinite(number)) throw wrongCell(table, row, column, "a number");
      numbers[at++] = number;
    }
  }
  return numbers;
}

/** The error for a cell: file, line, column, what was expected and what was found. */
export function wrongCell(table: Table, row: Row, column: number, expected: string): DataError {
  const title = table.header === undefined ? "" : ` (${show(table.header[column])})`;
  return new DataError(
    `${table.name}, line ${row.line}, column ${column + 1}${title}: expected ${expected}, ` +
      `found ${show(row.cells[column])}.`,
  );
}
