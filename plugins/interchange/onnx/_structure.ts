/** Layers that hand on, join or reshape, as nodes. @module */
import type { AnyFactory, LayerPlugin, OnnxExtent, OnnxValue } from "../../../core/mod.ts";
import { featureAxis } from "../../layers/_axis.ts";
import { sortNodes, type Wiring } from "../../layers/_graph_order.ts";
import { bypass } from "../../layers/bypass.ts";
import { concat } from "../../layers/concat.ts";
import { flatten } from "../../layers/flatten.ts";
import { graph } from "../../layers/graph.ts";
import { merge } from "../../layers/merge.ts";
import { parallel } from "../../layers/parallel.ts";
import { repeat } from "../../layers/repeat.ts";
import { reshape } from "../../layers/reshape.ts";
import { residual } from "../../layers/residual.ts";
import { select } from "../../layers/select.ts";
import { sequential } from "../../layers/sequential.ts";
import { batch } from "./_graph.ts";
import type { OnnxPart, Site } from "./_site.ts";

/** The shape of two values that stretch to each other. */
export function broadcast(a: readonly OnnxExtent[], b: readonly OnnxExtent[]): OnnxExtent[] {
  const rank = Math.max(a.length, b.length);
  const from = (shape: readonly OnnxExtent[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => from(a, axis) === 1 ? from(b, axis) : from(a, axis));
}

/** One elementwise operator over several values. */
function fold(site: Site, type: string, values: readonly OnnxValue[]): OnnxValue {
  return values.reduce((a, b) => site.op(type, [a, b], { shape: broadcast(a.shape, b.shape) }));
}

/** The product of extents; a name where one of them is none that is known. */
export function sizeOf(site: Site, shape: readonly OnnxExtent[]): OnnxExtent {
  const known = shape.every((extent) => typeof extent === "number");
  return known ? (shape as number[]).reduce((size, extent) => size * extent, 1) : site.unknown();
}

/** Values joined along an axis. */
export function joined(site: Site, values: readonly OnnxValue[], axis: number): OnnxValue {
  const at = axis < 0 ? axis + values[0].shape.length : axis;
  const shape = values[0].shape.map((extent, i) => {
    if (i !== at) return extent;
    return values.every((value) => typeof value.shape[at] === "number")
      ? values.reduce((sum, value) => sum + (value.shape[at] as number), 0)
      : site.unknown();
  });
  return site.op("Concat", values, { attributes: { axis: at }, shape });
}

function names(layers: readonly LayerPlugin[]): string[] {
  return layers.map((layer, i) => layer.name ?? String(i));
}

const sequentialPart: OnnxPart = (x, site: Site<{ layers: readonly LayerPlugin[] }>) => {
  const { layers } = site.options;
  const [rest, all] = [site.inputs.slice(1), names(layers)];
  let y = x;
  for (let i = 0; i < layers.length; i++) {
    // As in the forward pass: a variant that takes the product may act behind the activation that follows.
    const next = layers[i + 1]?.definition.epilogue;
    const fused = layers[i].definition.fuses === true && next !== undefined;
    y = site.run(all[i], [y, ...rest], { epilogue: fused ? next : "none" });
    if (fused) i++;
  }
  return y;
};

const repeatPart: OnnxPart = (x, site: Site<{ times: number; share: boolean }>) => {
  const { times, share } = site.options;
  let y = x;
  for (let i = 0; i < times; i++) y = site.run(share ? "0" : String(i), [y, ...site.inputs.slice(1)]);
  return y;
};

const residualPart: OnnxPart = (x, site) => {
  const shortcut = site.has("projection") ? site.run("projection", x) : x;
  const added = site.branch("branch", () => site.run("block", site.inputs));
  return added === null ? shortcut : site.op("Add", [shortcut, added]);
};

const bypassPart: OnnxPart = (x, site) => {
  if (!site.has("branch")) return site.run("block", site.inputs);
  let output: OnnxValue | undefined;
  let change: OnnxValue | undefined;
  const found = site.branch("branch", () => {
    output = site.run("block", site.inputs);
    return change = site.op("Sub", [output, x]);
  });
  if (found === null) return x;
  return found === change ? output! : site.op("Add", [x, found]);
};

const mergePart: OnnxPart = (x, site: Site<{ by: string; axis?: number }>) => {
  const { options: { by, axis }, inputs } = site;
  if (by === "concat") return joined(site, inputs, axis ?? featureAxis(x.shape.length));
  if (by === "multiply") return fold(site, "Mul", inputs);
  if (by === "max") return fold(site, "Max", inputs);
  const sum = fold(site, "Add", inputs);
  return by === "mean" ? site.op("Div", [sum, site.constant(inputs.length)]) : sum;
};

const graphPart: OnnxPart = (_x, site: Site<Wiring>) => {
  const { inputs, nodes, outputs } = site.options;
  const values = new Map<string, OnnxValue>(inputs.map((name, i) => [name, site.inputs[i]]));
  for (const name of sortNodes(site.options).order) {
    values.set(name, site.run(name, nodes[name].inputs.map((input) => values.get(input)!)));
  }
  for (const name of outputs) site.emit(name, values.get(name)!);
  return values.get(outputs[0])!;
};

const reshapePart: OnnxPart = (x, site: Site<{ shape: readonly number[] }>) => {
  const { shape } = site.options;
  const size = sizeOf(site, x.shape.slice(1));
  const known = shape.reduce((product, extent) => extent === -1 ? product : product * extent, 1);
  const rest = typeof size === "number" ? size / known : site.unknown();
  return site.op("Reshape", [x, site.constant([0, ...shape], "int64")], {
    shape: [batch, ...shape.map((extent) => extent === -1 ? rest : extent)],
  });
};

const selectPart: OnnxPart = (x, site: Site<{ from: number; to?: number }>) => {
  const axis = x.shape.length - 1;
  const { from, to = x.shape[axis] as number } = site.options;
  const list = (value: number) => site.constant([value], "int64");
  return site.op("Slice", [x, list(from), list(to), list(axis)], { shape: [...x.shape.slice(0, -1), to - from] });
};

/** Layers that hand on, join or reshape. */
export const structure: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [sequential, sequentialPart],
  [repeat, repeatPart],
  [residual, residualPart],
  [bypass, bypassPart],
  [graph, graphPart],
  [merge, mergePart],
  [reshape, reshapePart],
  [select, selectPart],
  [
    concat,
    (_x, site: Site<{ branches: readonly LayerPlugin[]; axis?: number }>) => {
      const outputs = names(site.options.branches).map((name) => site.run(name, site.inputs));
      return joined(site, outputs, site.options.axis ?? featureAxis(outputs[0].shape.length));
    },
  ],
  [
    parallel,
    (_x, site: Site<{ branches: readonly LayerPlugin[] }>) =>
      fold(site, "Add", names(site.options.branches).map((name) => site.run(name, site.inputs))),
  ],
  [
    flatten,
    (x, site) =>
      site.op("Flatten", [x], { attributes: { axis: 1 }, shape: [x.shape[0], sizeOf(site, x.shape.slice(1))] }),
  ],
];
