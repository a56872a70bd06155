/** Normalisations as nodes. @module */
import { type AnyFactory, type OnnxValue, Tensor } from "../../../core/mod.ts";
import { batchNorm } from "../../layers/batch_norm.ts";
import { groupNorm } from "../../layers/group_norm.ts";
import { layerNorm } from "../../layers/layer_norm.ts";
import { layerScale } from "../../layers/layer_scale.ts";
import { localResponseNorm } from "../../layers/local_response_norm.ts";
import { rmsNorm } from "../../layers/rms_norm.ts";
import type { OnnxPart, Site } from "./_site.ts";

/** As many equal numbers. */
function filled(site: Site, count: number, value: number): OnnxValue {
  return site.constant(Array<number>(count).fill(value));
}

const batchNormPart: OnnxPart = (x, site: Site<{ epsilon: number }>) => {
  const { params, state, options: { epsilon } } = site;
  const channels = state.mean.size;
  return site.op("BatchNormalization", [
    x,
    params.weight === undefined ? filled(site, channels, 1) : site.constant(params.weight),
    params.bias === undefined ? filled(site, channels, 0) : site.constant(params.bias),
    site.constant(state.mean),
    site.constant(state.variance),
  ], { attributes: { epsilon: { float: epsilon } } });
};

const layerNormPart: OnnxPart = (x, site: Site<{ axes: number; epsilon: number }>) => {
  const { params, options: { axes, epsilon } } = site;
  const trailing = x.shape.slice(-axes);
  const ones = () => {
    if (!trailing.every((extent) => typeof extent === "number")) site.refuse("the axes that it normalises are open");
    return site.constant(Tensor.ones(trailing as number[]));
  };
  return site.op("LayerNormalization", [
    x,
    params.weight === undefined ? ones() : site.constant(params.weight),
    params.bias === undefined ? null : site.constant(params.bias),
  ], { attributes: { axis: -axes, epsilon: { float: epsilon } } });
};

const groupNormPart: OnnxPart = (x, site: Site<{ groups: number; epsilon: number }>) => {
  const { params, options: { groups, epsilon } } = site;
  const flat = site.op("Reshape", [x, site.constant([0, groups, -1], "int64")], {
    shape: [x.shape[0], groups, site.unknown()],
  });
  const normal = site.op("InstanceNormalization", [flat, filled(site, groups, 1), filled(site, groups, 0)], {
    attributes: { epsilon: { float: epsilon } },
  });
  const extents = site.op("Shape", [x], { shape: [x.shape.length], type: "int64" });
  const y = site.op("Reshape", [normal, extents], { shape: x.shape });
  if (params.weight === undefined) return y;
  const perChannel = (part: Tensor) =>
    site.constant(part.detach().reshape([part.size, ...x.shape.slice(2).map(() => 1)]));
  return site.op("Add", [site.op("Mul", [y, perChannel(params.weight)]), perChannel(params.bias)]);
};

const localResponsePart: OnnxPart = (
  x,
  site: Site<{ size: number; alpha: number; beta: number; k: number }>,
) => {
  const { size, alpha, beta, k } = site.options;
  const channels = x.shape[1] as number;
  const list = (values: readonly number[]) => site.constant(values, "int64");
  const [before, after] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
  const none = x.shape.slice(2).map(() => 0);
  // The operator LRN has the longer side of an even window elsewhere, and only images.
  const padded = site.op("Pad", [site.op("Mul", [x, x]), list([0, before, ...none, 0, after, ...none])], {
    shape: [x.shape[0], channels + size - 1, ...x.shape.slice(2)],
  });
  const parts = Array.from(
    { length: size },
    (_, i) => site.op("Slice", [padded, list([i]), list([i + channels]), list([1])], { shape: x.shape }),
  );
  const sum = site.op("Mul", [site.op("Sum", parts), site.constant(alpha / size)]);
  const power = site.op("Pow", [site.op("Add", [sum, site.constant(k)]), site.constant(beta)]);
  return site.op("Div", [x, power]);
};

const rmsNormPart: OnnxPart = (x, site: Site<{ epsilon: number }>) => {
  const { params, options: { epsilon } } = site;
  const square = site.op("ReduceMean", [site.op("Mul", [x, x])], {
    attributes: { axes: [-1], keepdims: 1 },
    shape: [...x.shape.slice(0, -1), 1],
  });
  const root = site.op("Sqrt", [site.op("Add", [square, site.constant(epsilon)])]);
  const y = site.op("Div", [x, root]);
  return params.weight === undefined ? y : site.op("Mul", [y, site.constant(params.weight)]);
};

const layerScalePart: OnnxPart = (x, site: Site<{ features: "last" | "first" }>) => {
  const { params: { weight }, options: { features } } = site;
  const ones = x.shape.slice(2).map(() => 1);
  const factors = features === "last" ? weight : weight.detach().reshape([weight.size, ...ones]);
  return site.op("Mul", [x, site.constant(factors)]);
};

/** Normalisations, and factors of features. */
export const normalizations: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [batchNorm, batchNormPart],
  [layerNorm, layerNormPart],
  [groupNorm, groupNormPart],
  [localResponseNorm, localResponsePart],
  [rmsNorm, rmsNormPart],
  [layerScale, layerScalePart],
];
