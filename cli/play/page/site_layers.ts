/** Where a variant stands in a net, and how it begins there; the page knows it without the library. @module */
import type { Variant } from "./variants.ts";

/** The layers that a variant's sites are at, in the order of {@linkcode Scene.rates}: see {@linkcode Site.layer}. */
export function siteLayers(variant: Variant, hidden: number): number[] {
  const layers = Array.from({ length: hidden }, (_, i) => i + 1);
  if (variant.at === "units") return variant.inputs ? [0, ...layers] : layers;
  return variant.neutral ? [...layers, hidden + 1] : layers;
}

/** What a main option begins as: nothing at inputs and before the output, where that can be, and elsewhere its default. */
export function firstRate(variant: Variant, layer: number, hidden: number): number {
  const apart = layer === 0 || layer > hidden;
  return apart && variant.neutral ? 0 : variant.main.default as number;
}
