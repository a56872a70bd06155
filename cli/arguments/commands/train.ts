/** What `train` understands. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import { publishedPresets } from "../../presets/published.ts";
import type { CommandHelp } from "../command.ts";
import { data, dataset } from "../shared_options.ts";

/** Trains. */
export const trainCommand: CommandHelp = {
  name: "train",
  summary: "Trains one run, or several side by side, and keeps all of it in a folder.",
  options: [
    {
      name: "config",
      value: "FILE",
      meaning: "a configuration in JSON; paths in it count from its folder; or preset:NAME, the settings of a paper",
      default: "a net that suits the data set, without and with dropout",
    },
    dataset,
    data,
    { name: "download", meaning: "fetch the data set's files first, checked by SHA-256, where it can: mnist" },
    { name: "mirror", value: "URL", meaning: "where to fetch them from", default: "the data set's own addresses" },
    { name: "epochs", value: "N", meaning: "passes over the training examples", default: "the configuration's, or 10" },
    { name: "seed", value: "N", meaning: "what everything random follows from", default: "the configuration's, or 0" },
    {
      name: "seeds",
      value: "N",
      meaning: "train each run with N seeds, from the seed on; ends with mean ± standard deviation",
      default: "one seed",
    },
    {
      name: "ensemble",
      value: "N",
      meaning: "train each run N times, from the seed on, as members whose predictions are averaged",
      default: "no ensemble",
    },
    {
      name: "validation",
      value: "F",
      meaning: "part of the training examples, between 0 and 1, to hold back and measure after each epoch",
      default: "none",
    },
    {
      name: "set",
      value: "PATH=VALUE",
      repeated: true,
      meaning: "change any value of the configuration, such as model.3.rate=0.3; null removes it",
    },
    backend,
    { name: "out", value: "DIR", meaning: "the run's folder, to be made", default: "runs/TIME-DATASET" },
    { name: "resume", value: "DIR", meaning: "go on with the run in a folder, with the bits of one never stopped" },
    {
      name: "dashboard",
      value: "PORT",
      bare: true,
      meaning: "serve a page on this machine that shows training as it goes on, pauses it and stops it",
      default: "no page; without a number, any free port",
    },
  ],
  examples: [
    ["train", "drawn digits, without and with dropout"],
    ["train --config my.json --seeds 5", "a configuration of yours, with five seeds"],
    ["train --dataset csv --data table.csv --set dataset.target=price", "a table"],
    ["train --resume runs/mine --epochs 20", "go on with a run, to 20 epochs"],
    ["train --dashboard", "with a page to watch it; its address is printed"],
  ],
  notes: [
    "A configuration is described in the README; `plugins --schema` writes its JSON Schema, for editors.",
    `Presets, scaled down: ${publishedPresets.map(({ name }) => `preset:${name}`).join(", ")}.`,
    "Ctrl-C ends a run after its step, with a checkpoint.",
  ],
};
