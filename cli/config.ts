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
import {
  isPlugin,
  type LayerPlugin,
  OptionError,
  parseOptions,
  type Plugin,
  PluginError,
  type Registry,
  type Role,
  rolesOf,
  show,
} from "../core/mod.ts";
import { z } from "zod";

/** A part of a configuration: a plugin's name, or an object with its name and options. */
export type PartConfig = string | { plugin: string; [option: string]: unknown };

/** A configuration, as it is written down. */
export interface Config {
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
  /** Decay of an exponential moving average of the weights. */
  averageDecay?: number;
  /** What watches each run, besides what the command line adds. */
  observers: PartConfig[];
  /** Modules that export further plugins, relative to the configuration file. */
  plugins: string[];
  /** Runs that are trained side by side; each changes some values of this configuration. */
  runs: { name: string; set: Record<string, unknown> }[];
}

const partSchema = z.union(
  [z.string().min(1), z.looseObject({ plugin: z.string() })],
  'expected a plugin\'s name or an object such as { "plugin": NAME, ... }',
);

const wholeFrom = (least: number) => {
  const text = `expected a whole number of at least ${least}`;
  return z.int(text).min(least, text);
};

const fraction = "expected a number between 0 and 1, both excluded";

const above0 = z.number("expected a number above 0").positive("expected a number above 0");

/** The schema of a {@linkcode Config}. Unknown keys are refused. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  description: z.string().optional(),
  dataset: partSchema,
  model: z.union([z.array(partSchema).min(1, "expected at least one layer"), partSchema], {
    error: 'expected a list of layers such as [{ "plugin": "dense", "units": 10 }]',
  }),
  loss: partSchema.optional(),
  optimizer: partSchema,
  epochs: wholeFrom(1).default(10),
  batchSize: wholeFrom(1).default(128),
  seed: wholeFrom(0).default(0),
  validation: z.number(fraction).gt(0, fraction).lt(1, fraction).optional(),
  accumulate: wholeFrom(1).default(1),
  augment: z.array(partSchema).default([]),
  prefetch: z.boolean("expected true or false").default(false),
  clip: z.strictObject({ value: above0.optional(), norm: above0.optional() }).optional(),
  parameterGroups: z.array(z.strictObject({
    match: z.string(),
    set: z.record(z.string(), z.unknown()),
  })).default([]),
  averageDecay: z.number("expected a number in (0, 1)").gt(0, "expected a number in (0, 1)")
    .lt(1, "expected a number in (0, 1)").optional(),
  observers: z.array(partSchema).default([]),
  plugins: z.array(z.string()).default([]),
  runs: z.array(z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]+$/, "expected letters, digits, _ and -"),
    set: z.record(z.string(), z.unknown()).default({}),
  })).min(1, "expected at least one run").default([{ name: "run", set: {} }]),
}) as unknown as z.ZodType<Config>;

/** One run of a configuration, with its parts made. */
export interface ConfiguredRun {
  /** The run's name. */
  readonly name: string;
  /** The model. */
  readonly model: LayerPlugin;
  /** The loss; default that of the data's kind. */
  readonly loss: Plugin<"loss"> | undefined;
  /** The optimizer. */
  readonly optimizer: Plugin<"optimizer">;
  /** What watches it. */
  readonly observers: readonly Plugin<"observer">[];
  /** Part of the training examples that is held back. */
  readonly validation: number | undefined;
  /** Parts that each batch is run in. */
  readonly accumulate: number;
  /** What changes the examples of each batch. */
  readonly augment: readonly Plugin<"augmentation">[];
  /** Whether a worker makes the next batch while the current one trains. */
  readonly prefetch: boolean;
  /** Limits on the gradients of a step. */
  readonly clip: Config["clip"];
  /** Parameters that are updated with other options. */
  readonly parameterGroups: Config["parameterGroups"];
  /** Decay of an average of the weights. */
  readonly averageDecay: number | undefined;
  /** Passes over the training examples. */
  readonly epochs: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** What everything random follows from. */
  readonly seed: number;
}

/**
 * Validates a configuration. Plugins are not looked up yet.
 *
 * @throws {OptionError} with the path of the wrong value
 */
export function parseConfig(json: unknown): Config {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new OptionError("configuration", "a JSON object", json);
  }
  const config = parseOptions(configSchema, json, "") as Config;
  const names = new Set<string>();
  for (const [i, run] of config.runs.entries()) {
    if (names.has(run.name)) throw new OptionError(`runs.${i}.name`, "a name that no other run has", run.name);
    names.add(run.name);
  }
  return config;
}

