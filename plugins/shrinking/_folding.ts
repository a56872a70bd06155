/** A model while factors and shifts of its evaluation go into weights. @module */
import {
  keepProbability,
  type LayerPlugin,
  type Model,
  optionsAt,
  type Plugin,
  type Progress,
  rateThreshold,
  Tensor,
} from "../../core/mod.ts";
import { dropout } from "../dropout/dropout.ts";
import { averagePool1d } from "../layers/average_pool1d.ts";
import { averagePool2d } from "../layers/average_pool2d.ts";
import { averagePool3d } from "../layers/average_pool3d.ts";
import { batchNorm } from "../layers/batch_norm.ts";
import { conv1d } from "../layers/conv1d.ts";
import { conv2d } from "../layers/conv2d.ts";
import { conv3d } from "../layers/conv3d.ts";
import { dense } from "../layers/dense.ts";
import { flatten } from "../layers/flatten.ts";
import { globalAveragePool } from "../layers/global_average_pool.ts";
import { globalMaxPool } from "../layers/global_max_pool.ts";
import { leakyRelu } from "../layers/leaky_relu.ts";
import { maxPool1d } from "../layers/max_pool1d.ts";
import { maxPool2d } from "../layers/max_pool2d.ts";
import { maxPool3d } from "../layers/max_pool3d.ts";
import { relu } from "../layers/relu.ts";
import { reshape } from "../layers/reshape.ts";
import { residual } from "../layers/residual.ts";
import type { Chain, ChainLink } from "./_chains.ts";
import { type Changes, is, join } from "./_description.ts";
import { tensorsOf } from "./_rebuilt.ts";
import type { Tensors } from "./_units.ts";

const products = [dense, conv1d, conv2d, conv3d];

/** Layers that give a multiple of their output for a multiple of their input, if the factor is not below 0. */
const homogeneous = [
  averagePool1d,
  averagePool2d,
  averagePool3d,
  dropout,
  flatten,
  globalAveragePool,
  globalMaxPool,
  leakyRelu,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  relu,
  reshape,
];

function isOneOf(plugin: Plugin, factories: readonly { readonly definition: unknown }[]): boolean {
  return factories.some((factory) => is(plugin, factory));
}

/** Where something went, or why it is left. */
export type Fate = { readonly into: string } | { readonly left: string };

/** The probability of keeping that a rate really gives. */
function keepOf(rate: number): number {
  return rate === 1 ? 0 : keepProbability(rateThreshold(rate));
}

/** What stands in the way of changing a layer's weights; null for a dense layer or convolution with nothing at its weight. */
function obstacleAt({ layer, path }: ChainLink): string | null {
  if (!isOneOf(layer, products)) return `expected a dense layer or convolution, found ${layer.plugin} at ${path}`;
  const { weight } = layer.options as { weight?: Plugin };
  return weight === undefined ? null : `${weight.plugin} stands at the weight of ${path}`;
}

/** A model while it is folded. */
export class Folding {
  /** Its parameters and running state, which are overwritten. */
  readonly tensors: Tensors;
  /** Options that are no longer those that were configured, as `PATH.NAME`. */
  readonly options = new Set<string>();
  readonly #changes = new Map<string, (layer: LayerPlugin) => LayerPlugin | null>();
  readonly #gone = new Set<string>();
  readonly #model: Model;
  readonly #progress: Progress;
  readonly #axes: ReadonlyMap<string, number>;

  constructor(model: Model, progress: Progress) {
    this.#model = model;
    this.#progress = progress;
    this.tensors = tensorsOf(model);
    this.#axes = new Map(model.summary().map(({ path, shape }) => [path, shape.length]));
  }

  /** What becomes of the layers of the description. */
  get changes(): Changes {
    return this.#changes;
  }

  /** Options of the plugin at a path, schedules replaced by their values. */
  #optionsOf<Options>(path: string): Options {
    const plugin = this.#model.plugins().get(path)!;
    return optionsAt(plugin, this.#progress, `model.${path}`, this.#model.schedules, path) as Options;
  }

