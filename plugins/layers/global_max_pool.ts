/** Largest entry of each channel over all its places. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { globalPoolFields, type GlobalPoolOptions, overPlaces } from "./_global.ts";

/** Options of {@linkcode globalMaxPool}. */
export type GlobalMaxPoolOptions = GlobalPoolOptions;

/**
 * Largest entry of each channel over all its places. Input `[batch, channels, ...places]` with at least one axis of
 * places, output `[batch, channels]`. Equal entries share the gradient.
 *
 * @example
 * ```ts
 * import { buildModel, globalMaxPool, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(globalMaxPool(), { inputShape: [3, 4, 4] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 4, 4])).toArray(), [[1, 1, 1], [1, 1, 1]]);
 * ```
 */
export const globalMaxPool: Factory<"layer", GlobalMaxPoolOptions> = definePlugin({
  name: "global-max-pool",
  summary: "Largest entry of each channel over all its places.",
  options: z.object(globalPoolFields),
  forward: (x, { options }) => overPlaces(x, options.keepAxes, (rows) => rows.max(2)),
});
