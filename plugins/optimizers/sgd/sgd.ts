/**
 * Stochastic gradient descent with momentum.
 *
 * Polyak (1964); Nesterov's form as in Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and
 * momentum in deep learning", ICML 2013, in PyTorch's arrangement: `v = momentum v + g; w -= learningRate v`.
 *
 * @module
 */
import { z } from "zod";
import { applyUpdate, definePlugin, type Factory, isPlugin, type Scheduled, scheduled } from "../../../core/mod.ts";
import { learningRateSchema, weightDecaySchema } from "../_schemas.ts";
import { sgdKernel } from "./_kernel.ts";

/** Options of {@linkcode sgd}. */
export interface SgdOptions {
  /** Learning rate, at least 0, or a schedule. Default 0.01. */
  learningRate?: Scheduled;
  /** Momentum, in [0, 1), or a schedule. Default 0. */
  momentum?: Scheduled;
  /** Nesterov's momentum in place of the classic one. Default false. */
  nesterov?: boolean;
  /** Share of the gradient that the velocity does not take up, in [0, 1]. Default 0. */
  dampening?: number;
  /** L2 penalty: this times the weight is added to the gradient. At least 0, or a schedule; default 0. */
  weightDecay?: Scheduled;
}

/**
 * SGD, with classic or Nesterov momentum.
 *
 * @example
 * ```ts
 * import { momentumRamp, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: 0.1, momentum: momentumRamp({ from: 0.5, to: 0.99, over: 500 }) });
 * ```
 */
export const sgd: Factory<"optimizer", SgdOptions> = definePlugin({
  name: "sgd",
  kernels: [sgdKernel, sgdKernel.byProduct],
  summary: "Stochastic gradient descent with classic or Nesterov momentum.",
  options: z.object({
    learningRate: learningRateSchema(0.01),
    momentum: scheduled(
      z.number("expected a number in [0, 1)").min(0, "expected a number in [0, 1)")
        .lt(1, "expected a number in [0, 1)"),
    ).default(0).describe("momentum, in [0, 1)"),
    nesterov: z.boolean().default(false).describe("Nesterov's momentum in place of the classic one"),
    dampening: z.number().min(0).max(1).default(0).describe("share of the gradient the velocity does not take up"),
    weightDecay: weightDecaySchema(0),
  }),
  slots: ({ momentum }) => momentum === 0 && !isPlugin(momentum) ? [] : ["velocity"],
  update({ parameter, gradient, slots, options, iteration }) {
    const velocity = slots.velocity?.floats ?? null;
    applyUpdate(sgdKernel, parameter, gradient, velocity, { ...options, first: iteration === 1 });
  },
});
