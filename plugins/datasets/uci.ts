/** Tables for regression with given splits. @module */
import { z } from "zod";
import { DataError, definePlugin, type Factory, OptionError, pathOption, type Split } from "../../core/mod.ts";
import { refuseBinary } from "./_csv_labels.ts";
import { standardization, standardize } from "./_standardize.ts";
import { folderOf, readIndices, readTable } from "./_uci_files.ts";

/** Options of {@linkcode uci}. */
export interface UciOptions {
  /**
   * The folder with the files; with `table`, one that holds `uci/TABLE` or `TABLE`. Default: that of `THINNED_DATA`.
   */
  data?: string;
  /** The table's folder in a folder with many, such as `concrete`. Default: the files lie in `data` itself. */
  table?: string;
  /** Which of the given splits, from 0. Default 0. */
  split?: number;
  /**
   * Whether inputs and targets are shifted and scaled to mean 0 and variance 1 over the training rows. Default true.
   */
  standardize?: boolean;
  /**
   * How many classes the target has, in [2, 2^31), or `false` when it is a number. Default: a number, but a target of zeros
   * and ones is refused, since it may be meant either way.
   */
  classes?: number | false;
}

const classNumber = "expected a whole number in [2, 2^31), or false";

/**
 * A table for regression or classification, with the splits into training and test rows that papers compare on: Hernández-Lobato and
 * Adams (2015), Gal and Ghahramani (2016). Inputs `[features]` float32; one target, or several numbers.
 *
 * Files, with remarks behind a `#`: `data.txt`, one example a line, numbers with white space between them;
 * `index_features.txt` and `index_target.txt`, the columns of inputs and target; `n_splits.txt`; and for each split K `index_train_K.txt` and
 * `index_test_K.txt`, its rows. Columns and rows are counted from 0.
 *
 * Inputs and targets are standardized by means and deviations of the split's training rows alone; an input that is
 * constant there becomes 0. The data set keeps those of the target as `targetUnits`, so that the reported error, the
 * root of the mean squared error, is in the table's own units. The loss is that of the standardized targets, and a
 * model's prediction in the table's units is `output * deviation + mean`. With `classes` the target is a class, a whole
 * number in [0, classes), and only inputs are standardized. The data set keeps the units of the inputs as `inputUnits`.
 *
 * Loading throws `DataError` with file and line for a missing file, a cell that is no number, rows of unequal length,
 * indices outside of the table and targets that are no class; `OptionError` for a split that there is not, or a target of
 * zeros and ones without `classes`; `PermissionError` without permission
 * to read.
 *
 * @example
 * ```ts ignore
 * import { fit, uci } from "@thinned/dropout";
 *
 * const run = await fit(model, { data: uci({ data: "data/uci/concrete", split: 3 }), ...settings });
 * console.log(run.testError); // in MPa
 * ```
 */
export const uci: Factory<"dataset", UciOptions> = definePlugin({
  name: "uci",
  summary: "A table for regression or classification with given splits into training and test rows.",
  paper: {
    authors: "Hernández-Lobato, Adams",
    year: 2015,
    title: "Probabilistic Backpropagation for Scalable Learning of Bayesian Neural Networks",
    url: "https://arxiv.org/abs/1502.05336",
  },
  options: z.object({
    data: pathOption("folder").optional()
      .describe("the folder with the files"),
    table: z.string().regex(/^[\w.-]+$/, "expected the name of a folder").optional()
      .describe("the table's folder in a folder with many"),
    split: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(0)
      .describe("which of the given splits"),
    standardize: z.boolean("expected true or false").default(true)
      .describe("whether inputs and targets get mean 0 and variance 1"),
    classes: z.union(
      [z.literal(false), z.int(classNumber).min(2, classNumber).max(2 ** 31 - 1, classNumber)],
      classNumber,
    )
      .optional().describe("how many classes the target has, or false for numbers"),
  }),
  async load({ options }) {
    const folder = await folderOf(options.data, options.table);
    const { rows, features, targets, splits } = await readTable(folder);
    if (options.split >= splits) throw new OptionError("uci.split", `a number below ${splits}`, options.split);
    const part = async (name: string): Promise<Part> => {
      const chosen = await readIndices(`${folder}/index_${name}_${options.split}.txt`, rows.length);
      const pick = (columns: readonly number[]) =>
        Float64Array.from(chosen.flatMap((row) => columns.map((column) => rows[row][column])));
      return { count: chosen.length, inputs: pick(features), targets: pick(targets) };
    };
    const [train, test] = [await part("train"), await part("test")];
    const { classes } = options;
    if (classes === undefined && targets.length === 1) refuseBinary("uci", [...train.targets, ...test.targets]);
    if (classes !== undefined && classes !== false) checkClasses(targets.length, classes, [train, test], folder);
    const labeled = typeof classes === "number";
    const name = options.table ?? folder.replace(/^.*[\\/]/, "");
    const dataset = { name, classes: labeled ? classes : 0, outputs: labeled ? 0 : targets.length };
    const parts = () => ({
      train: split(train, features.length, labeled),
      test: split(test, features.length, labeled),
    });
    if (!options.standardize) return { ...dataset, ...parts() };
    const inputUnits = standardization(train.inputs, features.length);
    for (const { inputs } of [train, test]) standardize(inputs, inputUnits);
    if (labeled) return { ...dataset, inputUnits, ...parts() };
    const { mean, deviation } = standardization(train.targets, targets.length);
    // A constant target keeps its units.
    const targetUnits = { mean, deviation: deviation.map((value) => Number.isFinite(value) ? value : 1) };
    for (const { targets } of [train, test]) standardize(targets, targetUnits);
    return { ...dataset, inputUnits, targetUnits, ...parts() };
  },
});

/** Rows of one part. */
interface Part {
  readonly count: number;
  readonly inputs: Float64Array<ArrayBuffer>;
  readonly targets: Float64Array<ArrayBuffer>;
}

function split({ count, inputs, targets }: Part, width: number, labeled: boolean): Split {
  const examples = { count, shape: [width], inputs: Float32Array.from(inputs), scale: 1 };
  return labeled
    ? { ...examples, labels: Int32Array.from(targets) }
    : { ...examples, targets: Float32Array.from(targets) };
}

/** Refuses targets that are not classes. */
function checkClasses(width: number, classes: number, parts: readonly Part[], folder: string): void {
  if (width > 1) throw new OptionError("uci.classes", "false with several targets", classes);
  for (const { targets } of parts) {
    const wrong = targets.find((target) => !(Number.isInteger(target) && target >= 0 && target < classes));
    if (wrong === undefined) continue;
    throw new DataError(
      `${folder}: expected targets that are classes, whole numbers in [0, ${classes}), found ${wrong}.`,
    );
  }
}
