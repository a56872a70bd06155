/**
 * A square of each image blotted out.
 *
 * DeVries, Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../core/mod.ts";
import { below, extentsOf, fillSchema, type ImageOption, imageSchema, wholeFrom } from "./_image.ts";

/** Options of {@linkcode cutout}. */
export interface CutoutOptions extends ImageOption {
  /** Side of the square in pixels, a whole number of at least 0. Default 16, the paper's for CIFAR-10. */
  size?: number;
  /** Probability of each image to lose a square, in [0, 1]. Default 1. */
  probability?: number;
  /** Value inside the square, as the data set's inputs are scaled. Default 0. */
  fill?: number;
}

/**
 * Sets a square of each image of a training batch to one value, in all channels. The square's centre is drawn uniformly
 * from the image's pixels, so that part of it may lie outside. Inputs `[batch, channels, height, width]`, or flat with
 * the option `image`.
 *
 * @example
 * ```ts ignore
 * import { cifar10, crop, cutout, fit, flip } from "@thinned/dropout";
 *
 * const augment = [crop(), flip(), cutout({ size: 16 })];
 * await fit(model, { data: cifar10({ standardize: true }), augment, ...settings });
 * ```
 */
export const cutout: Factory<"augmentation", CutoutOptions> = definePlugin({
  name: "cutout",
  summary: "Blots out a square of each training image.",
  paper: {
    authors: "DeVries, Taylor",
    year: 2017,
    title: "Improved Regularization of Convolutional Neural Networks with Cutout",
    url: "https://arxiv.org/abs/1708.04552",
  },
  module: import.meta.url,
  options: z.object({
    size: wholeFrom(0).default(16).describe("side of the square in pixels"),
    probability: rateSchema.default(1).describe("of each image to lose a square"),
    fill: fillSchema,
    image: imageSchema,
  }),
  augment(batch, { options, key }) {
    const { channels, height, width } = extentsOf("cutout", batch, options);
    const { size, probability, fill } = options;
    const draws = Tensor.uniform([batch.count, 3], key).floats;
    const half = Math.floor(size / 2);
    for (let example = 0; example < batch.count; example++) {
      const [row, column, chance] = draws.subarray(3 * example, 3 * example + 3);
      if (chance >= probability) continue;
      const top = below(height, row) - half;
      const left = below(width, column) - half;
      const [from, to] = [Math.max(left, 0), Math.min(left + size, width)];
      for (let channel = 0; channel < channels; channel++) {
        for (let y = Math.max(top, 0); y < Math.min(top + size, height); y++) {
          const line = ((example * channels + channel) * height + y) * width;
          batch.inputs.fill(fill, line + from, line + Math.max(to, from));
        }
      }
    }
  },
});
