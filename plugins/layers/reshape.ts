/** Another shape for the same numbers. @module */
import { z } from "zod";
import { definePlugin, type Factory, type Shape, ShapeError, showShape, sizeOf, type Tensor } from "../../core/mod.ts";

/** Options of {@linkcode reshape}. */
export interface ReshapeOptions {
  /** Shape of an example afterwards, without the batch axis: extents of at least 1, one of which may be -1 for the rest. */
  shape: Shape;
}

const extent = "expected a whole number of at least 1, or -1 for one extent";

function reshaped(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((size, extent) => extent === -1 ? size : size * extent, 1);
  const size = sizeOf(x.shape.slice(1));
  const rest = shape.includes(-1) ? size / known : 1;
  if (known * rest !== size || !Number.isInteger(rest)) {
    throw new ShapeError(
      `expected examples whose numbers fill ${showShape(shape)}, found ${size} numbers of shape ` +
        `${showShape(x.shape.slice(1))}.`,
    );
  }
  return x.reshape([x.shape[0], ...shape.map((extent) => extent === -1 ? rest : extent)]);
}

/**
 * `[batch, ...]` to `[batch, ...shape]`: the same numbers in the same order. `reshape([1, 28, 28])` makes images of rows
 * of 784 pixels, `reshape([-1, 8])` sequences of 8 features.
 *
 * @example
 * ```ts
 * import { buildModel, reshape, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(reshape([1, 2, -1]), { inputShape: [6] }).forward(Tensor.ones([4, 6])).shape, [4, 1, 2, 3]);
 * ```
 */
export const reshape: Factory<"layer", ReshapeOptions, ["shape"]> = definePlugin({
  name: "reshape",
  summary: "[batch, ...] to [batch, ...shape]; one extent may be -1.",
  options: z.object({
    shape: z.array(z.int(extent).refine((value) => value >= 1 || value === -1, extent), "expected a list of extents")
      .refine((shape) => shape.filter((value) => value === -1).length <= 1, "expected -1 for at most one extent")
      .readonly().describe("shape of an example afterwards"),
  }),
  positional: ["shape"],
  cases: [{ shape: [-1] }],
  forward: (x, { options }) => reshaped(x, options.shape),
  moments: ({ mean, variance }, { options }) => ({
    mean: reshaped(mean, options.shape),
    variance: reshaped(variance, options.shape),
  }),
});
