/**
 * Spatial dropout: whole channels are dropped.
 *
 * Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient Object Localization Using Convolutional Networks", CVPR 2015,
 * section 3.2: neighbouring pixels are so alike that dropping them singly takes nothing away.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";
import { axesOfChannels } from "./_axes.ts";

/** Options of {@linkcode spatialDropout}. */
export interface SpatialDropoutOptions {
  /** Probability of dropping a channel, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /**
   * Where the channels are. `first`: `[batch, channels, ...]`, images. `last`: `[batch, ..., channels]`, such as sequences
   * `[batch, time, features]`. Default `first`.
   */
  channels?: "first" | "last";
  /** Who shares a draw: nobody, each `example` has its own (default), or the whole `batch`. */
  share?: "example" | "batch";
  /** How many consecutive examples share a draw, at least 1. Default 1. */
  group?: number;
}

/**
 * Zeroes channels of `[batch, channels, ...]` at random, anew for every example, and divides the others by the keep
 * probability; also known as Dropout1d, Dropout2d and Dropout3d. In training and in mode `sample`; evaluation is the
 * identity. A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: between convolutions, where neighbouring pixels would make up for a dropped one.
 * Cost: one draw for each channel and one pass over the entries; no memory for the mask. Nothing at evaluation.
 *
 * @example
 * ```ts
 * import { buildModel, spatialDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(spatialDropout({ rate: 0.5 }), { inputShape: [16, 3, 3], seed: 1 });
 * const y = model.forward(Tensor.ones([2, 16, 3, 3]), { mode: "train", step: 0 });
 * const sums = y.sum([2, 3]).floats; // each channel is gone or doubled as a whole
 * assertEquals(new Set(sums), new Set([0, 18]));
 * ```
 */
export const spatialDropout: Factory<"activation", SpatialDropoutOptions> = definePlugin({
  name: "spatial-dropout",
  summary: "Zeroes whole channels at random in training.",
  paper: {
    authors: "Tompson, Goroshin, Jain, LeCun, Bregler",
    year: 2015,
    title: "Efficient Object Localization Using Convolutional Networks",
    url: "https://arxiv.org/abs/1411.4280",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a channel, in [0, 1]"),
    channels: z.enum(["first", "last"]).default("first").describe("where the channels are"),
    share: z.enum(["example", "batch"]).default("example").describe("who shares a draw"),
    group: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(1)
      .describe("how many consecutive examples share a draw"),
  }),
  activation: {
    mask: ({ key, options: { rate, channels, share, group } }, { shape }) => ({
      key,
      rate,
      share: [...(share === "batch" ? [0] : []), ...axesOfChannels(shape, channels, "dropout")],
      group,
    }),
  },
  claims: ({ share }) => ({
    mean: "kept",
    variance: "multiplicative",
    eval: "identity",
    draw: share === "batch" ? "batch" : "sample",
  }),
  cases: [{}, { channels: "last" }, { share: "batch" }, { group: 4 }],
});
