/**
 * Weight drop: entries of a recurrent layer's hidden-to-hidden weight are zeroed, one draw for all steps of a pass.
 *
 * Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", ICLR 2018, section 2: DropConnect on U^i,
 * U^f, U^o and U^c, with one mask a forward pass that all examples and all steps share.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode weightDrop}. */
export interface WeightDropOptions {
  /** Probability of dropping a weight, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /** Whether a row, all weights of one unit or gate, is dropped or kept as a whole. Default false. */
  rows?: boolean;
}

/**
 * Weight drop (AWD-LSTM; Merity et al., 2018), for any weight site; in a recurrent layer it acts on `weight_hh`. Kept
 * weights are divided by the keep probability; evaluation uses the whole weight. All examples of a batch share the mask.
 *
 * A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: LSTMs and GRUs whose state-to-state weights overfit, as in language models; any weight that may be dropped for a
 * whole batch at once.
 * Cost: one pass over the weight for each batch, whatever its length, and a copy of the weight; fused steps stay fused.
 *
 * @example
 * ```ts
 * import { buildModel, lstm, Tensor, weightDrop } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(lstm(8, { weight: weightDrop({ rate: 0.5 }) }), { inputShape: [5, 3] });
 * assertEquals(model.forward(Tensor.ones([2, 5, 3]), { mode: "train", step: 0 }).shape, [2, 5, 8]);
 * ```
 */
export const weightDrop: Factory<"weight", WeightDropOptions> = definePlugin({
  name: "weight-drop",
  summary: "Zeroes weights at random in training, one draw for a whole pass.",
  paper: {
    authors: "Merity, Keskar, Socher",
    year: 2018,
    title: "Regularizing and Optimizing LSTM Language Models",
    url: "https://arxiv.org/abs/1708.02182",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a weight, in [0, 1]"),
    rows: z.boolean().default(false).describe("whether rows are dropped as a whole"),
  }),
  weight: {
    mask: ({ key, options: { rate, rows } }, { shape }) => ({
      key,
      rate,
      share: rows ? shape.slice(1).map((_, i) => i + 1) : [],
    }),
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
  cases: [{}, { rows: true }],
});
