/** Layers with weights as nodes: dense layers, convolutions, maxout, tables. @module */
import type { AnyFactory, OnnxExtent, OnnxMultiply, OnnxValue, Tensor } from "../../../core/mod.ts";
import { eachAxis, type Extents, type Padding, paddingOf } from "../../layers/_window.ts";
import { conv1d } from "../../layers/conv1d.ts";
import { conv2d } from "../../layers/conv2d.ts";
import { conv3d } from "../../layers/conv3d.ts";
import { dense } from "../../layers/dense.ts";
import { embedding } from "../../layers/embedding.ts";
import { maxout } from "../../layers/maxout.ts";
import type { OnnxPart, Site } from "./_site.ts";

/** A matrix with its last two axes exchanged. */
export function transposed(site: Site, x: OnnxValue): OnnxValue {
  const perm = x.shape.map((_, axis) => axis);
  const last = perm.length - 1;
  [perm[last - 1], perm[last]] = [last, last - 1];
  return site.op("Transpose", [x], { attributes: { perm }, shape: perm.map((axis) => x.shape[axis]) });
}

/** `x W^T + b` over the last axis; a weight for each example has one more axis in front, and so has its bias. */
export function affineOf(site: Site): OnnxMultiply {
  return (x, weight, bias) => {
    const own = weight.shape.length === 3;
    const units = weight.shape[weight.shape.length - 2];
    if (x.shape.length === 2 && !own) {
      return site.op("Gemm", [x, weight, bias], { attributes: { transB: 1 }, shape: [x.shape[0], units] });
    }
    // A weight of its own meets an example's rows; one of features alone is a single row.
    const rows = own && x.shape.length === 2 ? beside(site, x, 1) : x;
    const y = site.op("MatMul", [rows, transposed(site, weight)], { shape: [...rows.shape.slice(0, -1), units] });
    const ownBias = bias !== null && bias.shape.length === 2 ? beside(site, bias, 1) : bias;
    const sum = ownBias === null ? y : site.op("Add", [y, ownBias]);
    if (rows === x) return sum;
    return site.op("Squeeze", [sum, site.constant([1], "int64")], { shape: [x.shape[0], units] });
  };
}

/** A value with another axis of extent 1. */
export function beside(site: Site, x: OnnxValue, axis: number): OnnxValue {
  const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
  return site.op("Unsqueeze", [x, site.constant([axis], "int64")], { shape });
}

/** How a window moves. */
export interface WindowOptions {
  readonly kernel: Extents;
  readonly stride?: Extents;
  readonly padding: Padding;
  readonly dilation?: Extents;
}

/** A window's attributes, and the extents of what it moves over into. */
export function windowOf(
  site: Site,
  x: OnnxValue,
  { kernel, stride, padding, dilation = 1 }: WindowOptions,
): { attributes: Record<string, readonly number[]>; extents: OnnxExtent[]; pads: (readonly [number, number])[] } {
  const places = x.shape.slice(2);
  const axes = places.length;
  const [size, step, apart] = [kernel, stride ?? kernel, dilation].map((extents) => eachAxis(extents, axes));
  const known = places.every((extent) => typeof extent === "number");
  if (!known && padding === "same") {
    site.refuse('padding "same" depends on extents that are open; build the model with a fixed input shape');
  }
  const pads = paddingOf(padding, known ? places as number[] : places.map(() => 0), size, step, apart);
  const extents = places.map((extent, axis) => {
    if (typeof extent !== "number") return site.unknown();
    const [before, after] = pads[axis];
    return Math.floor((extent + before + after - apart[axis] * (size[axis] - 1) - 1) / step[axis]) + 1;
  });
  const attributes = {
    kernel_shape: size,
    strides: step,
    pads: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)],
    ...(apart.every((extent) => extent === 1) ? {} : { dilations: apart }),
  };
  return { attributes, extents, pads };
}

const convolution: OnnxPart = (x, site: Site<WindowOptions & { groups: number }>) => {
  const { options, params } = site;
  const { attributes, extents } = windowOf(site, x, { ...options, stride: options.stride ?? 1 });
  return site.product("weight", x, params.weight, params.bias ?? null, (x, weight, bias) => {
    if (weight.shape.length > x.shape.length) {
      site.refuse("a weight for each example of a convolution has no operator in ONNX");
    }
    return site.op("Conv", [x, weight, bias], {
      attributes: { ...attributes, group: options.groups },
      shape: [x.shape[0], weight.shape[0], ...extents],
    });
  });
};

const maxoutPart: OnnxPart = (x, site: Site<{ units: number; pieces: number }>) => {
  const { options: { units, pieces }, params } = site;
  const all = site.product("weight", x, params.weight, params.bias, affineOf(site));
  const apart = site.op("Reshape", [all, site.constant([0, units, pieces], "int64")], {
    shape: [x.shape[0], units, pieces],
  });
  return site.op("ReduceMax", [apart], { attributes: { axes: [2], keepdims: 0 }, shape: [x.shape[0], units] });
};

const embeddingPart: OnnxPart = (x, site: Site<{ padding?: number }>) => {
  const { padding } = site.options;
  const indices = site.op("Cast", [x], { attributes: { to: 7 }, type: "int64" });
  const rows = site.embedding("embedding", site.weight("weight", site.params.weight), indices);
  if (padding === undefined) return rows;
  const is = site.op("Equal", [indices, site.constant(padding, "int64")], { type: "bool" });
  return site.op("Where", [beside(site, is, x.shape.length), site.constant(0), rows], {
    shape: rows.shape,
    type: rows.type,
  });
};

/** Layers with weights. */
export const products: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [
    dense,
    (x, site) => site.product("weight", x, site.params.weight, bias(site), affineOf(site)),
  ],
  [conv1d, convolution],
  [conv2d, convolution],
  [conv3d, convolution],
  [maxout, maxoutPart],
  [embedding, embeddingPart],
];

function bias({ params }: Site): Tensor | null {
  return params.bias ?? null;
}
