/** Largest entry of each window over images. @module */
import { z } from "zod";
import { definePlugin, type Factory, maxPool } from "../../core/mod.ts";
import { poolFields, type PoolOptions, poolWindow } from "./_pooling.ts";

/** Options of {@linkcode maxPool2d}. */
export type MaxPool2dOptions = PoolOptions;

/**
 * Largest entry of each window, channel by channel. Input `[batch, channels, height, width]`, output the same with
 * floor((extent + padding - kernel) / stride) + 1 places along each axis. Padding never wins; the gradient goes to the
 * first among equals.
 *
 * @example
 * ```ts
 * import { buildModel, maxPool2d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(maxPool2d(3, { stride: 2, padding: 1 }), { inputShape: [3, 16, 16] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 16, 16])).shape, [2, 3, 8, 8]);
 * ```
 */
export const maxPool2d: Factory<"layer", MaxPool2dOptions, ["kernel"]> = definePlugin({
  name: "max-pool2d",
  summary: "Largest entry of each window over images.",
  options: z.object(poolFields(2)),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward: (x, { options }) => maxPool(x, poolWindow(x, options, 2)),
});
