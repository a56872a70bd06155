/** Products whose weights are dropped for each example anew, by a bit for each connection of each example. @module */
import { defineKernel, type Kernel, type KernelSource, parameters } from "../../../core/mod.ts";
import text from "./drop_connect.c" with { type: "text" };
import * as twins from "./_twins.ts";

const { bits, block, draw, field, inout, input, output } = parameters;

const source: KernelSource = { file: "drop_connect.c", text };
const shape = block<twins.DropConnectShape>("shape", {
  batch: field.size(),
  rows: field.size(),
  inputs: field.size(),
  units: field.size(),
  threshold: field.size(0, 2 ** 32 - 1),
  bits: field.oneOf([16, 32]),
  scale: field.number,
  add: field.flag,
});
const x = ["batch", "rows", "inputs"];
const weight = ["units", "inputs"];
const y = ["batch", "rows", "units"];
const words: parameters.Length = ({ batch, inputs, units }) => batch * twins.wordsOf(units * inputs);
const masks = draw("draw", "batch", weight, { bits: "bits", threshold: "threshold" });

/**
 * A bit for each connection of each example, set iff it is kept. That of connection (u, i), the one at position
 * `u inputs + i` of the example's draw, is bit `u inputs + i` of the example's `wordsOf(units inputs)` words.
 */
export const dropConnectBits: Kernel<typeof twins.dropConnectBits> = defineKernel({
  name: "dropConnectBits",
  parameters: [bits("kept", words, "output"), masks, shape],
  twin: twins.dropConnectBits,
  source,
});

/**
 * `out[b, r, u] = sum_i kept(b, u, i) ? scale weight[u, i] x[b, r, i] : 0`, for `x: [batch, rows, inputs]` and
 * `weight: [units, inputs]`.
 */
export const dropConnectProduct: Kernel<typeof twins.dropConnect> = defineKernel({
  name: "dropConnect",
  parameters: [input("x", x), input("weight", weight), output("out", y), bits("kept", words, "input"), shape],
  twin: twins.dropConnect,
  source,
});

/** Gradient of the above towards x. */
export const dropConnectInputGradient: Kernel<typeof twins.dropConnectInputGradient> = defineKernel({
  name: "dropConnectInputGradient",
  parameters: [input("weight", weight), input("dy", y), inout("dx", x), bits("kept", words, "input"), shape],
  twin: twins.dropConnectInputGradient,
  source,
});

/** Gradient of the above towards the weight. */
export const dropConnectWeightGradient: Kernel<typeof twins.dropConnectWeightGradient> = defineKernel({
  name: "dropConnectWeightGradient",
  parameters: [input("x", x), input("dy", y), inout("dWeight", weight), bits("kept", words, "input"), shape],
  twin: twins.dropConnectWeightGradient,
  source,
});
