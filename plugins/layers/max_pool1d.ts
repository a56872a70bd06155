/** Largest entry of each window over sequences. @module */
import { z } from "zod";
import { definePlugin, type Factory, maxPool } from "../../core/mod.ts";
import { poolFields, type PoolOptions, poolWindow } from "./_pooling.ts";

/** Options of {@linkcode maxPool1d}. */
export type MaxPool1dOptions = PoolOptions;

/**
 * Largest entry of each window, channel by channel. Input `[batch, channels, length]`, output the same with
 * floor((extent + padding - kernel) / stride) + 1 places along each axis. Padding never wins; the gradient goes to the
 * first among equals.
 *
 * @example
 * ```ts
 * import { buildModel, maxPool1d, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(maxPool1d(3, { stride: 2, padding: 1 }), { inputShape: [3, 16] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 16])).shape, [2, 3, 8]);
 * ```
 */
export const maxPool1d: Factory<"layer", MaxPool1dOptions, ["kernel"]> = definePlugin({
  name: "max-pool1d",
  summary: "Largest entry of each window over sequences.",
  options: z.object(poolFields(1)),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward: (x, { options }) => maxPool(x, poolWindow(x, options, 1)),
});
