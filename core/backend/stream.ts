/** The draws of the earlier mapping, by the number of the first element. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, input, number, output, size, words } from "./parameters.ts";
import * as twins from "./reference/random_stream.ts";
import * as drop from "./reference/drop_connect.ts";

/**
 * Where a run of random numbers lies, as six 32-bit words: seed low, seed high, first element low, first element
 * high, step, site.
 */
export type Address = Uint32Array<ArrayBuffer>;

/** Products whose weights are dropped for each example anew; see {@linkcode Backend.dropConnect}. */
export interface DropConnectShape {
  /** Number of examples, each with a mask of its own. */
  readonly batch: number;
  /** Rows of an example, which share its mask. */
  readonly rows: number;
  /** Columns of x and of the weight. */
  readonly inputs: number;
  /** Rows of the weight, columns of the output. */
  readonly units: number;
  /** A connection is kept iff its random word is at least this. */
  readonly threshold: number;
  /** Factor of the connections that are kept. */
  readonly scale: number;
}

const threshold = size("threshold", { max: 2 ** 32 - 1 });

/** `out = kept ? x * scale : 0`. */
export const streamDropout: Kernel<typeof twins.dropout> = defineKernel({
  name: "streamDropout",
  parameters: [
    input("x", ["n"]),
    output("out", ["n"], { mayBe: ["x"] }),
    words("address", 6),
    threshold,
    number("scale"),
  ],
  twin: twins.dropout,
});

/** `out = kept ? value : 0`. */
export const streamBernoulli: Kernel<typeof twins.bernoulli> = defineKernel({
  name: "streamBernoulli",
  parameters: [output("out", ["n"]), words("address", 6), threshold, number("value")],
  twin: twins.bernoulli,
});

/** Uniform numbers. */
export const streamUniform: Kernel<typeof twins.uniform> = defineKernel({
  name: "streamUniform",
  parameters: [output("out", ["n"]), words("address", 6)],
  twin: twins.uniform,
});

/** Normal numbers. */
export const streamNormal: Kernel<typeof twins.normal> = defineKernel({
  name: "streamNormal",
  parameters: [output("out", ["n"]), words("address", 6)],
  twin: twins.normal,
});

const shape = block<DropConnectShape>("shape", {
  batch: field.size(),
  rows: field.size(),
  inputs: field.size(),
  units: field.size(),
  threshold: field.size(0, 2 ** 32 - 1),
  scale: field.number,
});
const x = ["batch", "rows", "inputs"];
const weight = ["units", "inputs"];
const y = ["batch", "rows", "units"];

/** Products whose weights are dropped for each example anew. */
export const dropConnect: Kernel<typeof drop.dropConnect> = defineKernel({
  name: "dropConnect",
  parameters: [input("x", x), input("weight", weight), output("out", y), words("address", 6), shape],
  twin: drop.dropConnect,
});

/** Gradient of the above towards x. */
export const dropConnectInputGradient: Kernel<typeof drop.dropConnectInputGradient> = defineKernel({
  name: "dropConnectInputGradient",
  parameters: [input("weight", weight), input("dy", y), output("dx", x), words("address", 6), shape],
  twin: drop.dropConnectInputGradient,
});

/** Gradient of the above towards the weight. */
export const dropConnectWeightGradient: Kernel<typeof drop.dropConnectWeightGradient> = defineKernel({
  name: "dropConnectWeightGradient",
  parameters: [input("x", x), input("dy", y), output("dWeight", weight), words("address", 6), shape],
  twin: drop.dropConnectWeightGradient,
});
