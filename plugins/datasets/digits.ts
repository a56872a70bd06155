/** Handwritten-looking digits that need no download. @module */
import { z } from "zod";
import { definePlugin, type Factory, Key } from "../../core/mod.ts";
import { DIGITS, drawDigits, SIDE } from "./_digit_images.ts";

/** Options of {@linkcode digits}. */
export interface DigitsOptions {
  /** Number of training images, in [1, 1000000]. Default 1000. */
  train?: number;
  /** Number of test images, in [1, 1000000]. Default 10000. */
  test?: number;
  /** Which images are drawn: a whole number in [0, 2^53). Default 0. */
  seed?: number;
  /** How far shape and place are distorted, in [0, 2]; 0 leaves only size, style and pen to chance. Default 1. */
  distortion?: number;
  /** Probability of each of three stray lines and one erasure in an image, in [0, 1]. Default 0.3. */
  clutter?: number;
  /** Standard deviation of the noise of each pixel before it is cut to [0, 1], in [0, 1]. Default 0.1. */
  noise?: number;
  /** Whether an image is `[784]` (true) or `[1, 28, 28]` (false), as convolutions take it. Default true. */
  flatten?: boolean;
}

const count = (expected = "expected a whole number in [1, 1000000]") =>
  z.int(expected).min(1, expected).max(1_000_000, expected);
const within = (max: number, expected = `expected a number in [0, ${max}]`) =>
  z.number(expected).min(0, expected).max(max, expected);

/**
 * Images of the digits 0 to 9, drawn as pen strokes by this library: several styles of each digit, distorted, with
 * stray lines and noise. A small training part and a large test part: a network without dropout learns the training
 * images by heart and does clearly worse on the test images than one with dropout.
 *
 * Inputs: 784 bytes, 28 rows of 28 pixels (or `[1, 28, 28]`), multiplied by 1/255 to lie in [0, 1]; ink is bright. Labels: 0 to 9, with
 * every digit once in each ten images. Image i of a part depends on i and the options, but not on the number of images.
 *
 * @example
 * ```ts
 * import { digits, loadDataset } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 20, test: 10, seed: 1 }));
 * assertEquals(data.train.inputs.length, 20 * 784);
 * assertEquals(data.train.labels!.slice(0, 10).toSorted(), Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
 * ```
 */
export const digits: Factory<"dataset", DigitsOptions> = definePlugin({
  name: "digits",
  summary: "Images of handwritten-looking digits, drawn by this library: 28x28 grey pixels, ten classes.",
  options: z.object({
    train: count().default(1000).describe("images to train on"),
    test: count().default(10000).describe("images to test on"),
    seed: z.int("expected a whole number in [0, 2^53)").min(0, "expected a whole number in [0, 2^53)").default(0)
      .describe("which images are drawn"),
    distortion: within(2).default(1).describe("how far shape and place are distorted"),
    clutter: within(1).default(0.3).describe("probability of each stray line and erasure"),
    noise: within(1).default(0.1).describe("standard deviation of the noise of each pixel"),
    flatten: z.boolean("expected true or false").default(true)
      .describe("whether an image is [784], not [1, 28, 28]"),
  }),
  load({ options }) {
    const key = Key.seed(options.seed).at("digits");
    const shape = options.flatten ? [SIDE * SIDE] : [1, SIDE, SIDE];
    return {
      name: "digits",
      classes: DIGITS,
      outputs: 0,
      image: [1, SIDE, SIDE],
      train: drawDigits(key.at("train"), options.train, options, shape),
      test: drawDigits(key.at("test"), options.test, options, shape),
    };
  },
});
