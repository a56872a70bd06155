/** The activation `sigmoid`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { logisticMoments } from "./_logistic_moments.ts";

/**
 * 1 / (1 + e^-x), elementwise. Behind a dense layer it is fused into it.
 *
 * @example
 * ```ts
 * import { buildModel, sigmoid, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(sigmoid(), { inputShape: [2] }).forward(Tensor.of([[-1, 2]])).shape, [1, 2]);
 * ```
 */
export const sigmoid: Factory<"layer", Record<never, never>> = definePlugin({
  name: "sigmoid",
  summary: "1 / (1 + e^-x), elementwise.",
  options: z.object({}),
  epilogue: "sigmoid",
  forward: (x) => x.sigmoid(),
  moments: logisticMoments,
});
