/** Largest entry of each window over volumes. @module */
import { z } from "zod";
import { definePlugin, type Factory, maxPool } from "../../core/mod.ts";
import { poolFields, type PoolOptions, poolWindow } from "./_pooling.ts";

/** Options of {@linkcode maxPool3d}. */
export type MaxPool3dOptions = PoolOptions;

/**
 * Largest entry of each window, channel by channel. Input `[batch, channels, depth, height, width]`, output the same
 * with floor((extent + padding - kernel) / stride) + 1 places along each axis. Padding never wins; the gradient goes
 * to the first among equals.
 *
 * @example
 * ```ts
 * import { buildModel, maxPool3d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(maxPool3d(3, { stride: 2, padding: 1 }), { inputShape: [3, 8, 8, 8] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 8, 8, 8])).shape, [2, 3, 4, 4, 4]);
 * ```
 */
export const maxPool3d: Factory<"layer", MaxPool3dOptions, ["kernel"]> = definePlugin({
  name: "max-pool3d",
  summary: "Largest entry of each window over volumes.",
  options: z.object(poolFields(3)),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward: (x, { options }) => maxPool(x, poolWindow(x, options, 3)),
});
