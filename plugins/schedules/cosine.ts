/** A number that goes down along half a cosine. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type ScheduleTime, share, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode cosine}. */
export interface CosineOptions extends ScheduleTime {
  /** The number at the beginning. */
  from: number;
  /** The number at the end. Default 0. */
  to?: number;
  /** How long it takes, in `unit`s; default the whole run. */
  over?: number;
}

/**
 * `to + (from - to) (1 + cos(pi t / over)) / 2`, then `to` (Loshchilov and Hutter, ICLR 2017, equation 5, without restarts).
 *
 * @example
 * ```ts
 * import { cosine, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: cosine({ from: 0.1 }) });
 * ```
 */
export const cosine: Factory<"schedule", CosineOptions> = definePlugin({
  name: "cosine",
  summary: "A number that goes down along half a cosine.",
  options: z.object({
    from: z.number().describe("the number at the beginning"),
    to: z.number().default(0).describe("the number at the end"),
    over: spanSchema.optional().describe("how long it takes; default the whole run"),
    unit: unitSchema,
  }),
  value: (progress, { from, to, over, unit }) =>
    to + (from - to) * (1 + Math.cos(Math.PI * share(progress, unit, over))) / 2,
});
