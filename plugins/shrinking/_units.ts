/**
 * Units that no output depends on, and those that always say the same: found between one product and the next, and taken
 * out of both.
 *
 * @module
 */
import { buildModel, type LayerPlugin, type Model, noGrad, type Plugin, type Shape, Tensor } from "../../core/mod.ts";
import { blockOf, is, join, layersOf, named } from "./_description.ts";
import { maxPoolingDropout } from "../dropout/max_pooling_dropout.ts";
import { stochasticPooling } from "../dropout/stochastic_pooling.ts";
import { averagePool1d } from "../layers/average_pool1d.ts";
import { averagePool2d } from "../layers/average_pool2d.ts";
import { averagePool3d } from "../layers/average_pool3d.ts";
import { batchNorm } from "../layers/batch_norm.ts";
import { conv1d } from "../layers/conv1d.ts";
import { conv2d } from "../layers/conv2d.ts";
import { conv3d } from "../layers/conv3d.ts";
import { dense } from "../layers/dense.ts";
import { elu } from "../layers/elu.ts";
import { flatten } from "../layers/flatten.ts";
import { gelu } from "../layers/gelu.ts";
import { globalAveragePool } from "../layers/global_average_pool.ts";
import { globalMaxPool } from "../layers/global_max_pool.ts";
import { leakyRelu } from "../layers/leaky_relu.ts";
import { maxPool1d } from "../layers/max_pool1d.ts";
import { maxPool2d } from "../layers/max_pool2d.ts";
import { maxPool3d } from "../layers/max_pool3d.ts";
import { relu } from "../layers/relu.ts";
import { selu } from "../layers/selu.ts";
import { sequential } from "../layers/sequential.ts";
import { sigmoid } from "../layers/sigmoid.ts";
import { silu } from "../layers/silu.ts";
import { softplus } from "../layers/softplus.ts";
import { tanh } from "../layers/tanh.ts";

const elementwise = [elu, gelu, leakyRelu, relu, selu, sigmoid, silu, softplus, tanh];
const convolutions = [conv1d, conv2d, conv3d];
/** Layers that treat each channel, axis 0 of an example, by itself. */
const channelwise = [
  averagePool1d,
  averagePool2d,
  averagePool3d,
  batchNorm,
  globalAveragePool,
  globalMaxPool,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxPoolingDropout,
  stochasticPooling,
];

/** The tensors of a model by their names in a snapshot: `model/1.weight`, `state/4.mean`. */
export type Tensors = Map<string, Tensor>;

/** One layer of a chain. */
export interface Link {
  readonly layer: LayerPlugin;
  readonly path: string;
  /** Shape of its input, without the batch axis. */
  readonly inputShape: Shape;
}

/** A product, the layers behind it that treat each unit by itself, and the product that takes their output. */
export interface Pair {
  readonly before: Link;
  readonly between: readonly Link[];
  readonly after: Link;
}

function isOneOf(plugin: Plugin, factories: readonly { readonly definition: unknown }[]): boolean {
  return factories.some((factory) => is(plugin, factory));
}

/** Layers that follow each other in a model, whatever sequential layers are around them. */
export function chainsOf(model: Model): Link[][] {
  const shapes = new Map(model.summary().map(({ path, shape }) => [path, shape]));
  const chains: Link[][] = [];
  const visit = (layer: LayerPlugin, path: string, inputShape: Shape, chain: Link[]) => {
    const layers = layersOf(layer);
    if (layers !== null) {
      let shape = inputShape;
      for (const { layer: inner, name } of layers) {
        visit(inner, join(path, name), shape, chain);
        shape = shapes.get(join(path, name))!;
      }
      return;
    }
    chain.push({ layer, path, inputShape });
    const block = blockOf(layer);
    if (block === null) return;
    const inside: Link[] = [];
    chains.push(inside);
    visit(block, join(path, "block"), inputShape, inside);
  };
  const whole: Link[] = [];
  chains.push(whole);
  const extents = model.inputShape.map((extent) => extent === -1 ? 1 : extent);
  visit(model.root, "", extents, whole);
  return chains;
}

/** A tensor's name without the kind that stands in front of it: `1.weight`. */
function placeOf(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** The names of the tensors at a path and below. */
export function namesAt(path: string, tensors: Tensors): string[] {
  return [...tensors.keys()].filter((name) => placeOf(name).startsWith(join(path, "")));
}

/** Whether a product can lose units: nothing that stands at its weight has a shape that depends on them. */
export function alone({ path }: Link, tensors: Tensors): boolean {
  return namesAt(path, tensors).every((name) => ["weight", "bias"].some((own) => placeOf(name) === join(path, own)));
}

/** Whether a variant at a layer position does nothing, or multiplies by one number, in evaluation. */
function idle({ layer, path }: Link, tensors: Tensors): boolean {
  const { activation, forward, claims } = layer.definition;
  if (activation === undefined || forward !== undefined || namesAt(path, tensors).length > 0) return false;
  return (typeof claims === "function" ? claims(layer.options) : claims)?.eval !== undefined;
}

/** Whether a layer is a convolution without groups, or a dense layer of whole examples. */
export function multiplies({ layer, inputShape }: Link): boolean {
  if (is(layer, dense)) return inputShape.length === 1;
  return isOneOf(layer, convolutions) && (layer.options as { groups: number }).groups === 1;
}

/** The pairs of a chain between which units can be taken out. */
export function pairsOf(chain: readonly Link[], tensors: Tensors): Pair[] {
  return chain.flatMap((before, i) => {
    const between: Link[] = [];
    for (const link of chain.slice(i + 1)) {
      if (multiplies(link)) {
        const found = multiplies(before) && alone(before, tensors) && alone(link, tensors);
        return found ? [{ before, between, after: link }] : [];
      }
      const passes = [...elementwise, ...channelwise, flatten];
      if (!isOneOf(link.layer, passes) && !idle(link, tensors)) return [];
      between.push(link);
    }
    return [];
  });
}

/** What some layers of a chain make of an input. */
function run(links: readonly Link[], x: Tensor, tensors: Tensors): Tensor {
  const layers = sequential(links.map(({ layer }) => named(layer, undefined)));
  const model = buildModel(layers, { inputShape: x.shape.slice(1), dtype: x.floatType });
  const own: Tensors = new Map();
  links.forEach(({ path }, i) => {
    for (const name of namesAt(path, tensors)) {
      own.set(name.replace(join(path, ""), join(String(i), "")), tensors.get(name)!);
    }
  });
  model.load(own);
  return noGrad(() => model.forward(x));
}

/** Some entries of a tensor along an axis. */
function pick(x: Tensor, axis: number, entries: readonly number[]): Tensor {
  const order = [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)];
  const back = x.shape.map((_, i) => order.indexOf(i));
  const index = Tensor.from(Int32Array.from(entries), [entries.length]);
  return noGrad(() => x.transpose(order).take(index).transpose(back));
}

