/** A configuration's model with other dropout: none, or that of the literature. @module */
import {
  type AdviceChange,
  type AdviceSource,
  type DropoutPlace,
  type Registry,
  rolesOf,
  usualRates,
} from "../../mod.ts";
import type { Config, PartConfig } from "../configuration/config.ts";
import { setPath } from "../configuration/set_path.ts";
import type { Placed } from "./advice.ts";

/** A part of a configuration, in full. */
type Part = Exclude<PartConfig, string>;

const expanded = (part: PartConfig): Part => typeof part === "string" ? { plugin: part } : part;

/** The configuration with its layers as a list, where they are a `sequential`. */
export function withList(config: Config): Config {
  const model = Array.isArray(config.model) ? config.model : expanded(config.model);
  if (Array.isArray(model) || model.plugin !== "sequential" || !Array.isArray(model.layers)) return config;
  return { ...config, model: model.layers as PartConfig[] };
}

/** Whether a plugin is nothing but a variant inside a model. */
function isVariant(name: unknown, registry: Registry): boolean {
  const factory = typeof name === "string" ? registry.get(name) : undefined;
  if (factory === undefined) return false;
  const sites = ["activation", "weight", "product", "recurrent", "branch", "attention", "embedding"];
  return rolesOf(factory.definition).every((role) => sites.includes(role));
}

/** A loss of one pass, in place of one of several. */
function lossOfOnePass(loss: PartConfig | undefined): PartConfig | undefined {
  const part = loss === undefined ? undefined : expanded(loss);
  if (part === undefined || !/^(r-drop|consistency|multi-sample-dropout)$/.test(part.plugin)) return loss;
  return part.loss as PartConfig | undefined;
}

/**
 * The configuration without dropout of any kind. What stood in the place of a layer is dropout at a rate of 0, so that all
 * others keep their places; layers that draw by themselves, such as stochastic pooling, stay.
 */
export function withoutDropout(config: Config, registry: Registry): Config {
  const cleared = (value: unknown, listed: boolean): unknown => {
    if (Array.isArray(value)) return value.map((entry) => cleared(entry, true));
    if (listed && typeof value === "string") return isVariant(value, registry) ? none : value;
    if (typeof value !== "object" || value === null) return value;
    const part = value as Record<string, unknown>;
    if (isVariant(part.plugin, registry)) return none;
    return Object.fromEntries(
      Object.entries(part).flatMap(([name, inner]) => {
        const variant = name !== "layer" && name !== "block" && !Array.isArray(inner) &&
          isVariant((inner as Part | null)?.plugin, registry);
        return variant ? [] : [[name, cleared(inner, name === "layers" || name === "branches")]];
      }),
    );
  };
  const none = { plugin: "dropout", rate: 0 };
  const { learning: _, ...rest } = config;
  return { ...rest, model: cleared(config.model, true) as Config["model"], loss: lossOfOnePass(config.loss) };
}

const nonlinear = /^(relu|leaky-relu|elu|selu|gelu|silu|tanh|sigmoid|softplus)$/;
const linear = /^(dense|maxout|conv[123]d)$/;
const recurrent = /^(rnn|lstm|gru)$/;
const blocks = /^(encoder|decoder)-block$/;

/** The fewest inputs of which some are dropped. */
const LEAST_INPUTS = 64;
/** The fewest residual blocks of which some are dropped. */
const LEAST_BLOCKS = 4;

/** What the literature drops in a configuration's model, and the model with it. */
export interface WithDropout {
  /** The configuration. */
  readonly config: Config;
  /** What was put where. */
  readonly places: readonly Placed[];
}

/**
 * The configuration with dropout where the literature has it, at its rates: on inputs of many numbers, behind hidden dense
 * layers, on feature maps, behind recurrent layers with one mask for each sequence, in attention and on sub-layers, on
 * blocks of deep residual nets; never at the output, and not before batch norm. Layers that go into the list get the places
 * that dropout at a rate of 0 holds there, or else new ones.
 *
 * @param plain a configuration without dropout
 * @param share what the rates are multiplied by
 * @param inputs the shape of an example
 */
