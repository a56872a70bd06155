/** Layers that a layer makes of its own options. @module */
import type { LayerPlugin } from "../../core/mod.ts";

const made = new WeakMap<object, Map<string, LayerPlugin>>();

/**
 * The layer that `make` gives, made once for an options object and a label: passes need not validate its options again.
 *
 * @param options the options of the layer that hosts it
 * @param label tells it from others made of the same options
 */
export function partOf(options: object, label: string, make: () => LayerPlugin): LayerPlugin {
  let parts = made.get(options);
  if (parts === undefined) made.set(options, parts = new Map());
  let part = parts.get(label);
  if (part === undefined) parts.set(label, part = make());
  return part;
}
