/** Tables for regression with given splits. @module */
import { z } from "zod";
import { definePlugin, type Factory, OptionError, type Split } from "../../core/mod.ts";
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
}

/**
 * A table for regression, with the splits into training and test rows that papers compare on: Hernández-Lobato and
 * Adams (2015), Gal and Ghahramani (2016). Inputs `[features]` float32; one target.
 *
 * Files: `data.txt`, one example a line, numbers with white space between them; `index_features.txt` and
 * `index_target.txt`, the columns of inputs and target; `n_splits.txt`; and for each split K `index_train_K.txt` and
 * `index_test_K.txt`, its rows. Columns and rows are counted from 0.
 *
 * Inputs and targets are standardized by means and deviations of the split's training rows alone; an input that is
 * constant there becomes 0. The data set keeps those of the target as `targetUnits`, so that the reported error, the
 * root of the mean squared error, is in the table's own units. The loss is that of the standardized targets, and a
 * model's prediction in the table's units is `output * deviation + mean`.
 *
 * Loading throws `DataError` with file and line for a missing file, a cell that is no number, rows of unequal length,
 * and indices outside of the table; `OptionError` for a split that there is not; `PermissionError` without permission
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
  summary: "A table for regression with given splits into training and test rows.",
  paper: {
    authors: "Hernández-Lobato, Adams",
    year: 2015,
    title: "Probabilistic Backpropagation for Scalable Learning of Bayesian Neural Networks",
    url: "https://arxiv.org/abs/1502.05336",
  },
  options: z.object({
    data: z.string("expected the path of a folder").min(1, "expected the path of a folder").optional()
      .describe("the folder with the files"),
    table: z.string().regex(/^[\w.-]+$/, "expected the name of a folder").optional()
      .describe("the table's folder in a folder with many"),
    split: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(0)
      .describe("which of the given splits"),
    standardize: z.boolean("expected true or false").default(true)
      .describe("whether inputs and targets get mean 0 and variance 1"),
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
    const name = options.table ?? folder.replace(/^.*[\\/]/, "");
    const dataset = { name, classes: 0, outputs: targets.length };
    if (!options.standardize) {
      return { ...dataset, train: split(train, features.length), test: split(test, features.length) };
    }
    const inputUnits = standardization(train.inputs, features.length);
    const { mean, deviation } = standardization(train.targets, targets.length);
    // A constant target keeps its units.
    const targetUnits = { mean, deviation: deviation.map((value) => Number.isFinite(value) ? value : 1) };
    for (const { inputs, targets } of [train, test]) {
      standardize(inputs, inputUnits);
      standardize(targets, targetUnits);
    }
    return { ...dataset, targetUnits, train: split(train, features.length), test: split(test, features.length) };
  },
});

/** Rows of one part. */
interface Part {
  readonly count: number;
  readonly inputs: Float64Array<ArrayBuffer>;
  readonly targets: Float64Array<ArrayBuffer>;
}

function split({ count, inputs, targets }: Part, width: number): Split {
  return { count, shape: [width], inputs: Float32Array.from(inputs), scale: 1, targets: Float32Array.from(targets) };
}
