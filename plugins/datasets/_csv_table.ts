/** A table in memory, by columns. @module */
import { DataError, OptionError, show } from "../../core/mod.ts";
import { Chunked } from "./_chunked.ts";
import { type Column, ColumnReader, numberOf, type Reading } from "./_csv_column.ts";
import type { CsvRecord } from "./_csv_records.ts";

/** Where the rows of a table come from. */
export interface TableSource {
  /** Its name in errors. */
  readonly name: string;
  /** What its rows are counted by in errors. Default "line". */
  readonly unit?: "line" | "row";
  /** Whether the first record names the columns; "auto": it does when none of its cells is a number. */
  readonly header: boolean | "auto";
  /** Its records. */
  readonly records: AsyncIterable<CsvRecord>;
}

/** The columns of a file, before its rows are read. */
export interface Heading {
  /** The table's name in errors. */
  readonly name: string;
  /** The names of the columns; undefined without a header. */
  readonly header?: readonly string[];
  /** Number of columns. */
  readonly width: number;
}

/** What is read of a column. */
export interface ColumnPlan {
  /** How its cells are taken. */
  readonly reading: Reading;
  /** Whether cells may be missing. */
  readonly missing: boolean;
  /** What could be done about a cell that is refused, in brackets behind what was expected. */
  readonly hint?: string;
  /** What could be done about a missing one. */
  readonly missingHint?: string;
}

/** A table whose rows all have the same number of cells. */
export interface Table extends Heading {
  /** What rows are counted by in errors. */
  readonly unit: "line" | "row";
  /** Number of rows, at least one. */
  readonly count: number;
  /** On which line each row begins. */
  readonly lines: Chunked<Uint32Array>;
  /** The columns that were asked for, by their places in the file. */
  readonly columns: ReadonlyMap<number, Column>;
}

/**
 * Reads a table.
 *
 * @param source where it comes from
 * @param plan which columns are read and how, told from their names
 * @param missing cells that stand for a missing value, beside empty ones
 * @throws {DataError} with the place, for rows of unequal length and cells that are not as planned; for no rows
 */
export async function readTable(
  source: TableSource,
  plan: (heading: Heading) => ReadonlyMap<number, ColumnPlan>,
  missing: readonly string[],
): Promise<Table> {
  const { name, unit = "line" } = source;
  const marks = new Set(missing);
  const lines = new Chunked((length) => new Uint32Array(length));
  let first: CsvRecord | undefined;
  let heading: Heading = { name, width: 0 };
  let readers: [number, ColumnPlan, ColumnReader][] = [];
  for await (const record of source.records) {
    const { cells, line } = record;
    if (first === undefined) {
      first = record;
      const named = source.header === "auto" ? cells.every((cell) => Number.isNaN(numberOf(cell))) : source.header;
      heading = { name, width: cells.length, ...(named && { header: cells.map((cell) => cell.trim()) }) };
      readers = [...plan(heading)].map(([index, how]) => [index, how, new ColumnReader(how.reading, marks)]);
      if (named) continue;
    }
    if (cells.length !== heading.width) {
      throw new DataError(
        `${name}, ${unit} ${line}: expected ${heading.width} columns as in ${unit} ${first.line}, found ${cells.length}.`,
      );
    }
    for (const [index, how, reader] of readers) {
      const wrong = reader.push(cells[index]);
      if (wrong === undefined || wrong === "missing" && how.missing) continue;
      const [expected, hint] = wrong === "missing" ? ["a value", how.missingHint] : [wrong, how.hint];
      throw wrongCell({ ...heading, unit }, line, index, expected + (hint ? ` (or ${hint})` : ""), cells[index]);
    }
    lines.push(line);
  }
  if (lines.length === 0) throw new DataError(`${name}: expected at least one row of data, found none.`);
  const columns = readers.map(([index, , { column }]): [number, Column] => {
    if (column !== undefined) return [index, column];
    throw new DataError(`${name}, ${columnTitle(heading, index)}: expected at least one value, found none.`);
  });
  return { ...heading, unit, count: lines.length, lines, columns: new Map(columns) };
}

/** A column in an error: `column 2 ("age")`. */
export function columnTitle(heading: Heading, index: number): string {
  return `column ${index + 1}${heading.header === undefined ? "" : ` (${show(heading.header[index])})`}`;
}

/** The error for a cell: file, line, column, what was expected and what was found. */
export function wrongCell(
  table: Heading & { readonly unit: "line" | "row" },
  line: number,
  index: number,
  expected: string,
  found: string,
): DataError {
  const column = table.unit === "row" ? `column ${show(table.header?.[index] ?? index)}` : columnTitle(table, index);
  return new DataError(`${table.name}, ${table.unit} ${line}, ${column}: expected ${expected}, found ${show(found)}.`);
}

/**
 * The index of the column that an option names.
 *
 * @param heading where to look
 * @param wanted the name of a column, or its index, in [0, width) or counted from the end in [-width, 0)
 * @param path the option
 */
export function columnOf(heading: Heading, wanted: string | number, path: string): number {
  const { header, width, name } = heading;
  if (typeof wanted === "number") {
    const index = wanted < 0 ? wanted + width : wanted;
    if (index >= 0 && index < width) return index;
    throw new OptionError(path, `a column index in [${-width}, ${width}) of ${name}`, wanted);
  }
  if (header === undefined) throw new OptionError(path, `a column index, because ${name} has no header`, wanted);
  const index = header.indexOf(wanted);
  if (index < 0) throw new OptionError(path, `one of the columns ${header.map(show).join(", ")}`, wanted);
  if (header.includes(wanted, index + 1)) {
    throw new OptionError(path, `the index of one of the columns of this name in ${name}`, wanted);
  }
  return index;
}
