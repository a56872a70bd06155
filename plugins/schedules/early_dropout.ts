/**
 * Dropout in the first part of training only.
 *
 * Liu, Xu, Jin, Shen, Darrell, "Dropout Reduces Underfitting", ICML 2023, section 5.1: dropout until a cutoff, constant or
 * falling linearly to 0, and none after it. The rate changes with every step, not every epoch.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../core/mod.ts";
import { cutoffSchema, cutoffStep, type ScheduleTime, unitSchema } from "./_schema.ts";

/** Options of {@linkcode earlyDropout}. */
export interface EarlyDropoutOptions extends ScheduleTime {
  /** The rate at the beginning, in [0, 1]. Default 0.1. */
  rate?: number;
  /** When dropout ends, in `unit`s, above 0; rounded to whole steps. Default: after a sixth of the run, as in the paper. */
  cutoff?: number;
  /** `linear` (default): falls to 0, which it reaches at the last step before the cutoff. `constant`: stays until then. */
  shape?: "linear" | "constant";
}

/**
 * A rate that is there at the beginning of training and gone after a cutoff, for any option that is a rate: units, weights
 * or branches are dropped as long as gradients of different batches disagree, and what is kept is scaled by the rate of the
 * moment.
 *
 * When: for models that underfit, such as small ones on much data; with `stochasticDepth` as well as with `dropout`.
 * Cost: none; after the cutoff nothing is drawn any more.
 *
 * @example
 * ```ts
 * import { dense, dropout, earlyDropout, relu, sequential } from "@thinned/dropout";
 *
 * const rate = earlyDropout({ rate: 0.1, cutoff: 5 });
 * sequential([dense(64), relu(), dropout({ rate }), dense(10)]);
 * ```
 */
export const earlyDropout: Factory<"schedule", EarlyDropoutOptions> = definePlugin({
  name: "early-dropout",
  summary: "A rate that is there at the beginning of training only.",
  paper: {
    authors: "Liu, Xu, Jin, Shen, Darrell",
    year: 2023,
    title: "Dropout Reduces Underfitting",
    url: "https://arxiv.org/abs/2303.01500",
  },
  options: z.object({
    rate: rateSchema.default(0.1).describe("the rate at the beginning"),
    cutoff: cutoffSchema.describe("when dropout ends; default after a sixth of the run"),
    shape: z.enum(["linear", "constant"]).default("linear").describe("how it ends: falling, or all at once"),
    unit: unitSchema,
  }),
  value(progress, { rate, cutoff, shape, unit }) {
    const end = cutoffStep(progress, unit, cutoff);
    if (progress.step >= end) return 0;
    // Both ends belong to the line, so the last step before the cutoff has a rate of 0 already.
    return shape === "constant" || end === 1 ? rate : rate * (1 - progress.step / (end - 1));
  },
});
