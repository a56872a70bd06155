/**
 * An image cut into a sequence.
 *
 * Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021, section 3.1.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, type Tensor } from "../../core/mod.ts";

/** Options of {@linkcode patches}. */
export interface PatchesOptions {
  /** Height and width of a patch, at least 1; must divide those of the image. */
  size: number;
}

function cut(x: Tensor, size: number): Tensor {
  const [batch, channels, height, width] = x.shape;
  if (x.rank !== 4 || height % size !== 0 || width % size !== 0) {
    throw new ShapeError(
      `patches: expected an input [batch, channels, height, width] whose height and width are multiples of ${size}, ` +
        `found ${showShape(x.shape)}.`,
    );
  }
  const [rows, columns] = [height / size, width / size];
  return x.reshape([batch, channels, rows, size, columns, size]).transpose([0, 2, 4, 1, 3, 5])
    .reshape([batch, rows * columns, channels * size * size]);
}

/**
 * Cuts images into patches, row by row: `[batch, channels, height, width]` to `[batch, patches, channels size size]`. Behind
 * it, `dense(features)` is the linear projection of a vision transformer.
 *
 * @example
 * ```ts
 * import { buildModel, patches, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(patches(2), { inputShape: [1, 2, 4] });
 * const image = Tensor.of([[[[1, 2, 3, 4], [5, 6, 7, 8]]]]);
 * assertEquals(model.forward(image).toArray(), [[[1, 2, 5, 6], [3, 4, 7, 8]]]);
 * ```
 */
export const patches: Factory<"layer", PatchesOptions, ["size"]> = definePlugin({
  name: "patches",
  summary: "Cuts images into a sequence of patches.",
  paper: {
    authors:
      "Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, Unterthiner, Dehghani, Minderer, Heigold, Gelly, Uszkoreit, Houlsby",
    year: 2021,
    title: "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    url: "https://arxiv.org/abs/2010.11929",
  },
  options: z.object({
    size: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1")
      .describe("height and width of a patch"),
  }),
  positional: ["size"],
  forward: (x, { options: { size } }) => cut(x, size),
  moments: ({ mean, variance }, { options: { size } }) => ({ mean: cut(mean, size), variance: cut(variance, size) }),
});
