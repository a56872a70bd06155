/** What `advise` understands. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import type { CommandHelp } from "../command.ts";
import { data } from "../shared_options.ts";

/** Advises. */
export const adviseCommand: CommandHelp = {
  name: "advise",
  summary: "Says whether a net needs dropout, where and how much, from short trainings, with sources.",
  options: [
    {
      name: "config",
      value: "FILE",
      meaning: "a configuration, or preset:NAME, as for train",
      default: "a net that suits the data set",
    },
    { name: "name", value: "RUN", meaning: "which of its runs", default: "the last one" },
    { name: "dataset", value: "NAME", meaning: "a data set's plugin", default: "the configuration's, or digits" },
    data,
    { name: "static", meaning: "only look at the model: train nothing, and load no data" },
    {
      name: "epochs",
      value: "N",
      meaning: "epochs of each training",
      default: "as many as fit into a minute for all, at most the configuration's",
    },
    { name: "set", value: "PATH=VALUE", repeated: true, meaning: "change any value of the configuration first" },
    { name: "write", value: "FILE", meaning: "write the advised configuration, which train takes, to a new file" },
    backend,
  ],
  examples: [
    ["advise --config my.json --static", "what is wrong with the dropout of a configuration"],
    ["advise --config my.json --write advised.json", "whether it needs dropout, and what to begin with"],
  ],
  notes: [
    "A part of the training examples is held back, by `validation` or else a fifth; the test part is not looked at. The net is " +
    "trained without dropout; if it overfits, also with the rates of the literature, with half of them, and as configured.",
    "Only a standard error over parts of the examples stands beside each number. A difference of less than two of them is " +
    "called noise.",
  ],
};
