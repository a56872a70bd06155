/**
 * Mixout: in fine-tuning, dropped weights go back to those that it began with.
 *
 * Lee, Cho, Kang, "Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models", ICLR 2020,
 * figure 1 and section 3: with the weights u that fine-tuning began with, a mask m of keep probability q = 1 - p,
 * `w' = (m w + (1 - m) u - p u) / q = u + m (w - u) / q`, so that E w' = w.
 *
 * @module
 */
import { z } from "zod";
import { applyMask, definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode mixout}. */
export interface MixoutOptions {
  /** Probability of going back to the target, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /**
   * What dropped weights become: those at the `start` of training (default), or `zero`, the paper's mixout(0), which is
   * dropout of weights.
   */
  target?: "start" | "zero";
  /**
   * Whether the weights out of one input (or of one input channel) go back together, as in the paper and its code; else
   * each by itself, which the paper calls mixconnect. Default true.
   */
  neurons?: boolean;
}

/**
 * Mixout, for any weight site: `dense(10, { weight: mixout({ rate: 0.7 }) })`. Each weight of `[outputs, inputs, ...]` goes
 * back to its target with probability `rate`, and the others move away from it by as much as keeps the mean; all examples
 * of a batch share the draw, and evaluation uses the weight itself. The bias, which belongs to the layer, is never mixed.
 *
 * The target is the state `target`: the first weights, overwritten by those at the first step of a run (step 0 in mode
 * `train`), so that it is what was loaded before fine-tuning. It is saved with the model and with checkpoints.
 *
 * The gradient is that of the formula, the incoming one times m / q; the authors' code leaves out 1 / q. A rate of 0 is the
 * identity; a rate of 1 gives the target with zero gradients; where weight and target are equal, every draw gives just that.
 *
 * When: fine-tuning a large pretrained model on little data, where it is more stable than weight decay; rates of 0.7 to 0.9.
 * Cost: the target, which takes as much memory as the weight, and a few passes over the weight a step.
 *
 * @example
 * ```ts
 * import { buildModel, dense, mixout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(dense(3, { weight: mixout({ rate: 0.7 }) }), { inputShape: [4], seed: 1 });
 * const x = Tensor.ones([2, 4]);
 * // At the start of training the weights are their own target.
 * assertEquals(model.forward(x, { mode: "train", step: 0 }).toArray(), model.forward(x).toArray());
 * ```
 */
export const mixout: Factory<"weight", MixoutOptions> = definePlugin({
  name: "mixout",
  summary: "Takes weights back to those that training began with, at random.",
  paper: {
    authors: "Lee, Cho, Kang",
    year: 2020,
    title: "Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models",
    url: "https://arxiv.org/abs/1909.11299",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of going back to the target, in [0, 1]"),
    target: z.enum(["start", "zero"]).default("start").describe("what dropped weights become"),
    neurons: z.boolean().default(true).describe("whether the weights out of one input go back together"),
  }),
  init: ({ weight, options: { target } }) => target === "zero" ? {} : { state: { target: weight!.clone() } },
  weight(weight, { mode, key, options: { rate, target: kind, neurons }, progress, state: { target }, setState }) {
    if (mode === "eval") return weight;
    const share = neurons ? weight.shape.map((_, axis) => axis).filter((axis) => axis !== 1) : [];
    const mask = { key, rate, share };
    if (kind === "zero") return applyMask(weight, mask);
    if (mode === "train" && progress.step === 0) {
      setState("target", weight);
      return weight; // it is its own target
    }
    return applyMask(weight.sub(target), mask).add(target);
  },
  claims: ({ target, neurons }) => ({
    mean: "kept",
    ...(target === "zero" ? { variance: "multiplicative" } : {}),
    eval: "identity",
    draw: "batch",
    // One decision for each entry of axis 1.
    shares: neurons ? [0, 2, 3, 4] : [],
  }),
  cases: [{}, { target: "zero" }, { target: "zero", neurons: false }],
});
