/**
 * Feature alpha dropout: alpha dropout of whole channels.
 *
 * Klambauer, Unterthiner, Mayr, Hochreiter, "Self-Normalizing Neural Networks", NIPS 2017, section "New Dropout Technique",
 * whose units are whole channels here, as in Tompson et al., "Efficient Object Localization Using Convolutional Networks",
 * CVPR 2015: dropped channels become alpha' = -lambda alpha everywhere, and all pass through `a y + b` with
 * `a = (q + alpha'^2 q (1 - q))^(-1/2)`, `b = -a (1 - q) alpha'` and keep probability q = 1 - rate.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";
import { alphaMask } from "./_alpha.ts";
import { axesOfChannels } from "./_axes.ts";

/** Options of {@linkcode featureAlphaDropout}. */
export interface FeatureAlphaDropoutOptions {
  /** Probability of dropping a channel, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /**
   * Where the channels are. `first`: `[batch, channels, ...]`, images. `last`: `[batch, ..., channels]`, such as sequences
   * `[batch, time, features]`. Default `first`.
   */
  channels?: "first" | "last";
}

/**
 * Sets channels of `[batch, channels, ...]` to the least value of a SELU at random, anew for every example, then scales and
 * shifts all, so that an input of mean 0 and variance 1 keeps both. In training and in mode `sample`; evaluation is the
 * identity. A rate of 0 is the identity. At a rate of 1 the output is 0, which is what a dropped channel tends to, and so
 * are the gradients. An input without an axis beside batch and channels is refused.
 *
 * When: in convolutional networks of SELUs, where neighbouring pixels are too alike for single units to be missed.
 * Cost: one decision for each channel and example; no memory.
 *
 * @example
 * ```ts
 * import { buildModel, featureAlphaDropout, Key, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(featureAlphaDropout({ rate: 0.5 }), { inputShape: [8, 3, 3], seed: 1 });
 * const y = model.forward(Tensor.normal([1, 8, 3, 3], Key.seed(2).at("x")), { mode: "train", step: 0 });
 * const spread = y.max([2, 3]).sub(y.min([2, 3])).floats; // a dropped channel is the same number everywhere
 * assertEquals(spread.some((value) => value === 0), true);
 * ```
 */
export const featureAlphaDropout: Factory<"activation", FeatureAlphaDropoutOptions> = definePlugin({
  name: "feature-alpha-dropout",
  summary: "Drops whole channels to the least value of a SELU and keeps mean and variance.",
  paper: {
    authors: "Klambauer, Unterthiner, Mayr, Hochreiter",
    year: 2017,
    title: "Self-Normalizing Neural Networks",
    url: "https://arxiv.org/abs/1706.02515",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a channel, in [0, 1]"),
    channels: z.enum(["first", "last"]).default("first").describe("where the channels are"),
  }),
  activation: {
    mask: ({ key, options: { rate, channels } }, { shape }) =>
      alphaMask({ key, rate, share: axesOfChannels(shape, channels, "alphaDropout") }),
  },
  claims: { moments: "kept", eval: "identity" },
  cases: [{}, { channels: "last" }],
});