  #tensor(path: string, name: string, kind = "model"): Tensor | undefined {
    return this.tensors.get(`${kind}/${join(path, name)}`);
  }

  #set(path: string, name: string, like: Tensor, value: (at: number) => number): void {
    const values = Float64Array.from({ length: like.size }, (_, at) => value(at));
    this.tensors.set(`model/${join(path, name)}`, Tensor.from(values, like.shape, like.floatType));
  }

  /** Multiplies parameters, as far as they are there. */
  #scale(path: string, names: readonly string[], factor: number): void {
    for (const name of names) {
      const found = this.#tensor(path, name);
      if (found !== undefined) this.#set(path, name, found, (at) => found.floats[at] * factor);
    }
  }

  /** Changes the layer at a path, whatever else is changed of it. */
  #change(path: string, option: string, change: (layer: LayerPlugin) => Plugin): void {
    const before = this.#changes.get(path);
    this.#changes.set(path, (layer) => change(before?.(layer) ?? layer) as LayerPlugin);
    this.options.add(option);
  }

  /** Batch norm into the layer before it: `g (W x + b - mean) + shift` is `(g W) x + (g (b - mean) + shift)`. */
  batchNorm(chain: Chain, i: number): Fate {
    const [before, { path }] = [chain[i - 1], chain[i]];
    const obstacle = before === undefined ? "no layer stands directly before it" : obstacleAt(before);
    if (obstacle !== null) return { left: obstacle };
    if (is(before.layer, dense) && this.#axes.get(before.path) !== 1) {
      return { left: "its channels are not the units of the dense layer before it" };
    }
    const { epsilon } = this.#optionsOf<{ epsilon: number }>(path);
    const [mean, variance] = ["mean", "variance"].map((name) => this.#tensor(path, name, "state")!);
    const [gain, shift] = ["weight", "bias"].map((name) => this.#tensor(path, name)?.floats);
    const [weight, bias] = ["weight", "bias"].map((name) => this.#tensor(before.path, name));
    const factor = (c: number) => (gain?.[c] ?? 1) / Math.sqrt(variance.floats[c] + epsilon);
    const each = weight!.size / mean.size;
    this.#set(before.path, "weight", weight!, (at) => weight!.floats[at] * factor(Math.floor(at / each)));
    const added = (c: number) => ((bias?.floats[c] ?? 0) - mean.floats[c]) * factor(c) + (shift?.[c] ?? 0);
    this.#set(before.path, "bias", mean, added);
    if (bias === undefined) {
      this.#change(before.path, join(before.path, "bias"), (layer) => layer.with({ bias: true }));
    }
    this.#changes.set(path, () => null);
    this.#gone.add(path);
    return { into: before.path };
  }

  /** Classic dropout's factor into the layer behind it; with the other convention its masks do the same as before. */
  dropout(chain: Chain, i: number): Fate {
    const { path } = chain[i];
    const link = chain.slice(i + 1).find(({ layer }) => !isOneOf(layer, homogeneous));
    const obstacle = link === undefined ? "no dense layer or convolution follows it" : obstacleAt(link);
    if (obstacle !== null) return { left: obstacle };
    this.#scale(link!.path, ["weight"], keepOf(this.#optionsOf<{ rate: number }>(path).rate));
    this.#change(path, join(path, "convention"), (layer) => layer.with({ convention: "inverted" }));
    return { into: link!.path };
  }

  /** Classic DropConnect's factor into the weight and bias at which it stands. */
  dropConnect({ layer, path }: ChainLink): Fate {
    if (!isOneOf(layer, products)) return { left: `expected a dense layer or convolution, found ${layer.plugin}` };
    const at = join(path, "weight");
    this.#scale(path, ["weight", "bias"], keepOf(this.#optionsOf<{ rate: number }>(at).rate));
    this.#change(path, join(at, "convention"), (layer) => {
      const { weight } = layer.options as { weight: Plugin };
      return layer.with({ weight: weight.with({ convention: "inverted" }) });
    });
    return { into: path };
  }

  /** Classic stochastic depth's factor into the end of its branch: a product, or a batch norm that is left. */
  stochasticDepth({ layer, path }: ChainLink, chains: ReadonlyMap<string, Chain>): Fate {
    const block = is(layer, residual) ? chains.get(join(path, "block")) : undefined;
    if (block === undefined) return { left: `its branch is no block of layers, but one of ${layer.plugin}` };
    const end = block.findLast(({ path }) => !this.#gone.has(path));
    if (end === undefined) return { left: "its branch is empty" };
    const scales = is(end.layer, batchNorm) && this.#tensor(end.path, "weight") !== undefined;
    const obstacle = scales ? null : obstacleAt(end);
    if (obstacle !== null) return { left: obstacle };
    const at = join(path, "branch");
    this.#scale(end.path, ["weight", "bias"], keepOf(this.#optionsOf<{ rate: number }>(at).rate));
    this.#change(path, join(at, "convention"), (layer) => {
      const { branch } = layer.options as { branch: Plugin };
      return layer.with({ branch: branch.with({ convention: "inverted" }) });
    });
    return { into: end.path };
  }
}
