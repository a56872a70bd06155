/** Layers that follow each other in a description, so that what one gives the next one alone takes. @module */
import type { LayerPlugin } from "../../core/mod.ts";
import { repeat } from "../layers/repeat.ts";
import { besides, blockOf, is, join, layersOf } from "./_description.ts";

/** One layer of a chain. */
export interface ChainLink {
  /** The layer. */
  readonly layer: LayerPlugin;
  /** Its place. */
  readonly path: string;
}

/** Layers that follow each other. */
export type Chain = readonly ChainLink[];

/**
 * All chains of a description, by the place at which each begins: the model, blocks beside shortcuts, branches side by side,
 * nodes of graphs, and what `repeat` shares.
 */
export function chainsOf(root: LayerPlugin): ReadonlyMap<string, Chain> {
  const chains = new Map<string, ChainLink[]>();
  const begin = (layer: LayerPlugin, path: string) => {
    const chain: ChainLink[] = [];
    chains.set(path, chain);
    visit(layer, path, chain);
  };
  const visit = (layer: LayerPlugin, path: string, chain: ChainLink[]) => {
    const layers = layersOf(layer);
    if (layers !== null) {
      for (const { layer: inner, name } of layers) visit(inner, join(path, name), chain);
      return;
    }
    chain.push({ layer, path });
    const { block, projection } = layer.options as { block: LayerPlugin; projection?: LayerPlugin };
    if (blockOf(layer) !== null) {
      begin(block, join(path, "block"));
      if (projection !== undefined) begin(projection, join(path, "projection"));
    } else if (is(layer, repeat)) begin(block, join(path, "0"));
    for (const { layer: inner, name } of besides(layer)) begin(inner, join(path, name));
  };
  begin(root, "");
  return chains;
}
