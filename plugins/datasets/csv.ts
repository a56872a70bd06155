/** Tables of numbers from comma-separated files. @module */
import { z } from "zod";
import {
  DataError,
  type Dataset,
  definePlugin,
  type Factory,
  Key,
  OptionError,
  pathOption,
  shuffledOrder,
  type Split,
} from "../../core/mod.ts";
import { labelsOf } from "./_csv_labels.ts";
import { columnOf, makeTable, numbersOf, type Table } from "./_csv_table.ts";
import { parseCsv } from "./_csv_text.ts";
import { readIfThere, unpack } from "./_files.ts";
import { standardization, standardize } from "./_standardize.ts";

/** Options of {@linkcode csv}. */
export interface CsvOptions {
  /** The file, plain or packed by gzip. Required. */
  path: string;
  /** What is predicted: the name or index of a column, or a list of them for several numbers; -1 is the last column. */
  target: string | number | (string | number)[];
  /**
   * How many classes, in [2, 2^31); `false` for none; "auto": words are classes, numbers are not, and a column of zeros and
   * ones is refused, since it may be meant either way. Default "auto".
   */
  classes?: "auto" | number | false;
  /** Whether the first line names the columns; "auto": it does when it holds no number. Default "auto". */
  header?: boolean | "auto";
  /** The character between fields. Default ",". */
  delimiter?: string;
  /** Part of the rows that is held back for testing, in (0, 1), when there is no `testPath`. Default 0.2. */
  testFraction?: number;
  /** A second file with the rows for testing, with the same columns. */
  testPath?: string;
  /** A file with the rows for validation, with the same columns. Default: none, and `fit` can hold back a part. */
  validationPath?: string;
  /** Whether inputs are shifted and scaled to mean 0 and variance 1 over the training rows. Default true. */
  standardize?: boolean;
  /** Which rows are held back: a whole number in [0, 2^53). Default 0. */
  seed?: number;
}

const column = z.union([z.string(), z.int()], "expected the name or the index of a column");
const targetForms = "expected a column name, a column index, or a list of them";
const classNumber = "expected a whole number in [2, 2^31), false or auto";
const seedRange = "expected a whole number in [0, 2^53)";
const fraction = "expected a number between 0 and 1, both excluded";

/**
 * A table of numbers from a comma-separated file (RFC 4180): one example a row, one column or several to predict, all
 * others inputs. Inputs: `[columns - targets]` float32. A target column of words gives a classification, the classes
 * being the words in sorted order, which are its `classNames`; numbers give a regression, or a classification when
 * `classes` says how many. A column of zeros and ones needs `classes: 2`, or `false` if they are numbers.
 *
 * Inputs are standardized by the mean and the standard deviation of the training rows alone; a column that is constant
 * there becomes 0. The data set keeps both as `inputUnits`. Targets are left as they are.
 *
 * Loading throws `DataError` with file, line and column for rows of unequal length, cells that are no numbers, and
 * misplaced quotes, and when there are no rows; `OptionError` for a target that is no column, or one of zeros and ones
 * without `classes`; `PermissionError` without
 * permission to read.
 *
 * @example
 * ```ts
 * import { csv, loadDataset } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".csv" });
 * await Deno.writeTextFile(path, "width,length,kind\n1,2,pear\n2,4,apple\n3,5,apple\n4,7,pear\n5,9,apple\n");
 * const data = await loadDataset(csv({ path, target: "kind", testFraction: 0.4 }));
 * assertEquals([data.classes, data.train.count, data.test.count], [2, 3, 2]);
 * await Deno.remove(path);
 * ```
 */
