/** Images moved by a few pixels. @module */
import { z } from "zod";
import { definePlugin, type Factory, Tensor } from "../../core/mod.ts";
import { below, extentsOf, fillSchema, type ImageOption, imageSchema, move, wholeFrom } from "./_image.ts";

/** Options of {@linkcode shift}. */
export interface ShiftOptions extends ImageOption {
  /** Most pixels up or down, a whole number of at least 0. Default 2. */
  rows?: number;
  /** Most pixels to the left or right, a whole number of at least 0. Default 2. */
  columns?: number;
  /** Value of the pixels that come from outside, as the data set's inputs are scaled. Default 0. */
  fill?: number;
}

/**
 * Moves each image of a training batch by a whole number of pixels, uniform in [-rows, rows] and [-columns, columns].
 * Inputs `[batch, channels, height, width]`, or flat with the option `image`.
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, fit, sgd, shift } from "@thinned/dropout";
 *
 * await fit(dense(10), {
 *   data: digits({ train: 100, test: 100 }), loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1 }), epochs: 1,
 *   augment: [shift({ image: [1, 28, 28] })],
 * });
 * ```
 */
export const shift: Factory<"augmentation", ShiftOptions> = definePlugin({
  name: "shift",
  summary: "Moves each training image by a few pixels.",
  module: import.meta.url,
  options: z.object({
    rows: wholeFrom(0).default(2).describe("most pixels up or down"),
    columns: wholeFrom(0).default(2).describe("most pixels to the left or right"),
    fill: fillSchema,
    image: imageSchema,
  }),
  augment(batch, { options, key }) {
    const { rows, columns, fill } = options;
    const extents = extentsOf("shift", batch, options);
    const draws = Tensor.uniform([batch.count, 2], key).floats;
    const offset = (i: number) =>
      [below(2 * rows + 1, draws[2 * i]) - rows, below(2 * columns + 1, draws[2 * i + 1]) - columns] as const;
    move(batch, extents, offset, "constant", fill);
  },
});