export function withUsualDropout(plain: Config, share: number, inputs: readonly number[]): WithDropout {
  if (!Array.isArray(plain.model)) return { config: plain, places: [] };
  const layers = plain.model.map(expanded).filter((layer) => layer.plugin !== "dropout" || layer.rate !== 0);
  // Groups, frozen parameters and pretrained ones are known by the numbers of their layers, which then become names.
  const grouped = plain.parameterGroups.length > 0 || plain.freeze.length > 0 || plain.pretrained !== undefined;
  const kept = grouped ? nameAll(plain.model.map(expanded)) : layers;
  const named = kept.filter((layer) => layer.plugin !== "dropout" || layer.rate !== 0);
  const last = named.findLastIndex(({ plugin }) =>
    linear.test(plugin) || recurrent.test(plugin) || blocks.test(plugin)
  );
  const norm = named.findLastIndex(({ plugin }) => plugin === "batch-norm");
  const deep = named.filter(({ plugin }) => plugin === "residual").length;
  const model: Part[] = [];
  const places: Placed[] = [];
  const rateOf = (place: DropoutPlace) => Number((usualRates[place].begin * share).toPrecision(3));
  const told = (path: string, plugin: string, place: DropoutPlace, rate = rateOf(place)) =>
    places.push({ path, plugin, rate, source: usualRates[place].source as AdviceSource });
  const nameOf = () => grouped ? { name: `dropout-${model.length}` } : {};
  const add = (plugin: string, place: DropoutPlace, more: Record<string, unknown> = {}) => {
    told(`model.${model.length}`, plugin, place);
    model.push({ plugin, rate: rateOf(place), ...more, ...nameOf() });
  };
  const flat = inputs.length === 1 && inputs[0] >= LEAST_INPUTS;
  const firstMixing = named.find(({ plugin }) => plugin !== "flatten");
  let signal: "input" | "maps" | "features" | "sequence" | "tokens" = "input";
  let block = 0;
  for (const [i, layer] of named.entries()) {
    const next = named[i + 1]?.plugin ?? "";
    let here = { ...layer };
    if (flat && layer === firstMixing && /^(dense|maxout)$/.test(layer.plugin) && norm < i) add("dropout", "input");
    const within = (option: string, plugin: string, place: DropoutPlace, rate = rateOf(place)) => {
      here = { ...here, [option]: { plugin, rate } };
      told(`model.${model.length}.${option}`, plugin, place, rate);
    };
    if (layer.plugin === "embedding" && named.some(({ plugin }) => recurrent.test(plugin))) {
      within("embedding", "embedding-dropout", "embedding");
    }
    if (/^(learned|sinusoidal)-positions$/.test(layer.plugin)) within("dropout", "dropout", "sublayer");
    if (blocks.test(layer.plugin)) {
      within("attention", "attention-dropout", "attention");
      within("dropout", "dropout", "sublayer");
    }
    if (layer.plugin === "residual" && deep >= LEAST_BLOCKS && layer.branch === undefined) {
      block++;
      within("branch", "stochastic-depth", "branch", Number((rateOf("branch") * block / deep).toPrecision(3)));
    }
    model.push(here);
    if (recurrent.test(layer.plugin)) {
      signal = layer.returnSequences === false ? "features" : "sequence";
      if (i < last) add("dropout", "recurrent", signal === "sequence" ? { share: ["time"] } : {});
    } else if (/^conv[123]d$/.test(layer.plugin)) signal = "maps";
    else if (/^(flatten|global-average-pool|global-max-pool)$/.test(layer.plugin) && signal === "maps") {
      signal = "features";
    } else if (/^(dense|maxout)$/.test(layer.plugin) && signal !== "tokens" && signal !== "sequence") {
      signal = "features";
    } else if (blocks.test(layer.plugin) || layer.plugin === "embedding") signal = "tokens";
    const acts = nonlinear.test(layer.plugin) || layer.plugin === "maxout";
    if (i < last && norm < i && acts && signal === "features") {
      if (layer.plugin === "selu") {
        model.push({ plugin: "alpha-dropout", rate: Number((0.1 * share).toPrecision(3)), ...nameOf() });
        told(`model.${model.length - 1}`, "alpha-dropout", "hidden", Number((0.1 * share).toPrecision(3)));
      } else add("dropout", "hidden");
    }
    const pools = /pool[123]d$/.test(next);
    const ends = acts ? !pools : /pool[123]d$/.test(layer.plugin);
    if (i < last && norm < i && signal === "maps" && ends) add("spatial-dropout", "maps");
  }
  return { config: { ...plain, model }, places };
}

/** Layers with the names that they have by their numbers, so that parameters keep theirs. */
function nameAll(layers: readonly Part[]): Part[] {
  return layers.map((layer, i) => layer.name === undefined ? { ...layer, name: String(i) } : layer);
}

/** The configuration with changes; entries of lists that go, go last, so that none of the others is missed. */
export function withChanges(config: Config, changes: readonly AdviceChange[]): Config {
  const first = changes.filter(({ path }, i) => changes.findIndex((other) => other.path === path) === i);
  const gone = first.filter(({ value }) => value === null);
  const under = (path: string) => first.some((other) => other.path !== path && path.startsWith(`${other.path}.`));
  const number = (path: string) => Number(path.split(".").at(-1));
  const order = [
    ...first.filter(({ value, path }) => value !== null && !under(path)),
    ...gone.toSorted((a, b) => (number(b.path) || 0) - (number(a.path) || 0)),
  ];
  let json: unknown = config;
  for (const { path, value } of order) json = setPath(json, path, value);
  return json as Config;
}
