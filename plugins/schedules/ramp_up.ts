/**
 * A number that rises from almost nothing.
 *
 * Laine, Aila, "Temporal Ensembling for Semi-Supervised Learning", ICLR 2017, section 2: weights of unsupervised losses rise
 * as `e^(-5 (1 - t / T)^2)`, which a network follows better than a straight line.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type ScheduleTime, share, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode rampUp}. */
export interface RampUpOptions extends ScheduleTime {
  /** The number at the end. Default 1. */
  to?: number;
  /** How long it takes, in `unit`s, above 0; default the whole run. The paper uses 80 of 300 epochs. */
  over?: number;
}

/**
 * `to e^(-5 (1 - t / over)^2)`, then `to`; at the beginning it is 0.0067 `to`.
 *
 * @example
 * ```ts
 * import { consistency, rampUp } from "@thinned/dropout";
 *
 * consistency({ weight: rampUp({ to: 100, over: 5 }) });
 * ```
 */
export const rampUp: Factory<"schedule", RampUpOptions> = definePlugin({
  name: "ramp-up",
  summary: "A number that rises from almost nothing, slowly at both ends.",
  paper: {
    authors: "Laine, Aila",
    year: 2017,
    title: "Temporal Ensembling for Semi-Supervised Learning",
    url: "https://arxiv.org/abs/1610.02242",
  },
  options: z.object({
    to: z.number().default(1).describe("the number at the end"),
    over: spanSchema.optional().describe("how long it takes; default the whole run"),
    unit: unitSchema,
  }),
  value: (progress, { to, over, unit }) => to * Math.exp(-5 * (1 - share(progress, unit, over)) ** 2),
});
