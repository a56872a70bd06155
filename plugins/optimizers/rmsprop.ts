/**
 * RMSprop: steps divided by the root of a running mean of squared gradients.
 *
 * Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera: Neural Networks for Machine Learning, 2012. Centered: Graves,
 * "Generating Sequences With Recurrent Neural Networks", 2013, equations (38) to (41).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled } from "../../core/mod.ts";
import { learningRateSchema, weightDecaySchema } from "./_schemas.ts";

/** Options of {@linkcode rmsprop}. */
export interface RmspropOptions {
  /**
   * Learning rate, at least 0, or a schedule. Default 0.001, Keras's: PyTorch's 0.01 trains small nets to twice the error
   * (`bench/defaults.ts`).
   */
  learningRate?: Scheduled;
  /** Decay of the mean of squared gradients, in [0, 1). Default 0.99. */
  alpha?: number;
  /** Added to the root, above 0. Default 1e-8. */
  epsilon?: number;
  /** Momentum of the divided gradients, in [0, 1). Default 0. */
  momentum?: number;
  /** Whether gradients are divided by their standard deviation, not their root mean square. Default false. */
  centered?: boolean;
  /** L2 penalty: this times the weight is added to the gradient. At least 0, or a schedule; default 0. */
  weightDecay?: Scheduled;
}

/**
 * RMSprop, with PyTorch's defaults but for the learning rate.
 *
 * @example
 * ```ts
 * import { rmsprop } from "@thinned/dropout";
 *
 * rmsprop({ learningRate: 1e-3, momentum: 0.9, centered: true });
 * ```
 */
export const rmsprop: Factory<"optimizer", RmspropOptions> = definePlugin({
  name: "rmsprop",
  summary: "Steps divided by the root of a running mean of squared gradients.",
  paper: {
    authors: "Tieleman, Hinton",
    year: 2012,
    title: "Lecture 6.5: rmsprop",
    url: "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
  },
  options: z.object({
    learningRate: learningRateSchema(0.001),
    alpha: z.number().min(0).lt(1).default(0.99).describe("decay of the mean of squared gradients"),
    epsilon: z.number().positive().default(1e-8).describe("added to the root"),
    momentum: z.number().min(0).lt(1).default(0).describe("momentum of the divided gradients"),
    centered: z.boolean().default(false).describe("whether the variance takes the place of the mean square"),
    weightDecay: weightDecaySchema(0),
  }),
  slots: ({ momentum, centered }) => [
    "square",
    ...(centered ? ["mean"] : []),
    ...(momentum > 0 ? ["velocity"] : []),
  ],
  update({ parameter, gradient, slots, options }) {
    const { learningRate, alpha, epsilon, momentum, weightDecay } = options;
    const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
    slots.square.assign(slots.square.mul(alpha).add(g.square().mul(1 - alpha)));
    let spread = slots.square;
    if (slots.mean !== undefined) {
      slots.mean.assign(slots.mean.mul(alpha).add(g.mul(1 - alpha)));
      // Never below 0 but for rounding.
      spread = spread.sub(slots.mean.square()).maximum(0);
    }
    let step = g.div(spread.sqrt().add(epsilon));
    if (slots.velocity !== undefined) {
      slots.velocity.assign(slots.velocity.mul(momentum).add(step));
      step = slots.velocity;
    }
    parameter.assign(parameter.sub(step.mul(learningRate)));
  },
});
