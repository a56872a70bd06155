/** New rows for a model that was trained on a table, without targets. @module */
import { DataError, type RowReading, type RowSource, show } from "../../core/mod.ts";
import { type ColumnEncoding, encodeRows } from "./_csv_encoding.ts";
import { type CsvRecord, csvRecords } from "./_csv_records.ts";
import { type ColumnPlan, type Heading, readTable, type TableSource } from "./_csv_table.ts";
import { openFile } from "./_files.ts";

/** What is kept of a table for reading new rows. Plain data. */
export interface TableReading {
  /** Who reads them. */
  readonly plugin: "csv";
  /** The character between fields. */
  readonly delimiter: string;
  /** Cells that stand for a missing value. */
  readonly missingValues: readonly string[];
  /** Number of columns of the training file. */
  readonly width: number;
  /** Places of the targets among them. */
  readonly targets: readonly number[];
  /** How the others become inputs. */
  readonly columns: readonly ColumnEncoding[];
}

/** Rows that are read before they are handed on: few at first, so that answers to a slow stream begin soon. */
const ROWS_OF_PART = { first: 64, most: 4096 };

/**
 * The inputs of new rows, example after example, before they are shifted and scaled, part after part. Columns are found by
 * their names, in any order, and others are not read; without a header, rows have all columns of the training file, or all
 * but the targets.
 *
 * @param source a file, a stream, or objects
 * @param kept what the data set has kept
 * @param name what a stream is called in errors
 * @throws {DataError} with the place of a column that is missing, and of what cannot be read
 */
export async function* readNewRows(
  source: RowSource,
  kept: RowReading,
  name: string,
): AsyncGenerator<Float64Array<ArrayBuffer>> {
  const reading = kept as unknown as TableReading;
  const whole = await sourceOf(source, reading, name);
  let width: number | undefined;
  for await (const part of partsOf(whole)) {
    let columns: readonly ColumnEncoding[] = [];
    const table = await readTable(part, (heading) => {
      columns = placesIn(heading, reading);
      return new Map(columns.map(({ index, encoding, fill }): [number, ColumnPlan] => [index, {
        reading: encoding === "number" ? "number" : "text",
        missing: fill !== undefined,
      }]));
    }, reading.missingValues);
    width ??= table.width;
    if (table.width !== width) {
      const { unit = "line" } = whole;
      throw new DataError(
        `${whole.name}, ${unit} ${table.lines.at(0)}: expected ${width} columns as before, found ${table.width}.`,
      );
    }
    const rows = Uint32Array.from({ length: table.count }, (_, row) => row);
    yield encodeRows({ table, rows }, columns, (length) => new Float64Array(length));
  }
}

/** A table in parts of some rows, each with the heading; at least one. */
async function* partsOf(whole: TableSource): AsyncGenerator<TableSource> {
  const records = whole.records[Symbol.asyncIterator]();
  try {
    let next = await records.next();
    const heading: CsvRecord[] = [];
    if (whole.header === true && !next.done) {
      heading.push(next.value);
      next = await records.next();
    }
    let size = ROWS_OF_PART.first;
    do {
      const part = [...heading];
      for (const end = part.length + size; !next.done && part.length < end; next = await records.next()) {
        part.push(next.value);
      }
      size = Math.min(2 * size, ROWS_OF_PART.most);
      yield { ...whole, records: ReadableStream.from(part) };
    } while (!next.done);
  } finally {
    await records.return?.();
  }
}

async function sourceOf(source: RowSource, { delimiter, columns }: TableReading, name: string): Promise<TableSource> {
  const header = columns[0].name !== undefined;
  if (typeof source === "string") {
    return { name: source, header, records: csvRecords(await openFile(source), delimiter, source) };
  }
  if (source instanceof ReadableStream) return { name, header, records: csvRecords(source, delimiter, name) };
  return { name, header: true, unit: "row", records: recordsOf(source, columns, name) };
}

/** Objects as records: the columns' names first. */
async function* recordsOf(
  rows: Exclude<RowSource, string | ReadableStream>,
  columns: readonly ColumnEncoding[],
  name: string,
): AsyncGenerator<CsvRecord> {
  const keys = columns.map((column) => column.name ?? String(column.index));
  yield { line: 0, cells: keys };
  for (const [i, row] of rows.entries()) {
    yield {
      line: i + 1,
      cells: keys.map((key) => {
        const place = `${name}, row ${i + 1}`;
        if (typeof row !== "object" || row === null) {
          throw new DataError(`${place}: expected an object with the columns, found ${show(row)}.`);
        }
        if (!Object.hasOwn(row, key)) {
          throw new DataError(
            `${place}: expected the column ${show(key)}, found ${Object.keys(row).map(show).join(", ")}.`,
          );
        }
        const value = (row as Readonly<Record<string, unknown>>)[key];
        if (value === null || value === undefined) return "";
        if (["number", "string", "boolean", "bigint"].includes(typeof value)) return String(value);
        throw new DataError(`${place}, column ${show(key)}: expected a number or a text, found ${show(value)}.`);
      }),
    };
  }
}

/** The columns with their places in these rows. */
function placesIn(heading: Heading, { columns, width, targets }: TableReading): ColumnEncoding[] {
  const { header, name } = heading;
  if (header === undefined) {
    if (heading.width === width) return [...columns];
    if (heading.width === width - targets.length) {
      const before = (index: number) => targets.filter((target) => target < index).length;
      return columns.map((column) => ({ ...column, index: column.index - before(column.index) }));
    }
    throw new DataError(
      `${name}: expected ${width} columns as in training, or ${width - targets.length} without the targets, ` +
        `found ${heading.width}.`,
    );
  }
  return columns.map((column) => {
    const wanted = column.name ?? String(column.index);
    const index = header.indexOf(wanted);
    if (index < 0) {
      throw new DataError(`${name}: expected the column ${show(wanted)}, found ${header.map(show).join(", ")}.`);
    }
    if (header.indexOf(wanted, index + 1) < 0) return { ...column, index };
    if (header[column.index] === wanted) return column;
    throw new DataError(`${name}: expected one column ${show(wanted)}, found several.`);
  });
}
