/**
 * The activation `silu`.
 *
 * Elfwing, Uchibe, Doya, "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement
 * Learning", Neural Networks 107 (2018), equation (2); also known as swish.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/**
 * `x sigmoid(x)`, elementwise; also known as swish.
 *
 * @example
 * ```ts
 * import { buildModel, silu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(silu(), { inputShape: [2] }).forward(Tensor.of([[0, 0]])).toArray(), [[0, 0]]);
 * ```
 */
export const silu: Factory<"layer", Record<never, never>> = definePlugin({
  name: "silu",
  summary: "x sigmoid(x), elementwise.",
  paper: {
    authors: "Elfwing, Uchibe, Doya",
    year: 2018,
    title: "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement Learning",
    url: "https://arxiv.org/abs/1702.03118",
  },
  options: z.object({}),
  forward: (x) => x.silu(),
});