/** The rows `[rows, ...]` of a tensor that are nothing but zeros. */
function zeroRows(x: Tensor): boolean[] {
  const width = x.size / x.shape[0];
  const row = (i: number) => x.floats.subarray(i * width, (i + 1) * width);
  return Array.from({ length: x.shape[0] }, (_, i) => row(i).every((value) => value === 0));
}

/**
 * What entries that are always the same add to each output of a product; null where it differs from place to place, as it
 * does where padding meets them, and where a variant stands at the weight.
 */
function addedBy(entries: Tensor, { layer, path, inputShape }: Link, tensors: Tensors): Tensor | null {
  const name = `model/${join(path, "bias")}`;
  const bias = tensors.get(name);
  if (bias === undefined || (layer.options as { weight?: unknown }).weight !== undefined) return null;
  const unbiased = new Map(tensors).set(name, Tensor.zeros(bias.shape, bias.dtype));
  const found = run([{ layer, path, inputShape }], entries, unbiased).reshape([bias.size, -1]);
  const [low, high] = [found.min(1), found.max(1)];
  const same = high.sub(low).floats.every((width, unit) => width <= 1e-5 * Math.abs(high.floats[unit]));
  return same ? high : null;
}

/**
 * The units between two products that can go: those that nothing behind uses, those that give zeros to what is behind
 * whatever the input, and those that always give the same numbers, where these can be added to the bias behind, which is
 * overwritten.
 */
function unitsToGo({ before, between, after }: Pair, tensors: Tensors): boolean[] {
  const [into, out] = [before, after].map(({ path }) => tensors.get(`model/${join(path, "weight")}`)!);
  const units = into.shape[0];
  const columns = noGrad(() => out.transpose([1, 0, ...out.shape.map((_, i) => i).slice(2)]).reshape([units, -1]));
  const go = zeroRows(columns);
  const constant = zeroRows(into).map((zero, unit) => zero && !go[unit]);
  if (!constant.some((is) => is)) return go;
  // Units without weights say the same whatever the input is.
  const said = run([before, ...between], Tensor.zeros([1, ...before.inputShape], into.dtype as "float32"), tensors);
  const rows = said.reshape([units, -1]);
  const silent = zeroRows(rows);
  const speaking = constant.map((is, unit) => is && !silent[unit]);
  constant.forEach((is, unit) => go[unit] ||= is && silent[unit]);
  // A layer has at least one unit, which must not be told twice.
  if (speaking.every((is, unit) => is || go[unit])) speaking[speaking.lastIndexOf(true)] = false;
  if (!speaking.some((is) => is)) return go;
  const alone = rows.mask(Tensor.from(speaking.map(Number), [units, 1], rows.dtype)).reshape(said.shape);
  const added = addedBy(alone, after, tensors);
  if (added === null) return go;
  const name = `model/${join(after.path, "bias")}`;
  tensors.set(name, tensors.get(name)!.add(added));
  return go.map((is, unit) => is || speaking[unit]);
}

/**
 * Takes units out between two products of a model, if there are any to go.
 *
 * @param model the model as it is
 * @param tensors its tensors, which are overwritten
 * @returns the path of the product that lost units, and how many it has now; null where there are none to go
 */
export function shrinkOnce(model: Model, tensors: Tensors): { path: string; option: string; units: number } | null {
  for (const pair of chainsOf(model).flatMap((chain) => pairsOf(chain, tensors))) {
    const { before, between, after } = pair;
    const go = noGrad(() => unitsToGo(pair, tensors));
    if (go.every((is) => is)) go[0] = false; // a layer has at least one unit
    const stay = go.flatMap((is, unit) => is ? [] : [unit]);
    const units = go.length;
    if (stay.length === units) continue;
    for (const link of [before, ...between]) {
      for (const name of namesAt(link.path, tensors)) tensors.set(name, pick(tensors.get(name)!, 0, stay));
    }
    const weight = `model/${join(after.path, "weight")}`;
    const each = tensors.get(weight)!.shape[1] / units; // entries that stand for one unit, behind a flatten
    const columns = stay.flatMap((unit) => Array.from({ length: each }, (_, i) => unit * each + i));
    tensors.set(weight, pick(tensors.get(weight)!, 1, columns));
    return { path: before.path, option: is(before.layer, dense) ? "units" : "channels", units: stay.length };
  }
  return null;
}
