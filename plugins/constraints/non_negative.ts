/** Non-negative weights. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/**
 * Sets weights below 0 to 0, and leaves all others exactly as they are: the projection onto the weights that are at least 0.
 *
 * When: where inputs may only add to a unit, as in parts-based or monotone models.
 * Cost: one pass over the weight after each update.
 *
 * @example
 * ```ts
 * import { dense, nonNegative } from "@thinned/dropout";
 *
 * dense(800, { constraint: nonNegative() });
 * ```
 */
export const nonNegative: Factory<"constraint", Record<never, never>> = definePlugin({
  name: "non-negative",
  summary: "Keeps weights at 0 or above.",
  options: z.object({}),
  project: (weight) => weight.assign(weight.maximum(0)),
});
