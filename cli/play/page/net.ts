/** The net of a scene, and the places in it at which its variant stands. @module */
import type { LayerPlugin, Plugin } from "../../../core/mod.ts";
import { dense, sequential } from "../../../plugins/mod.ts";
import type { Scene } from "./scene.ts";
import { firstRate, siteLayers } from "./site_layers.ts";
import { registry, type Variant } from "./variants.ts";

/** A place at which a variant stands. */
export interface Site {
  /** Its path in the model, such as `3` or `0.weight`. */
  readonly path: string;
  /**
   * Which units it acts on: 0 for the inputs, then the hidden layers in their order; of weights, those that they lead into,
   * the output after the hidden layers.
   */
  readonly layer: number;
  /** Whether it acts on units or on the weights that lead into them. */
  readonly at: "units" | "weights";
  /** What its main option is. */
  readonly rate: number;
}

/** A net: its description, and its sites in their order. */
export interface Net {
  /** For `buildModel`, with an input of two numbers. */
  readonly root: LayerPlugin;
  /** Where its variant stands, in the order of {@linkcode Scene.rates}. */
  readonly sites: readonly Site[];
  /** Paths of its dense layers, in their order. */
  readonly dense: readonly string[];
}

/**
 * The net of a scene: dense layers with their activation, the variant behind each (and behind the inputs) or at its weights,
 * and two outputs for the logits of two classes.
 *
 * @throws {ThinnedError} what a plugin says of an option that it refuses
 */
export function netOf(scene: Scene, variant: Variant): Net {
  const hidden = scene.layers.length;
  const layers = siteLayers(variant, hidden);
  const rates = layers.map((layer, i) => scene.rates[i] ?? firstRate(variant, layer, hidden));
  const make = (rate: number) =>
    registry.create({ plugin: variant.name, ...scene.options, [variant.main.name]: rate }, variant.name);
  const parts: Plugin[] = [];
  const sites: Site[] = [];
  const paths: string[] = [];
  const stand = (layer: number) => {
    const i = layers.indexOf(layer);
    if (i < 0 || variant.at !== "units") return;
    sites.push({ path: String(parts.length), layer, at: "units", rate: rates[i] });
    parts.push(make(rates[i]));
  };
  const multiply = (layer: number, units: number) => {
    const path = String(parts.length);
    const i = variant.at === "weights" ? layers.indexOf(layer) : -1;
    if (i >= 0) sites.push({ path: `${path}.weight`, layer, at: "weights", rate: rates[i] });
    parts.push(dense(units, i < 0 ? {} : { weight: make(rates[i]) as Plugin<"weight"> }));
    paths.push(path);
  };
  stand(0);
  scene.layers.forEach((units, i) => {
    multiply(i + 1, units);
    parts.push(registry.create({ plugin: scene.activation }, "activation"));
    stand(i + 1);
  });
  multiply(hidden + 1, 2);
  return { root: sequential(parts as LayerPlugin[]), sites, dense: paths };
}
