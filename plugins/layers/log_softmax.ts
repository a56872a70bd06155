/** The activation `logSoftmax`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode logSoftmax}. */
export interface LogSoftmaxOptions {
  /** The axis it runs along; negative ones count from the end, and 0 is the batch. Default -1. */
  axis?: number;
}

/**
 * `x_i - log sum_j e^(x_j)` along an axis. `crossEntropy` has it built in and wants none before it.
 *
 * @example
 * ```ts
 * import { buildModel, logSoftmax, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const y = buildModel(logSoftmax(), { inputShape: [2] }).forward(Tensor.of([[3, 3]]));
 * assertEquals(y.toArray(), [[Math.log(0.5), Math.log(0.5)]].map((row) => row.map(Math.fround)));
 * ```
 */
export const logSoftmax: Factory<"layer", LogSoftmaxOptions> = definePlugin({
  name: "log-softmax",
  summary: "The logarithm of softmax along an axis.",
  options: z.object({ axis: z.int("expected a whole number").default(-1).describe("the axis it runs along") }),
  forward: (x, { options }) => x.logSoftmax(options.axis),
});
