/** What the command line understands: each command with its options, told once for reading and for `--help`. @module */
import { predictOptions, samples } from "../predict/predict_choices.ts";
import { publishedPresets } from "../presets/published.ts";
import { backendOption as backend, studies } from "../../studies/mod.ts";

/** An option of a command. */
export interface OptionHelp {
  /** Its name, without the dashes. */
  readonly name: string;
  /** What stands behind it, such as `FILE`; a switch has none. */
  readonly value?: string;
  /** Whether the option may stand without its value. */
  readonly bare?: boolean;
  /** Whether it may be given several times. */
  readonly repeated?: boolean;
  /** What it means, in a few words. */
  readonly meaning: string;
  /** What holds without it. */
  readonly default?: string;
}

/** A command. */
export interface CommandHelp {
  /** How it is called: `train` or `plugin new`. */
  readonly name: string;
  /** Words that follow it, as in a line of usage: `NAME|FILE`. */
  readonly words?: readonly string[];
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Its options. All commands take `--json` and `--help`, too. */
  readonly options: readonly OptionHelp[];
  /** Lines to copy, without what starts the command line, and what each does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** More that is to be known, a paragraph each. */
  readonly notes?: readonly string[];
}

const dataset: OptionHelp = {
  name: "dataset",
  value: "NAME",
  meaning: "a data set's plugin: digits, mnist, csv, text, ...",
  default: "digits",
};

const data: OptionHelp = {
  name: "data",
  value: "PATH",
  meaning: "where the data set's files are",
  default: "the configuration's, else the folder that THINNED_DATA names",
};

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

const run: OptionHelp = { name: "run", value: "DIR", meaning: "the folder of a run; must be given" };

const runName: OptionHelp = { name: "name", value: "RUN", meaning: "which of its runs", default: "the last one" };

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

/** Reports. */
export const reportCommand: CommandHelp = {
  name: "report",
  summary: "Makes one page that shows a run, or several side by side, which needs nothing but a browser.",
  options: [
    { name: "run", value: "DIR", repeated: true, meaning: "the folder of a run; must be given, once for each" },
    {
      name: "out",
      value: "FILE",
      meaning: "the page to write",
      default: "report.html in the run's folder; of several folders, in this one",
    },
    { name: "open", meaning: "open it in the browser" },
    data,
    backend,
  ],
  examples: [
    ["report --run runs/mine --open", "anew, as train wrote it at its end"],
    ["report --run runs/a --run runs/b --out both.html", "two folders side by side"],
  ],
  notes: [
    "Curves, rates and activations are those that train has recorded; what follows from predictions is computed anew, and " +
    "needs the data.",
  ],
};

/** Runs studies. */
export const studyCommand: CommandHelp = {
  name: "study",
  words: ["NAME"],
  summary: "Runs an experiment of a paper as its authors ran it; lists them without a name.",
  options: [],
  examples: [["study", "which there are"], ["study uci-dropout --help", "what one does, and its options"]],
};

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

/** Exports. */
export const exportCommand: CommandHelp = {
  name: "export",
  summary: "Writes a trained model as a file that other programs read.",
  options: [
    { name: "run", value: "DIR", meaning: "the folder of a finished run; must be given" },
    runName,
    {
      name: "format",
      value: "NAME",
      meaning:
        '"onnx" (default operators at version 17), "pytorch" (weights under PyTorch\'s names in a safetensors file), or ' +
        '"safetensors" (a model of this library, with what evaluation multiplies by in its weights)',
      default: "onnx",
    },
    {
      name: "out",
      value: "FILE",
      meaning: "the file to write",
      default:
        "model.onnx, model.pytorch.safetensors or model.folded.safetensors in the run's folder; with --thinned " +
        "thinned-STEP-EXAMPLE and the same ends",
    },
    {
      name: "thinned",
      value: "STEP:EXAMPLE",
      meaning:
        "in place of the whole net, the subnet that this place of the batch met in this step of training: smaller, and " +
        "without anything random; its weights are those of the end",
    },
    { name: "monte-carlo", meaning: "for onnx: draw masks anew at each run, in place of evaluating" },
    {
      name: "preprocessing",
      meaning: "for onnx: scale inputs, and give targets their units, in the file, as the data set did",
    },
  ],
  examples: [
    ["export --run runs/mine", "writes runs/mine/model.onnx"],
    ["export --run runs/mine --monte-carlo --out draws.onnx", "another mask at each run, for uncertainty elsewhere"],
    ["export --run runs/mine --format pytorch", "for load_state_dict in PyTorch"],
    ["export --run runs/mine --format safetensors --thinned 500:7", "one of the nets that dropout has trained"],
  ],
  notes: [
    "The batch may have any size. Inputs are called input, outputs output, or as a graph at the root calls them; outputs are " +
    "the model's: logits where it was trained with cross-entropy.",
    "Batch norm and factors of classic dropout go into the weights where nothing stands between; what is left is told. A " +
    "layer or variant that cannot be exported is named, and nothing is written.",
  ],
};

