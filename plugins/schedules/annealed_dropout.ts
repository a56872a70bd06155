/**
 * A rate that falls to 0 along a straight line.
 *
 * Rennie, Goel, Thomas, "Annealed Dropout Training of Deep Networks", IEEE SLT 2014: `rate max(0, 1 - t / N)`, so that a
 * network that is trained as a large ensemble ends as one network of full size.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../core/mod.ts";
import { type ScheduleTime, share, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode annealedDropout}. */
export interface AnnealedDropoutOptions extends ScheduleTime {
  /** The rate at the beginning, in [0, 1]. Default 0.5. */
  rate?: number;
  /** How long it takes to reach 0, in `unit`s, above 0. Default: the whole run. */
  over?: number;
}

/**
 * `rate max(0, 1 - t / over)`, for any option that is a rate; what is kept is scaled by the rate of the moment. (The formula
 * is quoted from later work; the paper's figures are of 25 to 50 epochs.)
 *
 * When: where a network is large enough to need dropout at first, and is to be fitted fully in the end.
 * Cost: none.
 *
 * @example
 * ```ts
 * import { annealedDropout, dense, dropout, relu, sequential } from "@thinned/dropout";
 *
 * sequential([dense(64), relu(), dropout({ rate: annealedDropout({ rate: 0.5, over: 30 }) }), dense(10)]);
 * ```
 */
export const annealedDropout: Factory<"schedule", AnnealedDropoutOptions> = definePlugin({
  name: "annealed-dropout",
  summary: "A rate that falls to 0 along a straight line.",
  paper: {
    authors: "Rennie, Goel, Thomas",
    year: 2014,
    title: "Annealed Dropout Training of Deep Networks",
  },
  options: z.object({
    rate: rateSchema.default(0.5).describe("the rate at the beginning"),
    over: spanSchema.optional().describe("how long it takes to reach 0; default the whole run"),
    unit: unitSchema,
  }),
  value: (progress, { rate, over, unit }) => rate * (1 - share(progress, unit, over)),
});
