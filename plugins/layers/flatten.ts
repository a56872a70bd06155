/** Flattening to one axis of features. @module */
import { z } from "zod";
import { definePlugin, type Factory, type Tensor } from "../../core/mod.ts";

function flat(x: Tensor): Tensor {
  return x.reshape([x.shape[0], x.shape.slice(1).reduce((size, extent) => size * extent, 1)]);
}

/**
 * `[batch, ...]` to `[batch, features]`.
 *
 * @example
 * ```ts
 * import { buildModel, flatten, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(flatten(), { inputShape: [1, 2, 3] }).forward(Tensor.ones([4, 1, 2, 3])).shape, [4, 6]);
 * ```
 */
export const flatten: Factory<"layer", Record<never, never>> = definePlugin({
  name: "flatten",
  summary: "[batch, ...] to [batch, features].",
  options: z.object({}),
  forward: flat,
  moments: ({ mean, variance }) => ({ mean: flat(mean), variance: flat(variance) }),
});
