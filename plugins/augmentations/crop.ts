/**
 * Images padded on all sides, and cut back to their size at a random place.
 *
 * He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, OptionError, Tensor } from "../../core/mod.ts";
import {
  below,
  extentsOf,
  fillSchema,
  type ImageOption,
  imageSchema,
  move,
  type PaddingMode,
  wholeFrom,
} from "./_image.ts";

/** Options of {@linkcode crop}. */
export interface CropOptions extends ImageOption {
  /** Pixels added on each side, a whole number of at least 0. Default 4. */
  padding?: number;
  /** What is added: one value, the border again, or the mirror image without the border. Default `constant`. */
  mode?: PaddingMode;
  /** The value that is added in mode `constant`, as the data set's inputs are scaled. Default 0. */
  fill?: number;
}

/**
 * Pads each image of a training batch by `padding` pixels on each side, and takes from it, at a place drawn uniformly,
 * an image of the old size. Inputs `[batch, channels, height, width]`, or flat with the option `image`.
 *
 * @example
 * ```ts ignore
 * import { cifar10, crop, fit, flip } from "@thinned/dropout";
 *
 * await fit(model, { data: cifar10({ standardize: true }), augment: [crop(), flip()], ...settings });
 * ```
 */
export const crop: Factory<"augmentation", CropOptions> = definePlugin({
  name: "crop",
  summary: "Pads each training image and cuts it back to its size at a random place.",
  paper: {
    authors: "He, Zhang, Ren, Sun",
    year: 2016,
    title: "Deep Residual Learning for Image Recognition",
    url: "https://arxiv.org/abs/1512.03385",
  },
  module: import.meta.url,
  options: z.object({
    padding: wholeFrom(0).default(4).describe("pixels added on each side"),
    mode: z.enum(["constant", "edge", "reflect"]).default("constant").describe("what is added"),
    fill: fillSchema,
    image: imageSchema,
  }),
  augment(batch, { options, key }) {
    const { padding, mode, fill } = options;
    const extents = extentsOf("crop", batch, options);
    const least = Math.min(extents.height, extents.width);
    if (mode === "reflect" && padding >= least) {
      throw new OptionError("crop.padding", `a whole number below ${least}, the image's extent, to reflect`, padding);
    }
    const draws = Tensor.uniform([batch.count, 2], key).floats;
    const place = (uniform: number) => below(2 * padding + 1, uniform) - padding;
    move(batch, extents, (i) => [place(draws[2 * i]), place(draws[2 * i + 1])], mode, fill);
  },
});
