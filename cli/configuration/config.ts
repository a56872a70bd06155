/**
 * Configurations: a training run, or several side by side, as JSON in which every part goes by its plugin name.
 *
 * ```json
 * {
 *   "dataset": { "plugin": "mnist" },
 *   "model": [
 *     { "plugin": "dropout", "rate": 0.2 },
 *     { "plugin": "dense", "units": 800, "constraint": { "plugin": "max-norm", "max": 2 } },
 *     { "plugin": "relu" },
 *     { "plugin": "dense", "units": 10 }
 *   ],
 *   "loss": "cross-entropy",
 *   "optimizer": { "plugin": "sgd", "learningRate": 0.1, "momentum": 0.9 },
 *   "epochs": 10, "batchSize": 128, "seed": 1
 * }
 * ```
 *
 * @module
 */
import { OptionError, parseOptions, type Role } from "../../core/mod.ts";
import { z } from "zod";
import { runsOf } from "./runs_of.ts";

/** A part of a configuration: a plugin's name, or an object with its name and options. */
export type PartConfig = string | { plugin: string; [option: string]: unknown };

/** A configuration, as it is written down. */
export interface Config {
  /** Where its JSON Schema is, for editors: of no account here. */
  $schema?: string;
  /** The identity of the run, by which its checkpoints are known: written by `train`, of no account elsewhere. */
  id?: string;
  /** What this configuration is for, in a sentence or two. */
  description?: string;
  /** Where the examples come from. */
  dataset: PartConfig;
  /** The layers, first to last, or one layer plugin. */
  model: PartConfig[] | PartConfig;
  /** The loss. Default: cross-entropy for classes, mean squared error for numbers. */
  loss?: PartConfig;
  /** The optimizer. */
  optimizer: PartConfig;
  /** Passes over the training examples. */
  epochs: number;
  /** Examples a step. */
  batchSize: number;
  /** What everything random follows from. */
  seed: number;
  /** How many seeds each run is trained with: `seed`, `seed + 1`, ... Default: one run, with `seed`. */
  seeds?: number;
  /** How many members each run has, trained with seeds of their own, whose predictions are averaged. Default: no ensemble. */
  ensemble?: number;
  /** Part of the training examples that is held back and measured after each epoch, in (0, 1). */
  validation?: number;
  /** Parts that each batch is run in, to save memory. */
  accumulate: number;
  /** What changes the examples of each batch before it is trained on, in this order. */
  augment: PartConfig[];
  /** Whether a worker makes the next batch while the current one trains. */
  prefetch: boolean;
  /** Limits on the gradients of a step. */
  clip?: { value?: number; norm?: number };
  /** Parameters that are updated with other options of the optimizer. */
  parameterGroups: { match: string; set: Record<string, unknown> }[];
  /** Patterns of parameters that stay as they are. */
  freeze: string[];
  /** Weights that a new run begins with: a file that a run wrote, and patterns of what is new in this model. */
  pretrained?: { path: string; except: string[] };
  /** What owns the weights that are measured, such as an average over the steps. */
  average?: PartConfig;
  /** Another way to gradients than the loss's through the whole model. */
  learning?: PartConfig;
  /** What watches each run, besides what the command line adds. */
  observers: PartConfig[];
  /** Modules that export further plugins, relative to the configuration file. */
  plugins: string[];
  /** Runs that are trained side by side; each changes some values of this configuration. */
  runs: { name: string; set: Record<string, unknown> }[];
}

/** A part that serves one of some roles: its name alone, or with options. */
const partOf = (...roles: readonly Role[]) =>
  z.union(
    [z.string().min(1), z.looseObject({ plugin: z.string() })],
    'expected a plugin\'s name or an object such as { "plugin": NAME, ... }',
  ).meta({ roles, short: true });

const wholeFrom = (least: number) => {
  const text = `expected a whole number of at least ${least}`;
  return z.int(text).min(least, text);
};

const fraction = "expected a number between 0 and 1, both excluded";

const above0 = z.number("expected a number above 0").positive("expected a number above 0");

const layer = partOf("layer", "activation");

