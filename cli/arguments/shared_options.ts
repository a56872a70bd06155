/** Options that several commands have. @module */
import type { OptionHelp } from "./command.ts";

/** The data set. */
export const dataset: OptionHelp = {
  name: "dataset",
  value: "NAME",
  meaning: "a data set's plugin: digits, mnist, csv, text, ...",
  default: "digits",
};

/** Where its files are. */
export const data: OptionHelp = {
  name: "data",
  value: "PATH",
  meaning: "where the data set's files are",
  default: "the configuration's, else the folder that THINNED_DATA names",
};

/** The folder of a run. */
export const run: OptionHelp = { name: "run", value: "DIR", meaning: "the folder of a run; must be given" };

/** One of its runs. */
export const runName: OptionHelp = {
  name: "name",
  value: "RUN",
  meaning: "which of its runs",
  default: "the last one",
};
