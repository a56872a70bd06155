/** What `evaluate` understands. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import { samples } from "../../predict/predict_choices.ts";
import type { CommandHelp } from "../command.ts";
import { data, run } from "../shared_options.ts";

/** Judges. */
export const evaluateCommand: CommandHelp = {
  name: "evaluate",
  summary: "Says what a run's predictions are worth: likelihood, calibration, doubts where they are due.",
  options: [
    run,
    { name: "name", value: "RUN", meaning: "which of its runs, ensembles or members", default: "the last one" },
    samples,
    { name: "seed", value: "N", meaning: "which masks these passes have", default: "0" },
    { name: "part", value: "PART", meaning: "which examples: test or validation", default: "test" },
    {
      name: "foreign",
      value: "DATA",
      meaning:
        "examples to be spotted as foreign: a file or folder, as predict --input takes it; the test part of a data " +
        "set, by its plugin's name or as JSON with options; or shuffled, the run's own with every input from another example",
    },
    {
      name: "laplace",
      value: "STRUCTURE",
      meaning:
        "kronecker or full: predict by the Laplace approximation of the last layer, fitted on the training part, in " +
        "one pass, or with --samples by draws of its weights",
      default: "none",
    },
    { name: "bins", value: "N", meaning: "bins of the reliability diagram", default: "15" },
    {
      name: "noise",
      value: "V",
      meaning: "for numbers, the variance of the noise around them, in the targets' units squared",
      default: "what the model says, else the likeliest, fitted on the validation part",
    },
    {
      name: "mixability",
      value: "N",
      meaning:
        "in place of all that, how the error grows as random units are removed, N subsets for each share, and which pairs " +
        "of units depend on each other; of the first 2000 examples",
    },
    {
      name: "exact",
      meaning:
        "in place of all that, for a net with at most 20 units that are dropped: the exact average over all masks, and how " +
        "near weight scaling and --samples passes, or 100, come to it",
    },
    data,
    backend,
  ],
  examples: [
    ["evaluate --run runs/mine", "the test examples, dropout off"],
    ["evaluate --run runs/mine --samples 50 --foreign shuffled", "averaged over 50 passes, with foreign examples"],
    ["evaluate --run runs/mine --mixability 10", "the error by the share of units removed"],
    ["evaluate --run runs/small --exact", "a small net's average over all its masks"],
  ],
  notes: [
    "With a validation part, as train --validation 0.1 holds one back, a temperature is fitted on it; it is kept in the " +
    "run's folder, for predict --temperature fitted. Without one there is none, since a net is surer of examples that it has been trained on.",
  ],
};
