/** Where the masks that a pass fixed go: into the weights behind them or before them, as far as they can. @module */
import { type LayerPlugin, type Model, PluginError, type Shape, Tensor } from "../../core/mod.ts";
import { averagePool1d } from "../layers/average_pool1d.ts";
import { averagePool2d } from "../layers/average_pool2d.ts";
import { averagePool3d } from "../layers/average_pool3d.ts";
import { dense } from "../layers/dense.ts";
import { flatten } from "../layers/flatten.ts";
import { globalAveragePool } from "../layers/global_average_pool.ts";
import { globalMaxPool } from "../layers/global_max_pool.ts";
import { leakyRelu } from "../layers/leaky_relu.ts";
import { maxPool1d } from "../layers/max_pool1d.ts";
import { maxPool2d } from "../layers/max_pool2d.ts";
import { maxPool3d } from "../layers/max_pool3d.ts";
import { relu } from "../layers/relu.ts";
import { residual } from "../layers/residual.ts";
import { blockOf, is, join, layersOf } from "./_description.ts";
import type { Fixed, FixedEntries } from "./_fixed.ts";
import { fixedMask } from "./fixed_mask.ts";
import { alone, chainsOf, type Link, multiplies, type Tensors } from "./_units.ts";

/** Layers that give a multiple of each channel for a multiple of it, if the factor is not below 0. */
const homogeneous = [
  averagePool1d,
  averagePool2d,
  averagePool3d,
  globalAveragePool,
  globalMaxPool,
  leakyRelu,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  relu,
];

/** Whether nothing is changed by a mask. */
export function idle({ factor, shift }: FixedEntries): boolean {
  return factor.every((value) => value === 1) && shift.every((value) => value === 0);
}

/** One number for each channel, axis 0, where the entries of each are the same; else null. */
function byChannel(values: Float64Array, shape: Shape): Float64Array | null {
  const channels = shape[0] ?? 1;
  const each = values.length / channels;
  const found = Float64Array.from({ length: channels }, (_, channel) => values[channel * each]);
  return values.every((value, i) => value === found[Math.floor(i / each)]) ? found : null;
}

/** `value` of each entry of a tensor that is there. */
function mapped(tensors: Tensors, name: string, value: (now: number, at: number) => number): void {
  const found = tensors.get(name);
  if (found === undefined) return;
  tensors.set(name, Tensor.from(Float64Array.from(found.floats, value), found.shape, found.floatType));
}

/** Into the columns of the product behind. */
function intoNext(rest: readonly Link[], { shape, factor, shift }: FixedEntries, tensors: Tensors): boolean {
  const shifts = shift.some((value) => value !== 0);
  let factors: Float64Array | null = factor;
  for (const link of rest) {
    if (is(link.layer, flatten)) continue;
    if (homogeneous.some((factory) => is(link.layer, factory))) {
      factors = factors && byChannel(factors, shape);
      if (shifts || factors === null || factors.some((value) => value < 0)) return false;
      continue;
    }
    if (!multiplies(link) || !alone(link, tensors)) return false;
    if (!is(link.layer, dense)) factors = shifts ? null : factors && byChannel(factors, shape);
    if (factors === null) return false;
    const known = factors;
    const weight = tensors.get(`model/${join(link.path, "weight")}`)!;
    const bias = tensors.get(`model/${join(link.path, "bias")}`);
    if (shifts && (bias === undefined || shift.length !== weight.shape[1])) return false;
    const [outputs, inputs] = weight.shape;
    const kernel = weight.size / (outputs * inputs);
    const each = inputs / known.length;
    if (shifts) {
      const { floats } = weight;
      mapped(tensors, `model/${join(link.path, "bias")}`, (now, unit) => {
        let sum = now;
        for (let i = 0; i < inputs; i++) sum += floats[unit * inputs + i] * shift[i];
        return sum;
      });
    }
    mapped(tensors, `model/${join(link.path, "weight")}`, (now, at) => {
      return now * known[Math.floor(Math.floor(at / kernel) % inputs / each)];
    });
    return true;
  }
  return false;
}

/** Into the rows of the product directly before. */
function intoLast(before: Link | undefined, { shape, factor, shift }: FixedEntries, tensors: Tensors): boolean {
  if (before === undefined || !multiplies(before) || !alone(before, tensors)) return false;
  const [factors, shifts] = [byChannel(factor, shape), byChannel(shift, shape)];
  const bias = tensors.get(`model/${join(before.path, "bias")}`);
  if (factors === null || shifts === null) return false;
  if (bias === undefined && shifts.some((value) => value !== 0)) return false;
  const weight = tensors.get(`model/${join(before.path, "weight")}`)!;
  const each = weight.size / weight.shape[0];
  mapped(tensors, `model/${join(before.path, "weight")}`, (now, at) => now * factors[Math.floor(at / each)]);
  mapped(tensors, `model/${join(before.path, "bias")}`, (now, unit) => now * factors[unit] + shifts[unit]);
  return true;
}

/**
 * Takes the fixed masks of a model into its weights, which are overwritten.
 *
 * @returns the paths of the masks that went
 */
export function foldMasks(model: Model, entries: ReadonlyMap<string, FixedEntries>, tensors: Tensors): Set<string> {
  const gone = new Set<string>();
  for (const chain of chainsOf(model)) {
    // The last first, so that those before see what is behind them without masks in between.
    for (let i = chain.length - 1; i >= 0; i--) {
      const { layer, path } = chain[i];
      const mask = entries.get(path);
      if (!is(layer, fixedMask) || mask === undefined) continue;
      const rest = chain.slice(i + 1).filter(({ path }) => !gone.has(path));
      if (intoNext(rest, mask, tensors) || intoLast(chain[i - 1], mask, tensors)) gone.add(path);
    }
  }
  return gone;
}

/** The last layer of a block, with its path. */
function endOf(layer: LayerPlugin, path: string): { layer: LayerPlugin; path: string } | null {
  const layers = layersOf(layer);
  if (layers === null) return { layer, path };
  const last = layers.at(-1);
  return last === undefined ? null : endOf(last.layer, join(path, last.name));
}

/**
 * Puts the factor of a branch that is kept into the end of its block: a mask that is fixed, or a product.
 *
 * @throws {PluginError} where it ends in something else
 */
export function scaleBranch(host: LayerPlugin, path: string, factor: number, { entries, tensors }: Fixed): void {
  if (factor === 1) return;
  const block = is(host, residual) ? blockOf(host) : null;
  const end = block && endOf(block, join(path, "block"));
  const mask = end && entries.get(end.path);
  if (end && mask) {
    const scaled = (values: Float64Array) => values.map((value) => value * factor);
    entries.set(end.path, { ...mask, factor: scaled(mask.factor), shift: scaled(mask.shift) });
    return;
  }
  const product = end && tensors.has(`model/${join(end.path, "weight")}`) && "units" in end.layer.options;
  const convolves = end && "kernel" in end.layer.options && "channels" in end.layer.options;
  if (!end || !(product || convolves)) {
    throw new PluginError(
      `model.${
        join(path, "branch")
      }: expected a residual block that ends in a dense layer, a convolution or dropout, into ` +
        `which the branch's factor can go, found ${end?.layer.plugin ?? host.plugin}.`,
    );
  }
  for (const name of ["weight", "bias"]) {
    mapped(tensors, `model/${join(end.path, name)}`, (now) => now * factor);
  }
}
