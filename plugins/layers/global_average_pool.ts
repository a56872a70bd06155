/** Mean of each channel over all its places. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { globalPoolFields, type GlobalPoolOptions, overPlaces } from "./_global.ts";

/** Options of {@linkcode globalAveragePool}. */
export type GlobalAveragePoolOptions = GlobalPoolOptions;

/**
 * Mean of each channel over all its places. Input `[batch, channels, ...places]` with at least one axis of places,
 * output `[batch, channels]`.
 *
 * @example
 * ```ts
 * import { buildModel, globalAveragePool, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(globalAveragePool(), { inputShape: [3, 4, 4] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 4, 4])).toArray(), [[1, 1, 1], [1, 1, 1]]);
 * ```
 */
export const globalAveragePool: Factory<"layer", GlobalAveragePoolOptions> = definePlugin({
  name: "global-average-pool",
  summary: "Mean of each channel over all its places.",
  options: z.object(globalPoolFields),
  forward: (x, { options }) => overPlaces(x, options.keepAxes, (rows) => rows.mean(2)),
});