/**
 * A copy of a JSON value with one entry changed. `null` removes the entry.
 *
 * @param json the value
 * @param path where the entry stands: `model.3.rate`
 * @throws {OptionError} when there is nothing at the path's beginning
 */
export function setPath(json: unknown, path: string, value: unknown): unknown {
  const [head, ...rest] = path.split(".");
  return change(json, head, rest, value, "", path);
}

function change(json: unknown, head: string, rest: string[], value: unknown, at: string, path: string): unknown {
  const here = at === "" ? head : `${at}.${head}`;
  if (typeof json === "string" && at !== "") json = { plugin: json }; // the short form of a part
  if (typeof json !== "object" || json === null || head === "") {
    throw new OptionError(path, `a path into the configuration; ${at || "its beginning"} has no entries`, head);
  }
  const copy = (Array.isArray(json) ? [...json] : { ...json }) as Record<string, unknown>;
  if (Array.isArray(json) && !(/^\d+$/.test(head) && Number(head) < json.length)) {
    throw new OptionError(path, `an index in [0, ${json.length}) for ${at}`, head);
  }
  if (rest.length > 0) {
    if (!(head in copy)) throw new OptionError(path, `a path into the configuration; there is no ${here}`, head);
    copy[head] = change(copy[head], rest[0], rest.slice(1), value, here, path);
  } else if (value === null && !Array.isArray(json)) {
    delete copy[head];
  } else if (value === null) {
    return (json as unknown[]).filter((_, i) => i !== Number(head));
  } else {
    copy[head] = value;
  }
  return copy;
}

/**
 * Makes the data set's plugin of a configuration.
 *
 * @throws {PluginError} when it is unknown or not a data set
 */
export function configuredDataset(config: Config, registry: Registry): Plugin<"dataset"> {
  return make(config.dataset, "dataset", registry, "dataset");
}

/**
 * Makes the parts of one run of a configuration.
 *
 * @throws {PluginError} for an unknown plugin, or one at a site that it does not serve
 * @throws {OptionError} for a wrong option, with its path
 */
export function configuredRun(config: Config, name: string, registry: Registry): ConfiguredRun {
  const run = config.runs.find((run) => run.name === name);
  if (run === undefined) throw new OptionError("runs", `a run named ${show(name)}`, config.runs.map((run) => run.name));
  let json: unknown = config;
  for (const [path, value] of Object.entries(run.set)) json = setPath(json, path, value);
  const changed = parseConfig(json);
  return {
    name,
    model: configuredModel(changed.model, registry),
    loss: changed.loss === undefined ? undefined : make(changed.loss, "loss", registry, "loss"),
    optimizer: make(changed.optimizer, "optimizer", registry, "optimizer"),
    observers: changed.observers.map((observer, i) => make(observer, "observer", registry, `observers.${i}`)),
    validation: changed.validation,
    accumulate: changed.accumulate,
    augment: changed.augment.map((part, i) => make(part, "augmentation", registry, `augment.${i}`)),
    prefetch: changed.prefetch,
    clip: changed.clip,
    parameterGroups: changed.parameterGroups,
    averageDecay: changed.averageDecay,
    epochs: changed.epochs,
    batchSize: changed.batchSize,
    seed: changed.seed,
  };
}

function configuredModel(model: Config["model"], registry: Registry): LayerPlugin {
  if (!Array.isArray(model)) return layer(model, registry, "model");
  const layers = model.map((part, i) => layer(part, registry, `model.${i}`));
  return registry.create({ plugin: "sequential", layers }, "model") as unknown as LayerPlugin;
}

function layer(part: PartConfig, registry: Registry, path: string): LayerPlugin {
  const plugin = registry.create(expand(part), path);
  if (isPlugin(plugin, "layer", "activation")) return plugin as unknown as LayerPlugin;
  throw misplaced(plugin, "layer", path);
}

function make<R extends Role>(part: PartConfig, role: R, registry: Registry, path: string): Plugin<R> {
  const plugin = registry.create(expand(part), path);
  if (isPlugin(plugin, role)) return plugin;
  throw misplaced(plugin, role, path);
}

function misplaced(plugin: Plugin, role: string, path: string): PluginError {
  const serves = rolesOf(plugin.definition).join(", ");
  return new PluginError(
    `${path}: expected a plugin that serves as ${role}; ${show(plugin.plugin)} serves as ${serves}.`,
  );
}

function expand(part: PartConfig): Record<string, unknown> {
  return typeof part === "string" ? { plugin: part } : part;
}
