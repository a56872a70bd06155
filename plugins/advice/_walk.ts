/** A model's description walked through: its layers and variants in the order in which they are run. @module */
import { isPlugin, type LayerPlugin, type Plugin } from "../../core/mod.ts";

const siteRoles = [
  "activation",
  "product",
  "weight",
  "recurrent",
  "branch",
  "attention",
  "embedding",
] as const;

/** A role of a variant inside a model. */
export type SiteRole = (typeof siteRoles)[number];

/** What flows where a variant stands, by the layer that gave it. */
export type Signal = "input" | "embedding" | "maps" | "features" | "tokens" | "sequence";

/** A layer, or a variant in a layer's place. */
export interface Stop {
  /** The plugin. */
  readonly plugin: Plugin;
  /** Where it stands in the description: `model.3`, `model.2.block.layers.1`. */
  readonly path: string;
  /** What it is given. */
  readonly signal: Signal;
  /** How many blocks beside shortcuts it stands in. */
  readonly depth: number;
}

/** A variant at its site. */
export interface Variant extends Stop {
  /** The site. */
  readonly role: SiteRole;
  /** The layer that it stands in; undefined for one in a layer's place. */
  readonly host: Plugin | undefined;
  /** The option of the host that holds it. */
  readonly option: string | undefined;
  /** How often it stands there, in a layer that is repeated. */
  readonly times: number;
  /** Its number among the stops: its own, or its host's. */
  readonly at: number;
}

/** A description, walked through. */
export interface Walk {
  /** Layers, and variants in the place of layers. */
  readonly stops: readonly Stop[];
  /** All variants. */
  readonly variants: readonly Variant[];
}

const recurrent = new Set(["rnn", "lstm", "gru"]);
const transformer = new Set(["encoder-block", "decoder-block", "multi-head-attention"]);
/** Layers with parameters that mix no features. */
const unmixing = new Set([
  "batch-norm",
  "layer-norm",
  "group-norm",
  "rms-norm",
  "layer-scale",
  "learned-positions",
  "class-token",
]);
const flattening = new Set(["flatten", "global-average-pool", "global-max-pool"]);

/** Whether a layer is recurrent. */
export function isRecurrent(plugin: Plugin): boolean {
  return recurrent.has(plugin.plugin);
}

/** Whether a layer is a convolution. */
export function isConvolution(plugin: Plugin): boolean {
  return /^conv[123]d$/.test(plugin.plugin);
}

/** Whether a layer has weights that mix its inputs; norms and positions do not. */
export function mixes(plugin: Plugin): boolean {
  if (unmixing.has(plugin.plugin)) return false;
  return transformer.has(plugin.plugin) || (isPlugin(plugin, "layer") && plugin.definition.init !== undefined);
}

/** Whether a plugin is a variant in the place of a layer. */
export function isVariant(plugin: Plugin): boolean {
  return isPlugin(plugin, "activation");
}

/** What flows behind a layer. */
function behind(plugin: Plugin, signal: Signal): Signal {
  const { plugin: name, options } = plugin;
  if (name === "embedding") return "embedding";
  if (name === "learned-positions" || name === "sinusoidal-positions" || transformer.has(name)) return "tokens";
  if (name === "patches" || name === "class-token") return "tokens";
  if (name === "pick-step") return "features";
  if (isRecurrent(plugin)) return options.returnSequences === false ? "features" : "sequence";
  if (isConvolution(plugin)) return "maps";
  if (flattening.has(name)) return signal === "input" ? signal : "features";
  if (name === "dense" || name === "maxout") {
    return signal === "tokens" || signal === "sequence" ? signal : "features";
  }
  // A layer of somebody's own that has parameters.
  return mixes(plugin) && signal === "input" ? "features" : signal;
}

/** The site at which a plugin stands in an option: the one that the option is called by, or the first of its roles. */
function roleOf(plugin: Plugin, option: string): SiteRole | undefined {
  const serves = siteRoles.filter((role) => role in plugin.serves);
  return serves.find((role) => role === option) ?? serves[0];
}

/**
 * Walks through a description.
 *
 * @param root the model; layers of a `sequential` at the root stand at `model.0`, `model.1`, as in a configuration
 */
export function walk(root: LayerPlugin): Walk {
  const stops: Stop[] = [];
  const variants: Variant[] = [];
  let signal: Signal = "input";

  const inside = (host: Plugin, path: string, depth: number, times: number) => {
    for (const [option, value] of Object.entries(host.options)) {
      if (!isPlugin(value)) continue;
      const role = roleOf(value, option);
      if (role === undefined) continue;
      const at = stops.length - 1;
      variants.push({ plugin: value, path: `${path}.${option}`, signal, depth, role, host, option, times, at });
    }
  };

  const visit = (plugin: Plugin, path: string, depth: number, times: number): void => {
    const { block, blocks, projection, layers, branches, nodes, times: repeats } = plugin.options as {
      block?: Plugin;
      blocks?: readonly Plugin[];
      projection?: Plugin;
      layers?: readonly Plugin[];
      branches?: readonly Plugin[];
      nodes?: Readonly<Record<string, { readonly layer: Plugin }>>;
      times?: number;
    };
    if (Array.isArray(layers)) {
      for (const [i, layer] of layers.entries()) {
        visit(layer, path === "" ? `model.${i}` : `${path}.layers.${i}`, depth, times);
      }
      return;
    }
    const here = path === "" ? "model" : path;
    if (plugin.plugin === "repeat" && block !== undefined) {
      visit(block, `${here}.block`, depth, times * (repeats ?? 1));
      return;
    }
    const stop = { plugin, path: here, signal, depth };
    const beside: (readonly [string, Plugin])[] = [
      ...(branches ?? []).map((layer, i) => [`branches.${i}`, layer] as const),
      ...Object.entries(nodes ?? {}).map(([name, { layer }]) => [`nodes.${name}.layer`, layer] as const),
    ];
    if (beside.length > 0) {
      const before = signal;
      const isGraph = nodes !== undefined;
      for (const [name, layer] of beside) {
        if (!isGraph) signal = before;
        visit(layer, `${here}.${name}`, depth, times);
      }
      return;
    }
    const parts = [block, ...blocks ?? []].filter((part) => isPlugin(part));
    if (parts.length > 0) {
      stops.push(stop);
      inside(plugin, here, depth, times);
      const names = block === undefined ? parts.map((_, i) => `blocks.${i}`) : ["block"];
      const before = signal;
      for (const [i, part] of parts.entries()) {
        signal = before;
        visit(part, `${here}.${names[i]}`, depth + 1, times);
      }
      const after = signal;
      signal = before;
      if (isPlugin(projection)) visit(projection, `${here}.projection`, depth, times);
      signal = after;
      return;
    }
    stops.push(stop);
    if (isVariant(plugin)) {
      variants.push({ ...stop, role: "activation", host: undefined, option: undefined, times, at: stops.length - 1 });
      return;
    }
    inside(plugin, here, depth, times);
    signal = behind(plugin, signal);
  };

  visit(root, "", 0, 1);
  return { stops, variants };
}
