/**
 * The activation `gelu`.
 *
 * Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, section 2.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode gelu}. */
export interface GeluOptions {
  /** `none`: exact, by the error function. `tanh`: the paper's approximation, as in GPT-2 and BERT. Default `none`. */
  approximate?: "none" | "tanh";
}

/**
 * `x Phi(x)` with the normal distribution function Phi, or `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`,
 * elementwise.
 *
 * @example
 * ```ts
 * import { buildModel, gelu, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const y = buildModel(gelu({ approximate: "tanh" }), { inputShape: [1] }).forward(Tensor.of([[1]]));
 * assertAlmostEquals(y.item(), 0.8412, 1e-4);
 * ```
 */
export const gelu: Factory<"layer", GeluOptions> = definePlugin({
  name: "gelu",
  summary: "x Phi(x), elementwise.",
  paper: {
    authors: "Hendrycks, Gimpel",
    year: 2016,
    title: "Gaussian Error Linear Units (GELUs)",
    url: "https://arxiv.org/abs/1606.08415",
  },
  options: z.object({
    approximate: z.enum(["none", "tanh"]).default("none").describe("exact, or the paper's approximation by tanh"),
  }),
  forward: (x, { options }) => x.gelu(options.approximate),
});
