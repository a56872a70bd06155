/**
 * Local response normalisation.
 *
 * Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012, section
 * 3.3, in PyTorch's form, where alpha is divided by the number of channels that are summed.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, localResponse } from "../../core/mod.ts";

/** Options of {@linkcode localResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Number of neighbouring channels that are summed, at least 1. */
  size: number;
  /** Factor of their mean square, at least 0. Default 1e-4. */
  alpha?: number;
  /** Exponent, at least 0. Default 0.75. */
  beta?: number;
  /** Added to the mean square, above 0. Default 1. */
  k?: number;
}

/**
 * `y_c = x_c / (k + alpha / size * sum of x_j^2)^beta` over channels j from `c - floor(size / 2)` to
 * `c + floor((size - 1) / 2)`, as far as they exist. Input `[batch, channels, ...]`, output the same. AlexNet's
 * constants are `{ size: 5, alpha: 5e-4, beta: 0.75, k: 2 }` in this form.
 *
 * @example
 * ```ts
 * import { buildModel, localResponseNorm, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(localResponseNorm(5), { inputShape: [8, 4, 4] });
 * assertEquals(model.forward(Tensor.ones([2, 8, 4, 4])).shape, [2, 8, 4, 4]);
 * ```
 */
export const localResponseNorm: Factory<"layer", LocalResponseNormOptions, ["size"]> = definePlugin({
  name: "local-response-norm",
  summary: "Divides by a power of the neighbouring channels' mean square.",
  paper: {
    authors: "Krizhevsky, Sutskever, Hinton",
    year: 2012,
    title: "ImageNet Classification with Deep Convolutional Neural Networks",
    url: "https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
  },
  options: z.object({
    size: z.int().min(1, "expected a whole number of at least 1").describe("number of channels that are summed"),
    alpha: z.number().min(0, "expected a number of at least 0").default(1e-4).describe("factor of their mean square"),
    beta: z.number().min(0, "expected a number of at least 0").default(0.75).describe("exponent"),
    k: z.number().positive("expected a number above 0").default(1).describe("added to the mean square"),
  }),
  positional: ["size"],
  cases: [{ size: 3 }],
  forward: (x, { options }) => localResponse(x, options),
});
