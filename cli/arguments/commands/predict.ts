/** What `predict` and `generate` understand. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import { predictOptions, samples } from "../../predict/predict_choices.ts";
import type { CommandHelp } from "../command.ts";
import { data, run, runName } from "../shared_options.ts";

/** Predicts. */
export const predictCommand: CommandHelp = {
  name: "predict",
  summary: "Predicts with a trained run, once or averaged over passes with dropout on, and says how sure it is.",
  options: [
    run,
    runName,
    {
      name: "input",
      value: "PATH",
      meaning: "new inputs without targets, in place of the test part: a table with the columns of training, an IDX " +
        "file, a PNG image or a folder of them, rows of numbers, a text; - reads standard input",
    },
    ...predictOptions,
    {
      name: "settle",
      value: "ERROR",
      meaning:
        "draw passes for an example only until its class is settled, wrong with at most this probability; --samples " +
        "says how many at most",
      default: "as many passes for each; beside it, at most 1000",
    },
    {
      name: "limit",
      value: "N",
      meaning: "predictions to show",
      default: "10 of the test part as table or JSON, else all",
    },
    {
      name: "format",
      value: "FORMAT",
      meaning:
        '"table", "json" (one object), "jsonl" (an object a line) or "csv"; the last two have every detail, and each ' +
        "row when it is done",
      default: "table",
    },
    data,
    backend,
  ],
  examples: [
    ["predict --run runs/mine", "the test examples"],
    ["predict --run runs/mine --samples 50", "with the deviation over 50 passes"],
    ["predict --run runs/mine --input rows.csv --json", "new rows, with all class probabilities"],
    ["predict --run runs/mine --input images/ --samples 50 --format csv > found.csv", "a folder of PNG images"],
  ],
};

/** Goes on with a text. */
export const generateCommand: CommandHelp = {
  name: "generate",
  summary: "Goes on with a text, by a run that was trained on text.",
  options: [
    run,
    runName,
    { name: "prompt", value: "TEXT", meaning: "what to go on from; - reads standard input", default: "a line end" },
    { name: "length", value: "N", meaning: "characters, or words, to add", default: "200" },
    {
      name: "temperature",
      value: "X",
      meaning: "how freely they are drawn; 0 takes the most probable one each time",
      default: "1: as the model predicts",
    },
    { name: "top-k", value: "K", meaning: "draw among the K most probable ones", default: "among all" },
    { name: "seed", value: "N", meaning: "which are drawn", default: "0" },
    samples,
    backend,
  ],
  examples: [
    ['generate --run runs/mine --prompt "To be" --temperature 0.8', "two hundred characters"],
    ["generate --run runs/mine --prompt - --length 1000 --seed 3 < beginning.txt", "from standard input"],
  ],
};
