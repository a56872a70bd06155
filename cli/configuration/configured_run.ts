/** From a configuration to plugins: the data set, and the parts of one run. @module */
import {
  didYouMean,
  isPlugin,
  type LayerPlugin,
  type Model,
  OptionError,
  type Plugin,
  PluginError,
  type Registry,
  type Role,
  rolesOf,
  show,
} from "../../core/mod.ts";
import { type Config, parseConfig, type PartConfig } from "./config.ts";
import { pretrainedWeights } from "./pretrained_weights.ts";
import { runsOf } from "./runs_of.ts";
import { setPath } from "./set_path.ts";

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
  /** Patterns of parameters that stay as they are. */
  readonly freeze: Config["freeze"];
  /** Gives a new run's model the weights that it begins with, where these are not its initial ones. */
  readonly initialize: ((model: Model) => void) | undefined;
  /** What owns the weights that are measured. */
  readonly average: Plugin<"average"> | undefined;
  /** Another way to gradients. */
  readonly learning: Plugin<"learning"> | undefined;
  /** Passes over the training examples. */
  readonly epochs: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** What everything random follows from. */
  readonly seed: number;
  /** What the validation part is drawn by: the members of an ensemble have the same. */
  readonly validationSeed: number;
}

/**
 * Makes the data set's plugin of a configuration.
 *
 * @throws {PluginError} when it is unknown or not a data set
 */
export function configuredDataset(config: Pick<Config, "dataset">, registry: Registry): Plugin<"dataset"> {
  return make(config.dataset, "dataset", registry, "dataset");
}

/**
 * Makes the parts of one run of a configuration.
 *
 * @throws {PluginError} for an unknown plugin, or one at a site that it does not serve
 * @throws {OptionError} for a wrong option, with its path
 */
export function configuredRun(config: Config, name: string, registry: Registry): ConfiguredRun {
  const runs = runsOf(config);
  const run = runs.find((run) => run.name === name);
  if (run === undefined) {
    const names = runs.map((run) => run.name);
    throw new OptionError("runs", `one of the runs ${names.join(", ")}`, name, didYouMean(name, names));
  }
  let json: unknown = config;
  for (const [path, value] of Object.entries(run.set)) json = setPath(json, path, value);
  const changed = parseConfig(json);
  return {
    name,
    model: configuredModel(changed.model, registry),
    loss: optional(changed.loss, "loss", registry, "loss"),
    optimizer: make(changed.optimizer, "optimizer", registry, "optimizer"),
    observers: changed.observers.map((observer, i) => make(observer, "observer", registry, `observers.${i}`)),
    validation: changed.validation,
    accumulate: changed.accumulate,
    augment: changed.augment.map((part, i) => make(part, "augmentation", registry, `augment.${i}`)),
    prefetch: changed.prefetch,
    clip: changed.clip,
    parameterGroups: changed.parameterGroups.map(({ match, set }, i) => ({
      match,
      set: withParts(set, registry, `parameterGroups.${i}.set`),
    })),
    freeze: changed.freeze,
    initialize: changed.pretrained && pretrainedWeights(changed.pretrained, name),
    average: optional(changed.average, "average", registry, "average"),
    learning: optional(changed.learning, "learning", registry, "learning"),
    epochs: changed.epochs,
    batchSize: changed.batchSize,
    seed: changed.seed,
    validationSeed: run.ensemble?.seed ?? changed.seed,
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

/** Options of which some may be plugins, such as schedules. */
function withParts(options: Record<string, unknown>, registry: Registry, path: string): Record<string, unknown> {
  const isPart = (value: unknown) => typeof value === "object" && value !== null && "plugin" in value;
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      isPart(value) ? registry.create(value, `${path}.${name}`) : value,
    ]),
  );
}

function optional<R extends Role>(
  part: PartConfig | undefined,
  role: R,
  registry: Registry,
  path: string,
): Plugin<R> | undefined {
  return part === undefined ? undefined : make(part, role, registry, path);
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
