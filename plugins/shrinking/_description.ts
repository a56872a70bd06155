/** Changing a model's description: variants and layers taken out, with every other part at its path. @module */
import { isPlugin, type LayerPlugin, type Plugin } from "../../core/mod.ts";
import { bypass } from "../layers/bypass.ts";
import { concat } from "../layers/concat.ts";
import { graph, type GraphNodeOptions } from "../layers/graph.ts";
import { parallel } from "../layers/parallel.ts";
import { repeat } from "../layers/repeat.ts";
import { residual } from "../layers/residual.ts";
import { sequential } from "../layers/sequential.ts";

/** A name under a path. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Whether a plugin was made by a factory. */
export function is(plugin: Plugin, factory: { readonly definition: unknown }): boolean {
  return (plugin.definition as unknown) === factory.definition;
}

/** A layer with its name under the path of the one around it. */
export interface Placed {
  /** The layer. */
  readonly layer: LayerPlugin;
  /** Its name. */
  readonly name: string;
}

/** The layers that a layer runs one after the other: `sequential`, or `repeat` with fresh parameters; else null. */
export function layersOf(plugin: LayerPlugin): Placed[] | null {
  const { layers, block, times, share } = plugin.options as {
    layers: readonly LayerPlugin[];
    block: LayerPlugin;
    times: number;
    share: boolean;
  };
  if (is(plugin, sequential)) return layers.map((layer, i) => ({ layer, name: layer.name ?? String(i) }));
  if (!is(plugin, repeat) || share) return null;
  return Array.from({ length: times }, (_, i) => ({ layer: block, name: String(i) }));
}

/** The layer with other layers in it, each of which keeps its name; null leaves one out. */
function withLayers(
  plugin: LayerPlugin,
  before: readonly Placed[],
  after: readonly (LayerPlugin | null)[],
): LayerPlugin {
  if (after.every((layer, i) => layer === before[i].layer)) return plugin;
  const left = after.flatMap((layer, i) => layer === null ? [] : [named(layer, before[i].name)]);
  return named(sequential(left), plugin.name);
}

/** The block of a layer that has one beside a shortcut; else null. */
export function blockOf(plugin: LayerPlugin): LayerPlugin | null {
  return is(plugin, residual) || is(plugin, bypass) ? (plugin.options as { block: LayerPlugin }).block : null;
}

/** A plugin under another name, or with none. */
export function named(plugin: LayerPlugin, name: string | undefined): LayerPlugin {
  return plugin.with({ name }) as LayerPlugin;
}

/** A description without the variants that say what they prune; everything else is as it was. */
export function withoutPruned<T>(value: T): T {
  const gone = (part: unknown) => isPlugin(part) && part.definition.prunes !== undefined;
  const cleared = (part: unknown): unknown => {
    if (Array.isArray(part)) {
      const parts = part.filter((entry) => !gone(entry)).map(cleared);
      return parts.length === part.length && parts.every((entry, i) => entry === part[i]) ? part : parts;
    }
    if (typeof part !== "object" || part === null) return part;
    if (!isPlugin(part) && Object.getPrototypeOf(part) !== Object.prototype) return part;
    const entries: Record<string, unknown> = isPlugin(part) ? part.options : part as Record<string, unknown>;
    const changes = Object.entries(entries).map(([name, entry]) => [name, gone(entry) ? undefined : cleared(entry)]);
    const changed = changes.filter(([name, entry]) => entry !== entries[name as string]);
    if (changed.length === 0) return part;
    return isPlugin(part) ? part.with(Object.fromEntries(changed)) : { ...part, ...Object.fromEntries(changed) };
  };
  return cleared(value) as T;
}

/**
 * A description without the blocks whose branch is gone. Everything that stays keeps its path: layers behind one that went
 * are named by the number that they had.
 *
 * @param gone the paths of the variants whose branches are gone
 * @returns null for a layer that has become the identity
 */
