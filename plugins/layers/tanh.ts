/** The activation `tanh`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { logisticMoments } from "./_logistic_moments.ts";

/**
 * The hyperbolic tangent, elementwise. Behind a dense layer it is fused into it.
 *
 * @example
 * ```ts
 * import { buildModel, tanh, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(tanh(), { inputShape: [2] }).forward(Tensor.of([[-1, 2]])).shape, [1, 2]);
 * ```
 */
export const tanh: Factory<"layer", Record<never, never>> = definePlugin({
  name: "tanh",
  summary: "The hyperbolic tangent, elementwise.",
  options: z.object({}),
  epilogue: "tanh",
  forward: (x) => x.tanh(),
  moments({ mean, variance }) {
    // tanh(x) = 2 sigmoid(2 x) - 1.
    const logistic = logisticMoments({ mean: mean.mul(2), variance: variance.mul(4) });
    return { mean: logistic.mean.mul(2).sub(1), variance: logistic.variance.mul(4) };
  },
});
