/**
 * DropFilter: whole filters are dropped from the weights of a convolution, one draw for all examples of a pass.
 *
 * Chen, Niu, Tian, "DropFilter: Dropout for Convolutions", 2018: the outputs of whole filters are suppressed. The literature
 * differs: Pan, Jiang, Niu, Dou call the dropping of single weights of the filters by the same name in the same year, which is
 * `weightDrop` in a convolution. Here it is a mask `[out, 1, ...]` on the weight: `y = x * (m W) / q + b` with one Bernoulli
 * number m of keep probability q for each filter.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode dropFilter}. */
export interface DropFilterOptions {
  /** Probability of dropping a filter, in [0, 1], or a schedule. Default 0.1. */
  rate?: Scheduled;
}

/**
 * DropFilter, for any weight site: `conv2d(32, 3, { weight: dropFilter() })`. Each filter, all weights `[out, ...]` of one
 * output channel (or unit), is zeroed as a whole with probability `rate`; kept ones are divided by the keep probability.
 * All examples of a batch share the draw; the bias is kept, so a dropped channel gives its bias. Evaluation uses the whole
 * weight. Without a bias this is dropout of channels (`spatialDropout`) with one mask for the batch.
 *
 * A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: convolutions that overfit, where one mask for all examples is wanted; rates of 0.05 to 0.3.
 * Cost: one number a filter and one pass over the weight a step; nothing for each example.
 *
 * @example
 * ```ts
 * import { buildModel, conv2d, dropFilter, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(conv2d(8, 3, { weight: dropFilter({ rate: 0.2 }) }), { inputShape: [3, 6, 6] });
 * assertEquals(model.forward(Tensor.ones([2, 3, 6, 6]), { mode: "train", step: 0 }).shape, [2, 8, 4, 4]);
 * ```
 */
export const dropFilter: Factory<"weight", DropFilterOptions> = definePlugin({
  name: "drop-filter",
  summary: "Zeroes whole filters of a weight at random in training, one draw for a whole pass.",
  paper: {
    authors: "Chen, Niu, Tian",
    year: 2018,
    title: "DropFilter: Dropout for Convolutions",
    url: "https://arxiv.org/abs/1810.09849",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.1).describe("probability of dropping a filter, in [0, 1]"),
  }),
  weight: {
    mask: ({ key, options: { rate } }, { shape }) => ({ key, rate, share: shape.slice(1).map((_, i) => i + 1) }),
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity", draw: "batch" },
});
