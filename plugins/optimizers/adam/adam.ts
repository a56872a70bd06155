/**
 * Adam.
 *
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.
 *
 * @module
 */
import { z } from "zod";
import { applyUpdate, definePlugin, type Factory, type Scheduled } from "../../../core/mod.ts";
import { learningRateSchema, weightDecaySchema } from "../_schemas.ts";
import { adamKernel } from "./_kernel.ts";

/** Options of {@linkcode adam}. */
export interface AdamOptions {
  /** Learning rate, at least 0, or a schedule. Default 0.001. */
  learningRate?: Scheduled;
  /** Decay of the mean of gradients, in [0, 1). Default 0.9. */
  beta1?: number;
  /** Decay of the mean of squared gradients, in [0, 1). Default 0.999. */
  beta2?: number;
  /** Added to the root of the second moment, above 0. Default 1e-8. */
  epsilon?: number;
  /** L2 penalty: this times the weight is added to the gradient. At least 0, or a schedule; default 0. */
  weightDecay?: Scheduled;
}

/**
 * Adam, with bias correction.
 *
 * @example
 * ```ts
 * import { adam } from "@thinned/dropout";
 *
 * adam({ learningRate: 3e-4 });
 * ```
 */
export const adam: Factory<"optimizer", AdamOptions> = definePlugin({
  name: "adam",
  kernels: [adamKernel, adamKernel.byProduct],
  summary: "Adam: steps scaled by running means of gradients and their squares.",
  paper: {
    authors: "Kingma, Ba",
    year: 2015,
    title: "Adam: A Method for Stochastic Optimization",
    url: "https://arxiv.org/abs/1412.6980",
  },
  options: z.object({
    learningRate: learningRateSchema(0.001),
    beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the mean of gradients"),
    beta2: z.number().min(0).lt(1).default(0.999).describe("decay of the mean of squared gradients"),
    epsilon: z.number().positive().default(1e-8).describe("added to the root of the second moment"),
    weightDecay: weightDecaySchema(0),
  }),
  slots: () => ["first", "second"],
  update({ parameter, gradient, slots: { first, second }, options, iteration }) {
    const settings = { ...options, decoupled: false, iteration };
    applyUpdate(adamKernel, parameter, gradient, first.floats, second.floats, settings);
  },
});
