/**
 * AdamW: Adam with weight decay that does not pass through the gradient.
 *
 * Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2, in PyTorch's arrangement: the
 * weight is first multiplied by `1 - learningRate weightDecay`.
 *
 * @module
 */
import { z } from "zod";
import { applyUpdate, definePlugin, type Factory, type Scheduled } from "../../../core/mod.ts";
import { learningRateSchema, weightDecaySchema } from "../_schemas.ts";
import { adamKernel } from "./_kernel.ts";

/** Options of {@linkcode adamw}. */
export interface AdamwOptions {
  /** Learning rate, at least 0, or a schedule. Default 0.001. */
  learningRate?: Scheduled;
  /** Decay of the mean of gradients, in [0, 1). Default 0.9. */
  beta1?: number;
  /** Decay of the mean of squared gradients, in [0, 1). Default 0.999. */
  beta2?: number;
  /** Added to the root of the second moment, above 0. Default 1e-8. */
  epsilon?: number;
  /** Share of a weight that vanishes in each step, divided by the learning rate. At least 0, or a schedule; default 0.01. */
  weightDecay?: Scheduled;
}

/**
 * Adam with decoupled weight decay.
 *
 * @example
 * ```ts
 * import { adamw, cosine } from "@thinned/dropout";
 *
 * adamw({ learningRate: cosine({ from: 1e-3 }), weightDecay: 0.05 });
 * ```
 */
export const adamw: Factory<"optimizer", AdamwOptions> = definePlugin({
  name: "adamw",
  kernels: [adamKernel, adamKernel.byProduct],
  summary: "Adam with weight decay that does not pass through the gradient.",
  paper: {
    authors: "Loshchilov, Hutter",
    year: 2019,
    title: "Decoupled Weight Decay Regularization",
    url: "https://arxiv.org/abs/1711.05101",
  },
  options: z.object({
    learningRate: learningRateSchema(0.001),
    beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the mean of gradients"),
    beta2: z.number().min(0).lt(1).default(0.999).describe("decay of the mean of squared gradients"),
    epsilon: z.number().positive().default(1e-8).describe("added to the root of the second moment"),
    weightDecay: weightDecaySchema(0.01).describe("share of a weight that vanishes, divided by the learning rate"),
  }),
  slots: () => ["first", "second"],
  update({ parameter, gradient, slots: { first, second }, options, iteration }) {
    const settings = { ...options, decoupled: true, iteration };
    applyUpdate(adamKernel, parameter, gradient, first.floats, second.floats, settings);
  },
});