export function withoutBlocks(plugin: LayerPlugin, path: string, gone: ReadonlySet<string>): LayerPlugin | null {
  const inside = (layer: LayerPlugin, name: string) => withoutBlocks(layer, join(path, name), gone);
  const block = blockOf(plugin);
  if (block !== null && gone.has(join(path, "branch"))) {
    const { projection } = plugin.options as { projection?: LayerPlugin };
    // The projection keeps its path, too.
    return projection === undefined ? null : named(sequential([named(projection, "projection")]), plugin.name);
  }
  if (block !== null) {
    const left = inside(block, "block");
    return left === block ? plugin : plugin.with({ block: left ?? sequential([]) }) as LayerPlugin;
  }
  const layers = layersOf(plugin);
  return layers === null ? plugin : withLayers(plugin, layers, layers.map(({ layer, name }) => inside(layer, name)));
}

/**
 * A description in which one layer has other options. It stands inside of layers that run others one after the other, and of
 * blocks.
 *
 * @param place the path of the layer
 */
export function withOptions(
  plugin: LayerPlugin,
  path: string,
  place: string,
  changes: Readonly<Record<string, unknown>>,
): LayerPlugin {
  if (path === place) return plugin.with(changes) as LayerPlugin;
  if (!place.startsWith(join(path, ""))) return plugin;
  const inside = (layer: LayerPlugin, name: string) => withOptions(layer, join(path, name), place, changes);
  const block = blockOf(plugin);
  if (block !== null) return plugin.with({ block: inside(block, "block") }) as LayerPlugin;
  const layers = layersOf(plugin);
  return layers === null ? plugin : withLayers(plugin, layers, layers.map(({ layer, name }) => inside(layer, name)));
}

/** What becomes of the layer at a path; null for a layer that goes. */
export type Changes = ReadonlyMap<string, (layer: LayerPlugin) => LayerPlugin | null>;

/** Layers side by side, by the option that holds them. */
export function besides(plugin: LayerPlugin): readonly Placed[] {
  const { branches, nodes } = plugin.options as {
    branches: readonly LayerPlugin[];
    nodes: Readonly<Record<string, GraphNodeOptions>>;
  };
  if (is(plugin, concat) || is(plugin, parallel)) {
    return branches.map((layer, i) => ({ layer, name: layer.name ?? String(i) }));
  }
  return is(plugin, graph) ? Object.entries(nodes).map(([name, { layer }]) => ({ layer, name })) : [];
}

/**
 * A description in which some layers are others, or gone. They stand inside of layers that run others one after the other or
 * side by side, and of blocks. Everything that stays keeps its path.
 */
export function changed(plugin: LayerPlugin, path: string, changes: Changes): LayerPlugin | null {
  const found = changedInside(plugin, path, changes);
  return changes.get(path)?.(found) ?? (changes.has(path) ? null : found);
}

/** The layer with its own parts changed. */
function changedInside(plugin: LayerPlugin, path: string, changes: Changes): LayerPlugin {
  const inside = ({ layer, name }: Placed) => changed(layer, join(path, name), changes);
  const layers = layersOf(plugin);
  if (layers !== null) return withLayers(plugin, layers, layers.map(inside));
  // Where a layer has to stand, an empty sequence does nothing.
  const kept = (placed: Placed) => {
    const left = inside(placed);
    return left === placed.layer ? left : named(left ?? sequential([]), placed.layer.name);
  };
  const { block, projection, nodes } = plugin.options as {
    block: LayerPlugin;
    projection?: LayerPlugin;
    nodes: Readonly<Record<string, GraphNodeOptions>>;
  };
  if (blockOf(plugin) !== null) {
    return plugin.with({
      block: kept({ layer: block, name: "block" }),
      ...(projection === undefined ? {} : { projection: kept({ layer: projection, name: "projection" }) }),
    }) as LayerPlugin;
  }
  if (is(plugin, repeat)) return plugin.with({ block: kept({ layer: block, name: "0" }) }) as LayerPlugin;
  const side = besides(plugin).map((placed) => ({ name: placed.name, layer: kept(placed) }));
  if (side.length === 0) return plugin;
  if (!is(plugin, graph)) return plugin.with({ branches: side.map(({ layer }) => layer) }) as LayerPlugin;
  const changedNodes = side.map(({ name, layer }) => [name, { ...nodes[name], layer }] as const);
  return plugin.with({ nodes: Object.fromEntries(changedNodes) }) as LayerPlugin;
}
