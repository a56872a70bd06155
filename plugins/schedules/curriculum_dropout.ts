/**
 * A rate that rises while training, from nothing.
 *
 * Morerio, Cavazza, Volpi, Vidal, Murino, "Curriculum Dropout", ICCV 2017, equation (5): the probability of keeping is
 * `(1 - k) e^(-gamma t) + k` at step t, so the rate is `(1 - k) (1 - e^(-gamma t))`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../core/mod.ts";

/** Options of {@linkcode curriculumDropout}. */
export interface CurriculumDropoutOptions {
  /** The rate that is approached, 1 minus the paper's k, in [0, 1]. Default 0.5. */
  rate?: number;
  /**
   * How fast, per step, above 0: half of the way is made in `0.693 / gamma` steps. Default 10 over the steps of the run, with
   * which the rate is within 0.005 % of its end. The authors' programs use 0.001 for MNIST.
   */
  gamma?: number;
  /** Whether the rate falls instead, from `rate` to 0, as the paper's control does. Default false. */
  reversed?: boolean;
}

/**
 * `rate (1 - e^(-gamma t))`: what is to be learned is easy at first, and gets harder; for any option that is a rate. It never
 * goes down, nor all the way. The exponent counts steps, not epochs.
 *
 * When: in place of a constant rate, above all where a high one makes the first epochs slow.
 * Cost: none.
 *
 * @example
 * ```ts
 * import { curriculumDropout, dense, dropout, relu, sequential } from "@thinned/dropout";
 *
 * sequential([dense(64), relu(), dropout({ rate: curriculumDropout({ rate: 0.5, gamma: 1e-3 }) }), dense(10)]);
 * ```
 */
export const curriculumDropout: Factory<"schedule", CurriculumDropoutOptions> = definePlugin({
  name: "curriculum-dropout",
  summary: "A rate that rises while training, from nothing.",
  paper: {
    authors: "Morerio, Cavazza, Volpi, Vidal, Murino",
    year: 2017,
    title: "Curriculum Dropout",
    url: "https://arxiv.org/abs/1703.06229",
  },
  options: z.object({
    rate: rateSchema.default(0.5).describe("the rate that is approached"),
    gamma: z.number("expected a number above 0").positive("expected a number above 0").optional()
      .describe("how fast, per step; default 10 over the steps of the run"),
    reversed: z.boolean().default(false).describe("whether the rate falls instead"),
  }),
  value({ step, totalSteps }, { rate, gamma = 10 / totalSteps, reversed }) {
    return reversed ? rate * Math.exp(-gamma * step) : rate * -Math.expm1(-gamma * step);
  },
});
