/** What `compare` understands. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import type { CommandHelp } from "../command.ts";
import { data, dataset } from "../shared_options.ts";

/** Compares. */
export const compareCommand: CommandHelp = {
  name: "compare",
  summary: "Compares variants of dropout on the same data with the same seeds, each with options tuned for it.",
  options: [
    {
      name: "variants",
      value: "NAMES",
      meaning:
        "plugins parted by commas, options behind colons: dropout,drop-block:block=3; a rate that is given is not tuned",
      default: "dropout,gaussian-dropout,drop-connect",
    },
    {
      name: "config",
      value: "FILE",
      meaning: "a configuration in JSON; the variants take the place of its dropout",
      default: "a net that suits the data set",
    },
    dataset,
    data,
    { name: "seeds", value: "N", meaning: "seeds of the last round, from the seed on", default: "3" },
    { name: "seed", value: "N", meaning: "the first seed", default: "the configuration's, or 0" },
    {
      name: "budget",
      value: "TIME",
      meaning: "what training may take, such as 90s, 10m or 1h: fewer epochs, by steps that are measured first",
      default: "as long as it takes",
    },
    { name: "epochs", value: "N", meaning: "epochs of a full training", default: "the configuration's, or 10" },
    {
      name: "settings",
      value: "N",
      meaning: "values that are tried of each variant's rate, or strength",
      default: "4",
    },
    { name: "finalists", value: "N", meaning: "variants that come to the last round", default: "3" },
    {
      name: "validation",
      value: "F",
      meaning: "part of the training examples, between 0 and 1, that decides",
      default: "the configuration's or the data set's own, else 0.2",
    },
    {
      name: "set",
      value: "PATH=VALUE",
      repeated: true,
      meaning: "change any value of the configuration, such as optimizer.learningRate=0.01",
    },
    backend,
    { name: "out", value: "DIR", meaning: "the comparison's folder, to be made", default: "runs/TIME-DATASET-compare" },
    { name: "resume", value: "DIR", meaning: "go on with the comparison in a folder, as if it had never stopped" },
  ],
  examples: [
    ["compare", "three variants on drawn digits"],
    ["compare --dataset mnist --variants dropout,standout,shakeout --budget 10m", "in ten minutes"],
    ["compare --config my.json --variants drop-block:block=3,spatial-dropout --seeds 5", "a model of yours"],
    ["compare --resume runs/mine", "go on with one that was stopped"],
  ],
  notes: [
    "Training is in rounds, as in successive halving (Jamieson and Talwalkar 2016): each trains what is left about twice as " +
    "long and then leaves the worse half behind, of the settings of each variant, and in the last rounds of the variants, down to " +
    "the finalists. The rounds before the last are of the first seed. All is decided by the error on the validation part, equal " +
    "errors by the loss; the test part is only told in the end, of those that came to the last round. The same net without " +
    "dropout runs along. What learns slowly at first can be left behind too early: with as many finalists as variants, none is.",
    "Tuned is the option rate, or else the first number of a variant: around its default (around the configuration's own rate, " +
    "where the variant is the one that it has), probabilities by odds a factor of 3 apart, within the range of the option. It is " +
    "the rate at the place where the configuration's is largest; others keep their proportion to it, such as 0.2 at the input to 0.5.",
    "A variant of activations stands where the configuration's dropout does, one of weights at the layer before each such place, " +
    "and others wherever there is a recurrent layer, a branch, attention or an embedding for them; all other dropout is taken away.",
    "Ctrl-C ends it after a step, with a checkpoint. In the end the folder is one of runs, for predict, evaluate and report.",
  ],
};
