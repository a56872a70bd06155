/** Tokens, patches and steps as nodes. @module */
import type { AnyFactory } from "../../../core/mod.ts";
import { classToken } from "../../layers/class_token.ts";
import { patches } from "../../layers/patches.ts";
import { pickStep } from "../../layers/pick_step.ts";
import type { OnnxPart, Site } from "./_site.ts";
import { joined } from "./_structure.ts";

const classTokenPart: OnnxPart = (x, site) => {
  const features = site.params.weight.size;
  const list = (values: readonly number[]) => site.constant(values, "int64");
  const extents = site.op("Shape", [x], { shape: [3], type: "int64" });
  const count = site.op("Slice", [extents, list([0]), list([1]), list([0])], { shape: [1] });
  const shape = site.op("Concat", [count, list([1, features])], { attributes: { axis: 0 }, shape: [3] });
  const token = site.op("Expand", [site.constant(site.params.weight), shape], { shape: [x.shape[0], 1, features] });
  return joined(site, [token, x], 1);
};

const pickStepPart: OnnxPart = (x, site: Site<{ step: number }>) =>
  site.op("Gather", [x, site.constant(site.options.step, "int64")], {
    attributes: { axis: 1 },
    shape: [x.shape[0], x.shape[2]],
  });

const patchesPart: OnnxPart = (x, site: Site<{ size: number }>) => {
  const [batch, ...extents] = x.shape;
  if (!extents.every((extent) => typeof extent === "number")) site.refuse("the extents of the image are open");
  const [channels, height, width] = extents as number[];
  const { size } = site.options;
  const [rows, columns] = [height / size, width / size];
  const list = (values: readonly number[]) => site.constant(values, "int64");
  const cut = site.op("Reshape", [x, list([0, channels, rows, size, columns, size])], {
    shape: [batch, channels, rows, size, columns, size],
  });
  const turned = site.op("Transpose", [cut], {
    attributes: { perm: [0, 2, 4, 1, 3, 5] },
    shape: [batch, rows, columns, channels, size, size],
  });
  const shape = [rows * columns, channels * size * size];
  return site.op("Reshape", [turned, list([0, ...shape])], { shape: [batch, ...shape] });
};

/** Layers around transformers. */
export const tokens: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [classToken, classTokenPart],
  [patches, patchesPart],
  [pickStep, pickStepPart],
];
