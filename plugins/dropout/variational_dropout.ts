/**
 * Variational dropout of sequences, also known as locked dropout: one mask for all time steps.
 *
 * Gal, Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", NIPS 2016, section 4: a
 * sequence's inputs (and outputs) lose the same features at every step; Merity, Keskar, Socher, "Regularizing and Optimizing
 * LSTM Language Models", ICLR 2018, section 4.1, put it between the layers: `y_t = x_t m / q` with `m ~ Bernoulli(q)` drawn
 * once for each sequence, keep probability q = 1 - rate.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode variationalDropout}. */
export interface VariationalDropoutOptions {
  /** Probability of dropping a feature for all of a sequence, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
}

/**
 * Zeroes features of `[batch, time, ...]` at random, the same at every step, anew for every sequence and training step, and
 * divides the others by the keep probability. `[batch, features]` has no time: there it is dropout. In training and in mode
 * `sample`; evaluation is the identity. A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: between recurrent layers, and before and behind them; inside of one, use `variationalRecurrentDropout`.
 * Cost: one decision for each feature and sequence, fewer than dropout draws; no memory.
 *
 * @example
 * ```ts
 * import { buildModel, Tensor, variationalDropout } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(variationalDropout({ rate: 0.5 }), { inputShape: [6, 10], seed: 1 });
 * const y = model.forward(Tensor.ones([2, 6, 10]), { mode: "train", step: 0 });
 * assertEquals(y.max(1).toArray(), y.min(1).toArray()); // a feature is there at all steps or at none
 * ```
 */
export const variationalDropout: Factory<"activation", VariationalDropoutOptions> = definePlugin({
  name: "variational-dropout",
  summary: "Zeroes features for all steps of a sequence at random in training.",
  paper: {
    authors: "Gal, Ghahramani",
    year: 2016,
    title: "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks",
    url: "https://arxiv.org/abs/1512.05287",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a feature of a sequence, in [0, 1]"),
  }),
  activation: {
    mask: ({ key, options: { rate } }, { shape }) => ({ key, rate, share: shape.length > 2 ? [1] : [] }),
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
});
