/** Softmax and cross-entropy along rows. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, flag, input, labels, optionalInput, output, size } from "./parameters.ts";
import * as twins from "./reference/softmax.ts";

/** What cross-entropy is taken of; see {@linkcode Backend.crossEntropy}. */
export interface CrossEntropyShape {
  /** Number of rows (examples). */
  readonly rows: number;
  /** Number of columns (classes). */
  readonly cols: number;
  /** Label smoothing in [0, 1]. */
  readonly smoothing: number;
  /** Rows with this label count nothing; null when there is none. */
  readonly ignore: number | null;
}

const elements = ["rows", "cols"];

/** Softmax or its logarithm along rows. */
export const softmax: Kernel<typeof twins.softmax> = defineKernel({
  name: "softmax",
  parameters: [input("x", elements), output("out", elements), size("rows"), size("cols"), flag("log")],
  twin: twins.softmax,
});

/** Gradient of softmax or its logarithm from its output `y`. */
export const softmaxGradient: Kernel<typeof twins.softmaxGradient> = defineKernel({
  name: "softmaxGradient",
  parameters: [
    input("y", elements),
    input("dy", elements),
    output("dx", elements, { mayBe: ["dy"] }),
    size("rows"),
    size("cols"),
    flag("log"),
  ],
  twin: twins.softmaxGradient,
});

/**
 * Cross-entropy of softmax(logits) for each row, and its gradient towards the logits, in one pass.
 * With class weights w, smoothing s and label y: `-(1 - s) w[y] log p[y] - s / cols sum_c w[c] log p[c]`.
 */
export const crossEntropy: Kernel<typeof twins.crossEntropy> = defineKernel({
  name: "crossEntropy",
  parameters: [
    input("logits", elements),
    labels("labels", ["rows"]),
    optionalInput("weights", ["cols"]),
    output("losses", ["rows"]),
    output("gradient", elements),
    block<CrossEntropyShape>("shape", {
      rows: field.size(),
      cols: field.size(),
      smoothing: field.number,
      ignore: field.optional,
    }),
  ],
  twin: twins.crossEntropy,
});
