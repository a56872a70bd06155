/** Tables from comma-separated files. @module */
import { z } from "zod";
import { type Dataset, definePlugin, type Factory, pathOption } from "../../core/mod.ts";
import { loadCsv } from "./_csv_load.ts";
import { readNewRows } from "./_csv_rows.ts";

/** Options of {@linkcode csv}. */
export interface CsvOptions {
  /** The file, plain or packed by gzip. Required. */
  path: string;
  /** What is predicted: the name or index of a column, or a list of them for several numbers; -1 is the last column. */
  target: string | number | (string | number)[];
  /** The names or indices of the columns that are inputs, in this order. Default: all but the targets. */
  columns?: (string | number)[];
  /**
   * What columns become, by name (or by index where there is no header): `number`; `one-hot`, a 1 among zeros, an input for
   * each category; or `index`, the place of the category, for an `embedding`, to which `select` gives it. Default: columns of words `one-hot`, others
   * `number`.
   */
  encodings?: Record<string, "number" | "one-hot" | "index">;
  /**
   * What takes the place of missing values: `refuse` refuses them; `mean`, `median` and `most-frequent` are those of the
   * training rows, and in a column of words always the most frequent; `{ constant: value }` may be given for a column. For
   * all columns, or by name (or index where there is no header). A missing target is always refused. Default "refuse".
   */
  missing?: CsvFilling | Record<string, CsvFilling | { constant: number | string }>;
  /** Cells that stand for a missing value beside the empty ones, such as "NA" or "?". Default: none. */
  missingValues?: string[];
  /**
   * What becomes of a category that no training row has: `refuse` refuses it; `slot` gives it an input, or an index, of its
   * own behind the others. Default "refuse".
   */
  unknown?: "refuse" | "slot";
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
  /**
   * Whether numbers are shifted and scaled to mean 0 and variance 1 over the training rows: those of the inputs, of the
   * targets, or both. Targets that all lie in [0, 1] are left as they are. Default true, both.
   */
  standardize?: boolean | "inputs" | "targets";
  /** Which rows are held back: a whole number in [0, 2^53). Default 0. */
  seed?: number;
}

/** What takes the place of missing values in a table: see {@linkcode CsvOptions}. */
export type CsvFilling = "refuse" | "mean" | "median" | "most-frequent";

const column = z.union([z.string(), z.int()], "expected the name or the index of a column");
const targetForms = "expected a column name, a column index, or a list of them";
const columnsForm = "expected a list of column names or indices";
const classNumber = "expected a whole number in [2, 2^31), false or auto";
const seedRange = "expected a whole number in [0, 2^53)";
const fraction = "expected a number between 0 and 1, both excluded";
const encodingForms = "expected number, one-hot or index";
const fillings = ["refuse", "mean", "median", "most-frequent"] as const;
const fillingForms = "expected refuse, mean, median or most-frequent";
const constantForm = `${fillingForms}, or { "constant": VALUE }`;
const standardizeForms = "expected true, false, inputs or targets";

