/** Mean of each window over images. @module */
import { z } from "zod";
import { averagePool, definePlugin, type Factory } from "../../core/mod.ts";
import { type AveragePoolOptions, countPaddingField, poolFields, poolWindow } from "./_pooling.ts";

/** Options of {@linkcode averagePool2d}. */
export type AveragePool2dOptions = AveragePoolOptions;

/**
 * Mean of each window, channel by channel. Input `[batch, channels, height, width]`, output the same with
 * floor((extent + padding - kernel) / stride) + 1 places along each axis.
 *
 * @example
 * ```ts
 * import { buildModel, averagePool2d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(averagePool2d(3, { stride: 2, padding: 1 }), { inputShape: [3, 16, 16] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 16, 16])).shape, [2, 3, 8, 8]);
 * ```
 */
export const averagePool2d: Factory<"layer", AveragePool2dOptions, ["kernel"]> = definePlugin({
  name: "average-pool2d",
  summary: "Mean of each window over images.",
  options: z.object({ ...poolFields(2), countPadding: countPaddingField }),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward: (x, { options }) => averagePool(x, poolWindow(x, options, 2), options.countPadding),
});
