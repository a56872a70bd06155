/**
 * Targeted weight dropout: the weights that pruning would take are dropped, so that the net learns to do without them.
 *
 * Gomez, Zhang, Kamalakara, Madaan, Swersky, Gal, Hinton, "Learning Sparse Networks Using Targeted Dropout", 2019, section
 * 4.2: of each unit's incoming weights the floor(gamma d) smallest magnitudes are candidates, each of which is dropped with
 * probability alpha. Nothing is rescaled, and evaluation prunes all candidates.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  keptEntries,
  rateSchema,
  type Scheduled,
  scheduled,
  type Tensor,
} from "../../core/mod.ts";
import { smallestOfRows } from "./_smallest.ts";

/** Options of {@linkcode targetedWeightDropout}. */
export interface TargetedWeightDropoutOptions {
  /** Probability of dropping a candidate, the paper's alpha: in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /** Share of each unit's incoming weights that are candidates, the paper's gamma: in [0, 1], or a schedule. Default 0.5. */
  target?: Scheduled;
}

/** 1 for the weights that pruning leaves, 0 for the floor(gamma d) smallest magnitudes of each row. */
function others(weight: Tensor, target: number): Tensor {
  const width = weight.size / Math.max(weight.shape[0] ?? 1, 1);
  // The product of 0.29 and 100 is just below 29.
  return smallestOfRows(weight.detach().abs(), Math.floor(target * width + 1e-9)).sub(1).neg();
}

/**
 * Targeted weight dropout, for any weight site: `dense(300, { weight: targetedWeightDropout({ target: 0.75 }) })`. Of each
 * row of `[units, inputs, ...]`, all d weights into one unit or filter, the floor(target d) smallest magnitudes are
 * candidates (of equal ones, those that stand first); each is zeroed with probability `rate`, one draw for all examples of a
 * pass. What is kept is not rescaled, so the expected share of weights that take part is 1 - rate floor(target d) / d. Evaluation
 * zeroes every candidate, and `pruned` writes these zeros into the layer. Dropped weights have no gradient in that pass;
 * as others shrink below them they may come back.
 *
 * A rate of 0 is the identity in training, a rate of 1 prunes there too; `target` 0 is the identity, and 1 leaves nothing
 * in evaluation. Both numbers may rise in training, as in the authors' code: see the example. Evaluation needs to know the
 * progress then: `fit` does, and the models that its runs save have the numbers of that moment.
 *
 * When: nets that are to be pruned by magnitude after training, without a loss of accuracy at the moment of pruning.
 * Cost: a sort of each unit's weights and one random number a weight in each pass; nothing for each example.
 *
 * @example
 * ```ts
 * import { buildModel, dense, linear, targetedWeightDropout, Tensor, warmUp } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * // The authors' ramp to 75 % candidates: 95 % of them after 20,000 steps, all after 40,000; the rate rises throughout.
 * const unit = "step";
 * const ramp = targetedWeightDropout({
 *   rate: linear({ from: 0, to: 0.5, over: 40_000, unit }),
 *   target: warmUp(linear({ from: 0.95 * 0.75, to: 0.75, over: 20_000, unit }), { over: 20_000, unit }),
 * });
 * const model = buildModel(dense(1, { bias: false, weight: ramp }), { inputShape: [4] });
 * model.parameters()[0].tensor.assign(Tensor.of([[3, -1, 2, -4]]));
 * const progress = { step: 40_000, stepsPerEpoch: 500, totalSteps: 50_000 };
 * assertEquals(model.forward(Tensor.ones([1, 4])).toArray(), [[0]]);
 * assertEquals(model.forward(Tensor.ones([1, 4]), { progress }).toArray(), [[-4]]);
 * ```
 */
export const targetedWeightDropout: Factory<"weight", TargetedWeightDropoutOptions> = definePlugin({
  name: "targeted-weight-dropout",
  summary: "Zeroes at random, among the smallest weights of each unit, and prunes these in evaluation.",
  paper: {
    authors: "Gomez, Zhang, Kamalakara, Madaan, Swersky, Gal, Hinton",
    year: 2019,
    title: "Learning Sparse Networks Using Targeted Dropout",
    url: "https://arxiv.org/abs/1905.13678",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a candidate, in [0, 1]"),
    target: scheduled(rateSchema).default(0.5).describe(
      "share of each unit's weights that are candidates, in [0, 1]",
    ),
  }),
  weight(weight, { mode, key, options: { rate, target } }) {
    const kept = others(weight, target);
    if (mode === "eval") return weight.mask(kept);
    // What is no candidate stays, whatever is drawn for it.
    return weight.mask(kept.maximum(keptEntries({ key, rate }, weight.shape, weight.floatType)));
  },
  prunes: (weight, { options: { target } }) => weight.mask(others(weight, target)),
  claims: { draw: "batch", dropped: "otherwise", adaptive: true, rates: ["rate"] },
  cases: [{}, { target: 0.9 }, { target: 1 }],
});