export const csv: Factory<"dataset", CsvOptions> = definePlugin({
  name: "csv",
  summary: "A table from a comma-separated file: classification or regression.",
  options: z.object({
    path: pathOption("file"),
    target: z.union([column, z.array(column).min(1, targetForms)], targetForms),
    classes: z.union([
      z.literal("auto"),
      z.literal(false),
      z.int(classNumber).min(2, classNumber).max(2 ** 31 - 1, classNumber),
    ], classNumber).default(
      "auto",
    ),
    header: z.union([z.boolean(), z.literal("auto")], "expected true, false or auto").default("auto"),
    delimiter: z.string("expected one character").regex(/^[^"\r\n]$/, "expected one character, no quote or line end")
      .default(","),
    testFraction: z.number(fraction).gt(0, fraction).lt(1, fraction).default(0.2),
    testPath: pathOption("file").optional(),
    validationPath: pathOption("file").optional(),
    standardize: z.boolean("expected true or false").default(true),
    seed: z.int(seedRange).min(0, seedRange).default(0),
  }),
  async load({ options }) {
    const all = await readTable(options.path, options.delimiter, options.header);
    const [train, test] = options.testPath === undefined
      ? splitTable(all, options.testFraction, options.seed)
      : [all, await readTable(options.testPath, options.delimiter, all.header !== undefined)];
    const tables = [train, test];
    if (options.validationPath !== undefined) {
      tables.push(await readTable(options.validationPath, options.delimiter, all.header !== undefined));
    }
    for (const table of tables) requireSameColumns(train, table);
    const targets = [options.target].flat().map((target) => columnOf(all, target));
    const repeated = targets.findIndex((target, i) => targets.indexOf(target) < i);
    if (repeated >= 0) {
      throw new OptionError(`csv.target.${repeated}`, "each column once", [options.target].flat()[repeated]);
    }
    const features = Array.from({ length: all.width }, (_, i) => i).filter((i) => !targets.includes(i));
    if (features.length === 0) throw new DataError(`${all.name}: expected a column beside the targets, found none.`);
    const inputs = tables.map((table) => numbersOf(table, features));
    const inputUnits = options.standardize ? standardization(inputs[0], features.length) : undefined;
    if (inputUnits !== undefined) { for (const values of inputs) standardize(values, inputUnits); }
    const splits = tables.map((table, i): Split => (
      { count: table.rows.length, shape: [features.length], inputs: Float32Array.from(inputs[i]), scale: 1 }
    ));
    return {
      name: all.name.replace(/^.*[\\/]/, ""),
      ...(inputUnits && { inputUnits }),
      ...withTargets(tables, targets, options.classes, splits),
    };
  },
});

/** Reads a file into a table. */
async function readTable(path: string, delimiter: string, header: boolean | "auto"): Promise<Table> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) throw new DataError(`${path}: expected a file, found none.`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await unpack(bytes, path));
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${path}: expected text in UTF-8, found other bytes.`, { cause: error });
  }
  return makeTable(parseCsv(text, delimiter, path), header, path);
}

/** Holds back a random part of the rows; both parts keep the order of the file. */
function splitTable(table: Table, testFraction: number, seed: number): [Table, Table] {
  const count = table.rows.length;
  const held = Math.max(1, Math.round(count * testFraction));
  if (count - held < 1) {
    throw new DataError(`${table.name}: expected a row for training and one for testing, found ${count} in all.`);
  }
  const order = shuffledOrder(count, Key.seed(seed).at("csv"));
  const pick = (places: Uint32Array) => ({
    ...table,
    rows: Array.from(places.toSorted(), (place) => table.rows[place]),
  });
  return [pick(order.subarray(held)), pick(order.subarray(0, held))];
}

function requireSameColumns(train: Table, test: Table): void {
  const columns = (table: Table) => table.header?.join(", ") ?? `${table.width} columns`;
  if (test.width !== train.width || columns(train) !== columns(test)) {
    throw new DataError(`${test.name}: expected ${columns(train)} as in ${train.name}, found ${columns(test)}.`);
  }
}

/** Adds labels or target numbers to the parts: of training, testing and perhaps validation. */
function withTargets(
  tables: readonly Table[],
  targets: readonly number[],
  classes: "auto" | number | false,
  splits: readonly Split[],
): Omit<Dataset, "name"> {
  if (typeof classes === "number" && targets.length > 1) {
    throw new OptionError("csv.classes", "auto or false with several targets", classes);
  }
  const parts = ([train, test, validation]: readonly Split[]) => ({ train, test, ...(validation && { validation }) });
  const labels = classes === false || targets.length > 1 ? undefined : labelsOf(tables, targets[0], classes);
  if (labels !== undefined) {
    return {
      classes: labels.classes,
      outputs: 0,
      ...(labels.names && { classNames: labels.names }),
      ...parts(splits.map((split, i) => ({ ...split, labels: labels.parts[i] }))),
    };
  }
  const numbers = (table: Table) => Float32Array.from(numbersOf(table, targets));
  return {
    classes: 0,
    outputs: targets.length,
    ...parts(splits.map((split, i) => ({ ...split, targets: numbers(tables[i]) }))),
  };
}
