/**
 * Targeted unit dropout: only the units with the smallest weights are dropped, so that they can be pruned at the end.
 *
 * Gomez, Zhang, Kamalakara, Madaan, Swersky, Gal, Hinton, "Learning Sparse Networks Using Targeted Dropout", 2019, section 3:
 * the candidates are the gamma |units| units whose incoming weights have the smallest Euclidean norm,
 * `argmin-k ||w_o||_2`, and each candidate is dropped with probability alpha.
 *
 * @module
 */
import { z } from "zod";
import {
  applyMask,
  definePlugin,
  type Factory,
  rateSchema,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode targetedUnitDropout}. */
export interface TargetedUnitDropoutOptions {
  /** alpha: probability of dropping a candidate, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /** gamma: share of the units that are candidates, in [0, 1], or a schedule; the count is rounded down. Default 0.5. */
  target?: Scheduled;
}

/**
 * Which units of a weight are no candidates: 1 or 0 for each, `[units, 1, ...]`. Of equal norms the first unit is the
 * candidate.
 */
function spared(weight: Tensor, target: number): Tensor {
  const units = weight.shape[0];
  // The product of 0.29 and 100 is just below 29.
  const count = Math.floor(target * units + 1e-9);
  const norms = weight.detach().reshape([units, -1]).square().sum(1).floats;
  const order = Array.from(norms, (_, unit) => unit).sort((a, b) => norms[a] - norms[b] || a - b);
  const entries = new Float64Array(units).fill(1);
  for (const unit of order.slice(0, count)) entries[unit] = 0;
  return Tensor.from(entries, [units, ...weight.shape.slice(1).map(() => 1)], weight.dtype);
}

/**
 * Targeted dropout of units (Gomez et al., 2019), for any weight site; a unit is an entry of the weight's first axis: a row of
 * a dense weight, a filter of a convolution. The `floor(target units)` units with the smallest norm are candidates; in
 * training, and in mode `sample`, each of them is dropped with probability `rate`: all its weights are 0, with gradients of 0.
 * Nothing is rescaled, and biases stay. All examples of a batch share the draw. Evaluation drops every candidate: it is the
 * pruned net.
 *
 * The authors' program draws for each weight of a candidate, and takes a threshold that spares all units at which norms are
 * equal. Here a unit is dropped as a whole, as in the paper's text, and the count of candidates is exact: of equal norms the
 * first units are taken.
 *
 * A target of 0 is the identity. With a rate of 1, training is that of the pruned net, and with a target of 1 besides, all
 * weights are 0. Dropped units can leave the candidates again as others shrink.
 *
 * When: for a net that is to be pruned to fewer units after training, without a fall in accuracy at that moment.
 * Cost: the norms and their order once a pass; nothing that grows with the batch.
 *
 * @example
 * ```ts
 * import { buildModel, dense, targetedUnitDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const weight = targetedUnitDropout({ rate: 0.5, target: 0.75 });
 * const model = buildModel(dense(8, { weight }), { inputShape: [4], seed: 1 });
 * const pruned = model.forward(Tensor.ones([1, 4])).floats.filter((value) => value === 0);
 * assertEquals(pruned.length, 6);
 * ```
 */
export const targetedUnitDropout: Factory<"weight", TargetedUnitDropoutOptions> = definePlugin({
  name: "targeted-unit-dropout",
  summary: "Drops units with small weights at random in training, and all of them at evaluation.",
  paper: {
    authors: "Gomez, Zhang, Kamalakara, Madaan, Swersky, Gal, Hinton",
    year: 2019,
    title: "Learning Sparse Networks Using Targeted Dropout",
    url: "https://arxiv.org/abs/1905.13678",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a candidate, in [0, 1]"),
    target: scheduled(rateSchema).default(0.5).describe("share of the units that are candidates, in [0, 1]"),
  }),
  weight(weight, { mode, key, options: { rate, target } }) {
    const kept = spared(weight, target);
    const rest = weight.mask(kept);
    if (mode === "eval") return rest;
    return applyMask(weight, { key, rate, share: weight.shape.map((_, axis) => axis).slice(1), a: 1, c: rest });
  },
  prunes: (weight, { options: { target } }) => weight.mask(spared(weight, target)),
  claims: {
    draw: "batch",
    shares: [1, 2, 3, 4],
    dropped: "otherwise",
    adaptive: true,
    rates: ["rate"],
  },
  cases: [{}, { target: 1 }, { rate: 1, target: 0.25 }],
});