/** The schema of a {@linkcode Config}. Unknown keys are refused. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  $schema: z.string("expected the address of a JSON Schema").optional()
    .describe("where the JSON Schema of configurations is, for editors"),
  id: z.string().regex(/^[\w-]+$/, "expected letters, digits, _ and -").optional()
    .describe("the identity of a run, written by train"),
  description: z.string("expected a text").optional().describe("what this is for"),
  dataset: partOf("dataset").describe("where the examples come from"),
  model: z.union([z.array(layer).min(1, "expected at least one layer"), layer], {
    error: 'expected a list of layers such as [{ "plugin": "dense", "units": 10 }]',
  }).describe("the layers, first to last, or one layer"),
  loss: partOf("loss").optional().describe("default: cross-entropy for classes, mean squared error for numbers"),
  optimizer: partOf("optimizer").describe("how weights change"),
  epochs: wholeFrom(1).default(10).describe("passes over the training examples"),
  batchSize: wholeFrom(1).default(128).describe("examples a step"),
  seed: wholeFrom(0).default(0).describe("what everything random follows from"),
  seeds: wholeFrom(1).optional().describe("how many seeds each run is trained with, from the seed on"),
  ensemble: wholeFrom(1).optional().describe("how many members each run has, whose predictions are averaged"),
  validation: z.number(fraction).gt(0, fraction).lt(1, fraction).optional()
    .describe("part of the training examples that is held back and measured after each epoch"),
  accumulate: wholeFrom(1).default(1).describe("parts that each batch is run in, to save memory"),
  augment: z.array(partOf("augmentation")).default([]).describe("what changes the examples of each batch, in order"),
  prefetch: z.boolean("expected true or false").default(false).describe("whether a worker makes the next batch"),
  clip: z.strictObject({
    value: above0.optional().describe("the largest size of an entry of a gradient"),
    norm: above0.optional().describe("the largest norm of all gradients together"),
  }).optional().describe("limits on the gradients of a step"),
  parameterGroups: z.array(z.strictObject({
    match: z.string("expected a text").describe("a pattern of parameters' names"),
    set: z.record(z.string(), z.unknown()).describe("options of the optimizer for them"),
  })).default([]).describe("parameters that are updated with other options"),
  freeze: z.array(z.string("expected a pattern of parameters' names"), {
    error: 'expected a list of patterns such as ["^0\\\\."]',
  }).default([]).describe("patterns of parameters that stay as they are"),
  pretrained: z.strictObject({
    path: z.string("expected the path of a file").min(1, "expected the path of a file")
      .describe("a model.safetensors, relative to this file"),
    except: z.array(z.string("expected a pattern of parameters' names")).default([])
      .describe("patterns of what is new in this model, and stays as it was initialised"),
  }).optional().describe("weights that a new run begins with"),
  average: partOf("average").optional().describe("what owns the weights that are measured"),
  learning: partOf("learning").optional().describe("another way to gradients than the loss's"),
  observers: z.array(partOf("observer")).default([]).describe("what watches each run, such as early-stopping"),
  plugins: z.array(z.string("expected a path")).default([])
    .describe("modules that export further plugins, relative to this file"),
  runs: z.array(z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]+$/, "expected letters, digits, _ and -").describe("the run's name"),
    set: z.record(z.string(), z.unknown()).default({}).describe('what it changes, such as { "model.3.rate": 0 }'),
  })).min(1, "expected at least one run").default([{ name: "run", set: {} }])
    .describe("runs that are trained side by side"),
}) as unknown as z.ZodType<Config>;

/**
 * Validates a configuration. Plugins are not looked up yet.
 *
 * @throws {OptionError} with the path of the wrong value
 */
export function parseConfig(json: unknown): Config {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new OptionError("configuration", "a JSON object", json);
  }
  refuseDepth(json as Record<string, unknown>);
  const config = parseOptions(configSchema, json, "") as Config;
  const names = new Set<string>();
  for (const [i, run] of config.runs.entries()) {
    if (names.has(run.name)) throw new OptionError(`runs.${i}.name`, "a name that no other run has", run.name);
    names.add(run.name);
  }
  const all = runsOf(config).map((run) => run.name);
  const twice = all.find((name, i) => all.indexOf(name) < i);
  if (twice !== undefined) throw new OptionError("runs", "names that differ with their seeds and members, too", twice);
  return config;
}

/** Levels of nesting that a configuration may have: many more than any model needs, and few enough to walk down. */
const MOST_LEVELS = 200;

function refuseDepth(json: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(json)) {
    let level: unknown[] = [value];
    for (let depth = 1; level.length > 0; depth++) {
      if (depth > MOST_LEVELS) throw new OptionError(key, `at most ${MOST_LEVELS} levels of nesting`, "more");
      level = level.flatMap((entry) => typeof entry === "object" && entry !== null ? Object.values(entry) : []);
    }
  }
}
