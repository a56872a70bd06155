/** The files of a table with given splits. @module */
import { DataError, show } from "../../core/mod.ts";
import { numberOf } from "./_csv_column.ts";
import { dataFolder, needPermission, readIfThere } from "./_files.ts";

/** A table, and the rows of one of its splits. */
export interface SplitTable {
  /** Its rows, all of one length, at least one. */
  readonly rows: readonly (readonly number[])[];
  /** Columns of the inputs. */
  readonly features: readonly number[];
  /** Columns of the targets. */
  readonly targets: readonly number[];
  /** Number of splits. */
  readonly splits: number;
}

/**
 * The folder that holds a table's files.
 *
 * @param data the option `data`
 * @param table the option `table`
 */
export async function folderOf(data: string | undefined, table: string | undefined): Promise<string> {
  if (data !== undefined && table === undefined) return data.replace(/[\\/]+$/, "");
  const root = data ?? await dataFolder("uci");
  if (root === undefined || table === undefined) {
    throw new DataError(
      "uci: expected the option data to name the folder of a table, or the option table to name one in the folder of " +
        "THINNED_DATA.",
    );
  }
  const places = [`${root}/uci/${table}`, `${root}/${table}`];
  for (const place of places) {
    await needPermission({ name: "read", path: place }, `--allow-read=${root}`, `Looking for ${table} in ${root}`);
    if (await readIfThere(`${place}/data.txt`) !== undefined) return place;
  }
  throw new DataError(`uci: expected data.txt in ${places.join(" or ")}, found none.`);
}

/** Reads the table, its columns and the number of its splits. */
export async function readTable(folder: string): Promise<SplitTable> {
  const data = `${folder}/data.txt`;
  const rows = await readLines(data);
  if (rows.length === 0) throw new DataError(`${data}: expected at least one row, found none.`);
  const width = rows[0].numbers.length;
  for (const { line, numbers } of rows) {
    if (numbers.length === width) continue;
    throw new DataError(
      `${data}, line ${line}: expected ${width} numbers as in line ${rows[0].line}, found ${numbers.length}.`,
    );
  }
  const counts = await readIndices(`${folder}/n_splits.txt`, Infinity);
  if (counts.length !== 1) {
    throw new DataError(`${folder}/n_splits.txt: expected one number, found ${counts.length}.`);
  }
  return {
    rows: rows.map(({ numbers }) => numbers),
    features: await readIndices(`${folder}/index_features.txt`, width),
    targets: await readIndices(`${folder}/index_target.txt`, width),
    splits: counts[0],
  };
}

/**
 * The whole numbers of a file of indices, at least one.
 *
 * @param bound all indices lie below it
 */
export async function readIndices(path: string, bound: number): Promise<number[]> {
  const lines = await readLines(path);
  for (const { line, numbers } of lines) {
    const wrong = numbers.find((number) => !(Number.isInteger(number) && number >= 0 && number < bound));
    if (wrong === undefined) continue;
    throw new DataError(`${path}, line ${line}: expected whole numbers in [0, ${bound}), found ${wrong}.`);
  }
  if (lines.length === 0) throw new DataError(`${path}: expected at least one index, found none.`);
  return lines.flatMap(({ numbers }) => numbers);
}

/** The numbers of each line that is not empty; what follows a `#` is a remark. */
async function readLines(path: string): Promise<{ line: number; numbers: number[] }[]> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) throw new DataError(`${path}: expected a file, found none.`);
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.flatMap((text, i) => {
    const cells = text.replace(/#.*/, "").trim().split(/\s+/).filter((cell) => cell !== "");
    const numbers = cells.map(numberOf);
    const wrong = numbers.findIndex((number) => !Number.isFinite(number));
    if (wrong >= 0) throw new DataError(`${path}, line ${i + 1}: expected a number, found ${show(cells[wrong])}.`);
    return numbers.length === 0 ? [] : [{ line: i + 1, numbers }];
  });
}
