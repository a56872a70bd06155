/**
 * Dropout in the last part of training only.
 *
 * Liu, Xu, Jin, Shen, Darrell, "Dropout Reduces Underfitting", ICML 2023, section 5.2: no dropout until a cutoff, and the
 * whole rate after it.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../core/mod.ts";
import { cutoffSchema, cutoffStep, type ScheduleTime, unitSchema } from "./_schema.ts";

/** Options of {@linkcode lateDropout}. */
export interface LateDropoutOptions extends ScheduleTime {
  /** The rate from the cutoff on, in [0, 1]. Default 0.4, the paper's rate of `stochasticDepth`. */
  rate?: number;
  /** When dropout begins, in `unit`s, above 0; rounded to whole steps. Default: after a sixth of the run, as in the paper. */
  cutoff?: number;
}

/**
 * A rate that is 0 until a cutoff and whole from then on, for any option that is a rate. It is also the control "switch" of
 * the paper on curriculum dropout.
 *
 * When: for models that overfit, and are already trained with a constant rate; the paper uses it for stochastic depth.
 * Cost: none; before the cutoff nothing is drawn.
 *
 * @example
 * ```ts
 * import { dense, lateDropout, residual, stochasticDepth } from "@thinned/dropout";
 *
 * residual(dense(64), { branch: stochasticDepth({ rate: lateDropout({ rate: 0.4, cutoff: 50 }) }) });
 * ```
 */
export const lateDropout: Factory<"schedule", LateDropoutOptions> = definePlugin({
  name: "late-dropout",
  summary: "A rate that is there in the last part of training only.",
  paper: {
    authors: "Liu, Xu, Jin, Shen, Darrell",
    year: 2023,
    title: "Dropout Reduces Underfitting",
    url: "https://arxiv.org/abs/2303.01500",
  },
  options: z.object({
    rate: rateSchema.default(0.4).describe("the rate from the cutoff on"),
    cutoff: cutoffSchema.describe("when dropout begins; default after a sixth of the run"),
    unit: unitSchema,
  }),
  value: (progress, { rate, cutoff, unit }) => progress.step < cutoffStep(progress, unit, cutoff) ? 0 : rate,
});
