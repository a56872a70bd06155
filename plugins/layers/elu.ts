/**
 * The activation `elu`.
 *
 * Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)", ICLR
 * 2016, equation (15).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode elu}. */
export interface EluOptions {
  /** Minus the value that large negative inputs tend to, any finite number. Default 1. */
  alpha?: number;
}

/**
 * `x` where x > 0, else `alpha (e^x - 1)`, elementwise.
 *
 * @example
 * ```ts
 * import { buildModel, elu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(elu({ alpha: 2 }), { inputShape: [2] });
 * assertEquals(model.forward(Tensor.of([[-Infinity, 3]])).toArray(), [[-2, 3]]);
 * ```
 */
export const elu: Factory<"layer", EluOptions> = definePlugin({
  name: "elu",
  summary: "x where positive, an exponential towards -alpha elsewhere.",
  paper: {
    authors: "Clevert, Unterthiner, Hochreiter",
    year: 2016,
    title: "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)",
    url: "https://arxiv.org/abs/1511.07289",
  },
  options: z.object({
    alpha: z.number("expected a number").default(1).describe("minus the value that large negative inputs tend to"),
  }),
  forward: (x, { options }) => x.elu(options.alpha),
});
