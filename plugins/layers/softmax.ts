/** The activation `softmax`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode softmax}. */
export interface SoftmaxOptions {
  /** The axis it runs along; negative ones count from the end, and 0 is the batch. Default -1. */
  axis?: number;
}

/**
 * `e^(x_i) / sum_j e^(x_j)` along an axis. `crossEntropy` has it built in and wants none before it.
 *
 * @example
 * ```ts
 * import { buildModel, softmax, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const y = buildModel(softmax(), { inputShape: [2] }).forward(Tensor.of([[3, 3]]));
 * assertEquals(y.toArray(), [[0.5, 0.5]]);
 * ```
 */
export const softmax: Factory<"layer", SoftmaxOptions> = definePlugin({
  name: "softmax",
  summary: "Softmax along an axis.",
  options: z.object({ axis: z.int("expected a whole number").default(-1).describe("the axis it runs along") }),
  forward: (x, { options }) => x.softmax(options.axis),
});
