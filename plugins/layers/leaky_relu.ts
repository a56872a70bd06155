/**
 * The activation `leakyRelu`.
 *
 * Maas, Hannun, Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML 2013 workshop, equation (2).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { rectifiedMoments } from "./_rectified_moments.ts";

/** Options of {@linkcode leakyRelu}. */
export interface LeakyReluOptions {
  /** The slope below 0, any finite number. Default 0.01. */
  negativeSlope?: number;
}

/**
 * `x` where x > 0, else `negativeSlope x`, elementwise.
 *
 * @example
 * ```ts
 * import { buildModel, leakyRelu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(leakyRelu({ negativeSlope: 0.5 }), { inputShape: [2] });
 * assertEquals(model.forward(Tensor.of([[-1, 2]])).toArray(), [[-0.5, 2]]);
 * ```
 */
export const leakyRelu: Factory<"layer", LeakyReluOptions> = definePlugin({
  name: "leaky-relu",
  summary: "x where positive, a fraction of it elsewhere.",
  paper: {
    authors: "Maas, Hannun, Ng",
    year: 2013,
    title: "Rectifier Nonlinearities Improve Neural Network Acoustic Models",
  },
  options: z.object({
    negativeSlope: z.number("expected a number").default(0.01).describe("the slope below 0"),
  }),
  forward: (x, { options }) => x.leakyRelu(options.negativeSlope),
  moments: (x, { options }) => rectifiedMoments(x, options.negativeSlope),
});
