/** Mean of each window over sequences. @module */
import { z } from "zod";
import { averagePool, definePlugin, type Factory } from "../../core/mod.ts";
import { type AveragePoolOptions, countPaddingField, poolFields, poolWindow } from "./_pooling.ts";

/** Options of {@linkcode averagePool1d}. */
export type AveragePool1dOptions = AveragePoolOptions;

/**
 * Mean of each window, channel by channel. Input `[batch, channels, length]`, output the same with
 * floor((extent + padding - kernel) / stride) + 1 places along each axis.
 *
 * @example
 * ```ts
 * import { buildModel, averagePool1d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(averagePool1d(3, { stride: 2, padding: 1 }), { inputShape: [3, 16] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 16])).shape, [2, 3, 8]);
 * ```
 */
export const averagePool1d: Factory<"layer", AveragePool1dOptions, ["kernel"]> = definePlugin({
  name: "average-pool1d",
  summary: "Mean of each window over sequences.",
  options: z.object({ ...poolFields(1), countPadding: countPaddingField }),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward: (x, { options }) => averagePool(x, poolWindow(x, options, 1), options.countPadding),
});
