/** What the rectified layers of a model give for some examples, dropout off. @module */
import {
  type LayerCall,
  makeBatch,
  type Model,
  noGrad,
  type Progress,
  recycling,
  type Split,
  type Tensor,
} from "../../mod.ts";
import { GrowingHistogram } from "./histogram.ts";
import type { Histogram } from "./report_data.ts";

/** A layer with rectified outputs. */
export interface LayerObservation {
  /** The rectifier's name. */
  readonly plugin: string;
  /** Number of units; of channels, where units are arranged in them. */
  readonly units: number;
  /** The share of units that are above 0 for no example. */
  readonly dead: number;
  /** The share of outputs above 0. */
  readonly active: number;
  /** The mean output. */
  readonly mean: number;
  /** How many outputs are exactly 0. */
  readonly zeros: number;
  /** All other outputs. */
  readonly outputs: Histogram;
  /** The mean output of each unit. */
  readonly means: Histogram;
}

/** Activations under which a unit can die: they, or their gradients, vanish below 0. */
const rectifiers = new Set(["relu", "leaky-relu", "elu", "selu", "gelu", "silu"]);

/** Examples that are run at a time. */
const BATCH = 128;

/** Adds up one layer's outputs. */
class Tally {
  readonly plugin: string;
  readonly #axis: number;
  readonly #outputs = new GrowingHistogram();
  readonly #sums: Float64Array;
  /** How many outputs of each unit are above 0. */
  readonly #alive: Float64Array;
  #count = 0;

  /** @param axis the axis along which units differ */
  constructor(plugin: string, units: number, axis: number) {
    this.plugin = plugin;
    this.#axis = axis;
    this.#sums = new Float64Array(units);
    this.#alive = new Float64Array(units);
  }

  add({ shape, floats }: Tensor): void {
    const [sums, alive] = [this.#sums, this.#alive];
    const units = sums.length;
    // How many outputs of a unit stand together.
    const run = shape.slice(this.#axis + 1).reduce((a, b) => a * b, 1);
    for (let start = 0, unit = 0; start < floats.length; start += run, unit = unit + 1 === units ? 0 : unit + 1) {
      let sum = 0;
      let above = 0;
      for (let i = start; i < start + run; i++) {
        sum += floats[i];
        above += floats[i] > 0 ? 1 : 0;
      }
      sums[unit] += sum;
      alive[unit] += above;
    }
    this.#outputs.add(floats);
    this.#count += floats.length;
  }

  observation(): LayerObservation {
    const units = this.#sums.length;
    const each = this.#count / units;
    const means = new GrowingHistogram();
    means.add(this.#sums.map((sum) => sum / each));
    return {
      plugin: this.plugin,
      units,
      dead: this.#alive.filter((above) => above === 0).length / units,
      active: this.#alive.reduce((a, b) => a + b, 0) / this.#count,
      mean: this.#sums.reduce((a, b) => a + b, 0) / this.#count,
      zeros: this.#outputs.zeros,
      outputs: this.#outputs.histogram(),
      means: means.withZeros(),
    };
  }
}

/** Where a layer's outputs are rectified, if they are: in itself, or in the activation behind it that it applies. */
function rectifierOf(
  { path, plugin, epilogue }: LayerCall,
  places: readonly { readonly path: string; readonly plugin: string }[],
): { readonly path: string; readonly plugin: string } | undefined {
  if (path.endsWith(")")) return undefined; // a further use of a shared layer
  if (rectifiers.has(plugin)) return { path, plugin };
  if (!rectifiers.has(epilogue)) return undefined;
  const parent = parentOf(path);
  const behind = places.slice(places.findIndex((place) => place.path === path) + 1)
    .find((place) => parentOf(place.path) === parent && !place.path.startsWith(`${path}.`));
  return behind?.plugin === epilogue ? behind : { path, plugin: epilogue };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

/**
 * Histograms, dead units and mean activity of each layer whose outputs are rectified, in the order in which they are run,
 * in mode `eval`. Nothing of the model changes.
 *
 * @param split the first `count` examples of it are looked at
 * @returns by path: that of the rectifier, also where the layer before applies it
 */
export function observeLayers(
  model: Model,
  split: Split,
  count: number,
  progress: Progress,
): Map<string, LayerObservation> {
  const places = [...model.plugins()].map(([path, { plugin }]) => ({ path, plugin }));
  const inFront = places.some(({ plugin }) => /1d$/.test(plugin)); // channels, of what is a sequence
  const tallies = new Map<string, Tally>();
  const see = (call: LayerCall): void => {
    const { rank, shape } = call.output;
    const place = rectifierOf(call, places);
    if (place === undefined || rank < 2) return;
    const axis = rank > 3 || (rank === 3 && inFront) ? 1 : rank - 1;
    let tally = tallies.get(place.path);
    if (tally === undefined) tallies.set(place.path, tally = new Tally(place.plugin, shape[axis], axis));
    tally.add(call.output);
  };
  for (let from = 0; from < count; from += BATCH) {
    recycling(() =>
      noGrad(() => {
        const { inputs } = makeBatch(split, 0, from, Math.min(from + BATCH, count));
        model.forward(inputs, { mode: "eval", sample: from, progress, atLayers: see });
      })
    );
  }
  return new Map([...tallies].map(([path, tally]) => [path, tally.observation()]));
}
