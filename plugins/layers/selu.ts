/**
 * The activation `selu`.
 *
 * Klambauer, Unterthiner, Mayr, Hochreiter, "Self-Normalizing Neural Networks", NIPS 2017, equation (2).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/**
 * `1.0507 x` where x > 0, else `1.7581 (e^x - 1)`, elementwise: keeps activations near mean 0 and variance 1. Begin its
 * weights with `lecun-normal`, and drop with `alphaDropout`.
 *
 * @example
 * ```ts
 * import { buildModel, selu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(selu(), { inputShape: [2] }).forward(Tensor.of([[0, 0]])).toArray(), [[0, 0]]);
 * ```
 */
export const selu: Factory<"layer", Record<never, never>> = definePlugin({
  name: "selu",
  summary: "ELU scaled so that activations keep mean 0 and variance 1.",
  paper: {
    authors: "Klambauer, Unterthiner, Mayr, Hochreiter",
    year: 2017,
    title: "Self-Normalizing Neural Networks",
    url: "https://arxiv.org/abs/1706.02515",
  },
  options: z.object({}),
  forward: (x) => x.selu(),
});
