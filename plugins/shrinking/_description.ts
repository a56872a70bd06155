/** Changing a model's description: variants and layers taken out, with every other part at its path. @module */
import { isPlugin, type LayerPlugin, type Plugin } from "../../core/mod.ts";
import { bypass } from "../layers/bypass.ts";
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

/** The layers of a sequential layer, with the names that they have under its path. */
export function layersOf(plugin: Plugin): { layer: LayerPlugin; name: string }[] {
  const { layers } = plugin.options as { layers: readonly LayerPlugin[] };
  return layers.map((layer, i) => ({ layer, name: layer.name ?? String(i) }));
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
  const { block, projection, times, share } = plugin.options as {
    block: LayerPlugin;
    projection?: LayerPlugin;
    times: number;
    share: boolean;
  };
  const inside = (layer: LayerPlugin, name: string) => withoutBlocks(layer, join(path, name), gone);
  if (is(plugin, residual) || is(plugin, bypass)) {
    if (gone.has(join(path, "branch"))) {
      if (projection === undefined) return null;
      // Its own name is that of a place inside, which parameters are known by.
      return named(sequential([named(projection, "projection")]), plugin.name);
    }
    const left = inside(block, "block");
    return left === block ? plugin : plugin.with({ block: left ?? sequential([]) }) as LayerPlugin;
  }
  const several = is(plugin, repeat) && !share;
  if (!several && !is(plugin, sequential)) return plugin;
  const layers = several
    ? Array.from({ length: times }, (_, i) => ({ layer: block, name: String(i) }))
    : layersOf(plugin);
  const left = layers.map(({ layer, name }) => ({ layer: inside(layer, name), name }));
  if (left.every(({ layer }, i) => layer === layers[i].layer)) return plugin;
  const stay = left.flatMap(({ layer, name }) => layer === null ? [] : [named(layer, name)]);
  return named(sequential(stay), plugin.name);
}

/** A description in which the layers at some paths, inside of sequential layers and blocks, have other options. */
export function withOptions(
  plugin: LayerPlugin,
  path: string,
  changes: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): LayerPlugin {
  const own = changes.get(path);
  if (own !== undefined) return plugin.with(own) as LayerPlugin;
  if (is(plugin, sequential)) {
    const before = layersOf(plugin);
    const after = before.map(({ layer, name }) => withOptions(layer, join(path, name), changes));
    return after.every((layer, i) => layer === before[i].layer)
      ? plugin
      : plugin.with({ layers: after }) as LayerPlugin;
  }
  if (is(plugin, residual) || is(plugin, bypass)) {
    const { block } = plugin.options as { block: LayerPlugin };
    const left = withOptions(block, join(path, "block"), changes);
    return left === block ? plugin : plugin.with({ block: left }) as LayerPlugin;
  }
  return plugin;
}
