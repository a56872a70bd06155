/**
 * Adagrad: steps divided by the root of the sum of all squared gradients so far.
 *
 * Duchi, Hazan, Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 12 (2011),
 * figure 1 with diagonal matrices.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled } from "../../core/mod.ts";
import { learningRateSchema, weightDecaySchema } from "./_schemas.ts";

/** Options of {@linkcode adagrad}. */
export interface AdagradOptions {
  /** Learning rate, at least 0, or a schedule. Default 0.01. */
  learningRate?: Scheduled;
  /** What the sum of squared gradients begins with, at least 0. Default 0. */
  initialAccumulator?: number;
  /** Added to the root, above 0. Default 1e-10. */
  epsilon?: number;
  /** L2 penalty: this times the weight is added to the gradient. At least 0, or a schedule; default 0. */
  weightDecay?: Scheduled;
}

/**
 * Adagrad, with PyTorch's defaults; for its `lr_decay` give `inverseTime` as the learning rate.
 *
 * @example
 * ```ts
 * import { adagrad, inverseTime } from "@thinned/dropout";
 *
 * adagrad({ learningRate: inverseTime({ from: 0.1, every: 1000, unit: "step" }) });
 * ```
 */
export const adagrad: Factory<"optimizer", AdagradOptions> = definePlugin({
  name: "adagrad",
  summary: "Steps divided by the root of the sum of all squared gradients so far.",
  paper: {
    authors: "Duchi, Hazan, Singer",
    year: 2011,
    title: "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    url: "https://jmlr.org/papers/v12/duchi11a.html",
  },
  options: z.object({
    learningRate: learningRateSchema(0.01),
    initialAccumulator: z.number().min(0).default(0).describe("what the sum of squared gradients begins with"),
    epsilon: z.number().positive().default(1e-10).describe("added to the root"),
    weightDecay: weightDecaySchema(0),
  }),
  slots: () => ["sum"],
  update({ parameter, gradient, slots: { sum }, options, iteration }) {
    const { learningRate, initialAccumulator, epsilon, weightDecay } = options;
    const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
    sum.assign(sum.add(g.square()).add(iteration === 1 ? initialAccumulator : 0));
    parameter.assign(parameter.sub(g.div(sum.sqrt().add(epsilon)).mul(learningRate)));
  },
});
