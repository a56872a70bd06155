/** The activation `softplus`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/**
 * `log(1 + e^x)`, elementwise: a smooth `relu` that is always above 0.
 *
 * @example
 * ```ts
 * import { buildModel, softplus, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(softplus(), { inputShape: [2] }).forward(Tensor.of([[0, 0]])).toArray(), [[Math.fround(Math.LN2), Math.fround(Math.LN2)]]);
 * ```
 */
export const softplus: Factory<"layer", Record<never, never>> = definePlugin({
  name: "softplus",
  summary: "log(1 + e^x), elementwise.",
  options: z.object({}),
  forward: (x) => x.softplus(),
});
