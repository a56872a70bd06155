/** Products whose weights are dropped for each example anew, without masks in memory. @module */
import { defineKernel, type Kernel, type KernelSource, parameters } from "../../../core/mod.ts";
import text from "./drop_connect.c" with { type: "text" };
import * as twins from "./_twins.ts";

const { block, draw, field, input, output } = parameters;

const source: KernelSource = { file: "drop_connect.c", text };
const shape = block<twins.DropConnectShape>("shape", {
  batch: field.size(),
  rows: field.size(),
  inputs: field.size(),
  units: field.size(),
  threshold: field.size(0, 2 ** 32 - 1),
  bits: field.oneOf([16, 32]),
  scale: field.number,
});
const x = ["batch", "rows", "inputs"];
const weight = ["units", "inputs"];
const y = ["batch", "rows", "units"];
const masks = draw("draw", "batch", weight, { bits: "bits", threshold: "threshold" });

/**
 * `out[b, r, u] = sum_i kept(b, u, i) ? scale weight[u, i] x[b, r, i] : 0`, for `x: [batch, rows, inputs]` and
 * `weight: [units, inputs]`. Connection (u, i) of example b stands at position `u inputs + i` of row b.
 */
export const dropConnectProduct: Kernel<typeof twins.dropConnect> = defineKernel({
  name: "dropConnect",
  parameters: [input("x", x), input("weight", weight), output("out", y), masks, shape],
  twin: twins.dropConnect,
  source,
});

/** Gradient of the above towards x. */
export const dropConnectInputGradient: Kernel<typeof twins.dropConnectInputGradient> = defineKernel({
  name: "dropConnectInputGradient",
  parameters: [input("weight", weight), input("dy", y), output("dx", x), masks, shape],
  twin: twins.dropConnectInputGradient,
  source,
});

/** Gradient of the above towards the weight. */
export const dropConnectWeightGradient: Kernel<typeof twins.dropConnectWeightGradient> = defineKernel({
  name: "dropConnectWeightGradient",
  parameters: [input("x", x), input("dy", y), output("dWeight", weight), masks, shape],
  twin: twins.dropConnectWeightGradient,
  source,
});
