/** The activation `relu`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { rectifiedMoments } from "./_rectified_moments.ts";

/**
 * Max(x, 0), elementwise. Behind a dense layer it is fused into it.
 *
 * @example
 * ```ts
 * import { buildModel, relu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(relu(), { inputShape: [2] }).forward(Tensor.of([[-1, 2]])).shape, [1, 2]);
 * ```
 */
export const relu: Factory<"layer", Record<never, never>> = definePlugin({
  name: "relu",
  summary: "Max(x, 0), elementwise.",
  options: z.object({}),
  epilogue: "relu",
  forward: (x) => x.relu(),
  moments: (x) => rectifiedMoments(x, 0),
});