/** Lists plugins. */
export const pluginsCommand: CommandHelp = {
  name: "plugins",
  words: ["[NAME]"],
  summary: "Lists the plugins, or shows one: its options with types, bounds, defaults and meaning.",
  options: [
    { name: "role", value: "ROLE", meaning: "only those that serve as this: layer, activation, optimizer, ..." },
    { name: "plugin", value: "FILE", repeated: true, meaning: "count the plugins that a file of yours exports, too" },
    { name: "schema", meaning: "write the JSON Schema of configurations, for editors" },
  ],
  examples: [
    ["plugins --role schedule", "what can stand in the place of a number"],
    ["plugins dropout", "the options of one"],
    ["plugins --schema > config.schema.json", 'for "$schema": "config.schema.json" in a configuration'],
  ],
};

/** Begins a plugin. */
export const pluginNewCommand: CommandHelp = {
  name: "plugin new",
  words: ["NAME"],
  summary: "Begins a plugin of yours: its file, and its test, which passes at once.",
  options: [
    {
      name: "site",
      value: "SITE",
      meaning: "where it acts: activation, weight, recurrent, branch, attention, embedding or loss; must be given",
    },
    { name: "out", value: "DIR", meaning: "where the files go", default: "this folder" },
  ],
  examples: [["plugin new my-dropout --site activation", "writes my_dropout.ts and my_dropout_test.ts"]],
};

/** Examines a plugin. */
export const pluginCheckCommand: CommandHelp = {
  name: "plugin check",
  words: ["NAME|FILE"],
  summary: "Examines a plugin, built-in or yours; exit status 1 if it fails.",
  options: [backend],
  examples: [["plugin check dropout", "a built-in one"], ["plugin check ./my_dropout.ts", "all that a file exports"]],
};

/** Shows a small net in training. */
export const playCommand: CommandHelp = {
  name: "play",
  words: ["[PORT]"],
  summary: "Serves a page in which one sees a small net train with dropout, on this machine, until Ctrl-C.",
  options: [
    { name: "open", meaning: "open it in the browser" },
    {
      name: "write",
      value: "FILE",
      meaning: "write the page as one HTML file, for a web site, in place of serving it",
    },
  ],
  examples: [
    ["play --open", "at port 8123, or any that is free"],
    ["play --write playground.html", "a file that needs no server"],
  ],
  notes: ["The address of the page holds all of what it shows: copy it to share a scene."],
};

/** Compiles. */
export const nativeCommand: CommandHelp = {
  name: "native",
  words: ["[FILE...]"],
  summary: "Compiles the C library, finds OpenBLAS, and compiles the kernels of plugin files that are named.",
  options: [],
  examples: [["native", "once for a machine"], ["native ./my_kernels.ts", "with kernels of yours"]],
};

/** Explains. */
export const helpCommand: CommandHelp = {
  name: "help",
  words: ["[COMMAND...]"],
  summary: "Explains the commands, or one of them.",
  options: [],
  examples: [["help train", "the options of train"]],
};

/** All commands. */
export const commandHelps: readonly CommandHelp[] = [
  trainCommand,
  adviseCommand,
  predictCommand,
  generateCommand,
  evaluateCommand,
  reportCommand,
  studyCommand,
  ...studies.map((study) => ({ ...study, name: `study ${study.name}` })),
  compareCommand,
  exportCommand,
  pluginsCommand,
  pluginNewCommand,
  pluginCheckCommand,
  playCommand,
  nativeCommand,
  helpCommand,
];
