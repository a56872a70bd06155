/** Images turned into their mirror images. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../core/mod.ts";
import { extentsOf, type ImageOption, imageSchema } from "./_image.ts";

/** Options of {@linkcode flip}. */
export interface FlipOptions extends ImageOption {
  /** Which way: left and right change places, or top and bottom. Default `horizontal`. */
  axis?: "horizontal" | "vertical";
  /** Probability of each image to be flipped, in [0, 1]. Default 0.5. */
  probability?: number;
}

/**
 * Flips each image of a training batch with a probability. Inputs `[batch, channels, height, width]`, or flat with the
 * option `image`.
 *
 * @example
 * ```ts
 * import { flip, Key } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { definition, options } = flip({ probability: 1 });
 * const inputs = Float32Array.of(1, 2, 3, 4, 5, 6);
 * const batch = { count: 1, shape: [1, 2, 3], inputs, labels: Int32Array.of(0), targets: null, width: 0 };
 * definition.augment!(batch, { options, key: Key.seed(1) });
 * assertEquals([...inputs], [3, 2, 1, 6, 5, 4]);
 * ```
 */
export const flip: Factory<"augmentation", FlipOptions> = definePlugin({
  name: "flip",
  summary: "Turns training images into their mirror images with a probability.",
  module: import.meta.url,
  options: z.object({
    axis: z.enum(["horizontal", "vertical"]).default("horizontal").describe("which way"),
    probability: rateSchema.default(0.5).describe("of each image to be flipped"),
    image: imageSchema,
  }),
  augment(batch, { options, key }) {
    const { channels, height, width } = extentsOf("flip", batch, options);
    const { count, inputs } = batch;
    const draws = Tensor.uniform([count, 1], key).floats;
    const size = channels * height * width;
    // Runs of neighbours that are turned round: rows of columns, or planes of whole rows.
    const [runs, length, step] = options.axis === "horizontal"
      ? [channels * height, width, 1]
      : [channels, height, width];
    for (let example = 0; example < count; example++) {
      if (draws[example] >= options.probability) continue;
      for (let run = 0; run < runs; run++) {
        const start = example * size + run * length * step;
        for (let i = 0, j = length - 1; i < j; i++, j--) {
          for (let k = 0; k < step; k++) {
            const a = start + i * step + k;
            const b = start + j * step + k;
            [inputs[a], inputs[b]] = [inputs[b], inputs[a]];
          }
        }
      }
    }
  },
});
