/** Mean of each window over volumes. @module */
import { z } from "zod";
import { averagePool, definePlugin, type Factory } from "../../core/mod.ts";
import { type AveragePoolOptions, countPaddingField, poolFields, poolWindow } from "./_pooling.ts";

/** Options of {@linkcode averagePool3d}. */
export type AveragePool3dOptions = AveragePoolOptions;

/**
 * Mean of each window, channel by channel. Input `[batch, channels, depth, height, width]`, output the same with
 * floor((extent + padding - kernel) / stride) + 1 places along each axis.
 *
 * @example
 * ```ts
 * import { buildModel, averagePool3d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(averagePool3d(3, { stride: 2, padding: 1 }), { inputShape: [3, 8, 8, 8] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 8, 8, 8])).shape, [2, 3, 4, 4, 4]);
 * ```
 */
export const averagePool3d: Factory<"layer", AveragePool3dOptions, ["kernel"]> = definePlugin({
  name: "average-pool3d",
  summary: "Mean of each window over volumes.",
  options: z.object({ ...poolFields(3), countPadding: countPaddingField }),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward: (x, { options }) => averagePool(x, poolWindow(x, options, 3), options.countPadding),
});
