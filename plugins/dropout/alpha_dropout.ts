/**
 * Alpha dropout, for networks of SELUs: keeps the mean and the variance of its input.
 *
 * Klambauer, Unterthiner, Mayr, Hochreiter, "Self-Normalizing Neural Networks", NIPS 2017, section "New Dropout
 * Technique": dropped units become alpha' = -lambda alpha, the least value of a SELU, and all units pass through `a y + b`
 * with `a = (q + alpha'^2 q (1 - q))^(-1/2)`, `b = -a (1 - q) alpha'` and keep probability q = 1 - rate.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";
import { type AxisName, axisNameSchema, sharedAxes } from "./_axes.ts";
import { alphaMask } from "./_alpha.ts";

/** Options of {@linkcode alphaDropout}. */
export interface AlphaDropoutOptions {
  /** Probability of dropping a unit, in [0, 1], or a schedule. The paper uses 0.05 and 0.1. Default 0.5. */
  rate?: Scheduled;
  /**
   * Axes along which one draw is shared, by name or number. `["height", "width"]` drops whole channels of images, as
   * `featureAlphaDropout` does.
   */
  share?: readonly (AxisName | number)[];
}

/**
 * Sets units to the least value of a SELU at random, then scales and shifts all, so that an input of mean 0 and variance 1
 * keeps both. In training and in mode `sample`; evaluation is the identity. A rate of 0 is the identity. At a rate of 1 the
 * output is 0, which is what a dropped unit tends to as the rate goes to 1, and so are the gradients.
 *
 * When: nets of SELUs, which rely on mean 0 and variance 1; elsewhere plain dropout.
 * Cost: one pass over the entries; the mask is drawn again for the gradient, not stored. Nothing at evaluation.
 *
 * @example
 * ```ts
 * import { alphaDropout, buildModel, dense, selu, sequential } from "@thinned/dropout";
 *
 * const block = () => [dense(256, { initializer: "lecun-normal" }), selu(), alphaDropout({ rate: 0.05 })];
 * buildModel(sequential([...block(), ...block(), dense(10)]), { inputShape: [64] });
 * ```
 */
export const alphaDropout: Factory<"activation", AlphaDropoutOptions> = definePlugin({
  name: "alpha-dropout",
  summary: "Drops units to the least value of a SELU and keeps mean and variance.",
  paper: {
    authors: "Klambauer, Unterthiner, Mayr, Hochreiter",
    year: 2017,
    title: "Self-Normalizing Neural Networks",
    url: "https://arxiv.org/abs/1706.02515",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a unit, in [0, 1]"),
    share: z.array(axisNameSchema).readonly().default([]).describe("axes along which one draw is shared"),
  }),
  activation: {
    mask({ key, options: { rate, share } }, { shape }) {
      return alphaMask({ key, rate, share: sharedAxes(share, shape) });
    },
  },
  claims: { moments: "kept", eval: "identity" },
});