/**
 * A table from a comma-separated file (RFC 4180): one example a row, one column or several to predict, all others, or
 * those in `columns`, inputs. Inputs: `[inputs]` float32, column after column. A target column of words gives a
 * classification, the classes being the words in sorted order, which are its `classNames`; numbers give a regression, or
 * a classification when `classes` says how many. A column of zeros and ones needs `classes: 2`, or `false` if they are
 * numbers.
 *
 * A column whose first cell is a word is one of words, and becomes one-hot inputs; a number among its words is refused,
 * as is a word among numbers, unless `encodings` says how the column is read. Categories are those of the training rows
 * in sorted order.
 *
 * Inputs that are numbers are standardized by the mean and the standard deviation of the training rows alone; a column
 * that is constant there becomes 0. The data set keeps both as `inputUnits`. So are the targets of a regression, as
 * `targetUnits`: the reported error, the root of the mean squared error, is in the table's own units, and the loss is
 * that of the standardized targets. What else was learned from the training rows is kept as `rows`, so that a saved model
 * reads new rows as the table was read: `deno task predict --run DIR --input rows.csv`, or `predictRows` of
 * {@linkcode LoadedModel}.
 *
 * The file is read as a stream, into 8 bytes a number and 4 a word, and then 4 bytes an input: loading a table of 84 MB, 1.3
 * million rows with nine columns of which two are of words, has a peak of 0.32 GB of resident memory.
 *
 * Loading throws `DataError` with file, line and column for rows of unequal length, cells that are missing or not as
 * others in their column, categories that the training rows do not have and misplaced quotes, and when there are no rows;
 * `OptionError` for an option that names no column, or a target of zeros and ones without `classes`; `PermissionError`
 * without permission to read.
 *
 * @example
 * ```ts
 * import { csv, loadDataset } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".csv" });
 * await Deno.writeTextFile(path, "width,from,kind\n1,Rome,pear\n2,Oslo,apple\n3,Rome,apple\n4,Oslo,pear\n5,Oslo,apple\n");
 * const data = await loadDataset(csv({ path, target: "kind", testFraction: 0.4 }));
 * assertEquals([data.classNames, data.train.count, data.test.count], [["apple", "pear"], 3, 2]);
 * assertEquals(data.train.shape, [3]); // width, from Oslo, from Rome
 * await Deno.remove(path);
 * ```
 */
export const csv: Factory<"dataset", CsvOptions> = definePlugin({
  name: "csv",
  summary: "A table from a comma-separated file: classification or regression.",
  options: z.object({
    path: pathOption("file").describe("the file"),
    target: z.union([column, z.array(column).min(1, targetForms)], targetForms).describe("the columns to predict"),
    columns: z.array(column, columnsForm).min(1, columnsForm).optional().describe("the columns that are inputs"),
    encodings: z.record(z.string(), z.enum(["number", "one-hot", "index"], encodingForms)).default({})
      .describe("what columns become, by name"),
    missing: z.union([
      z.enum(fillings, fillingForms),
      z.record(
        z.string(),
        z.union(
          [z.enum(fillings), z.strictObject({ constant: z.union([z.number(), z.string().min(1)]) })],
          constantForm,
        ),
      ),
    ], `${fillingForms}, or one for each column by name`).default("refuse")
      .describe("what takes the place of missing values, for all columns or by name"),
    missingValues: z.array(z.string(), "expected a list of texts").default([])
      .describe("cells that stand for a missing value"),
    unknown: z.enum(["refuse", "slot"], "expected refuse or slot").default("refuse")
      .describe("what becomes of categories that no training row has"),
    classes: z.union([
      z.literal("auto"),
      z.literal(false),
      z.int(classNumber).min(2, classNumber).max(2 ** 31 - 1, classNumber),
    ], classNumber).default("auto").describe("how many classes the target has, or false for numbers"),
    header: z.union([z.boolean(), z.literal("auto")], "expected true, false or auto").default("auto")
      .describe("whether the first line names the columns"),
    delimiter: z.string("expected one character").regex(/^[^"\r\n]$/, "expected one character, no quote or line end")
      .default(",").describe("the character between fields"),
    testFraction: z.number(fraction).gt(0, fraction).lt(1, fraction).default(0.2)
      .describe("part of the rows that is held back for testing"),
    testPath: pathOption("file").optional().describe("a file with the rows for testing"),
    validationPath: pathOption("file").optional().describe("a file with the rows for validation"),
    standardize: z.union([z.boolean(), z.enum(["inputs", "targets"])], standardizeForms).default(true)
      .describe("whether numbers get mean 0 and variance 1"),
    seed: z.int(seedRange).min(0, seedRange).default(0).describe("which rows are held back"),
  }),
  load: ({ options }): Promise<Dataset> => loadCsv(options),
  rows: ({ source, reading, name }) => readNewRows(source, reading, name),
});
