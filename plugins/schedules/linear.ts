/** A number that changes along a straight line. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type ScheduleTime, share, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode linear}. */
export interface LinearOptions extends ScheduleTime {
  /** The number at the beginning. */
  from: number;
  /** The number at the end. */
  to: number;
  /** How long it takes, in `unit`s; default the whole run. */
  over?: number;
}

/**
 * From `from` to `to` along a straight line, then `to`.
 *
 * @example
 * ```ts
 * import { linear, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: linear({ from: 0.1, to: 0, over: 5 }) });
 * ```
 */
export const linear: Factory<"schedule", LinearOptions> = definePlugin({
  name: "linear",
  summary: "A number that changes along a straight line.",
  options: z.object({
    from: z.number().describe("the number at the beginning"),
    to: z.number().describe("the number at the end"),
    over: spanSchema.optional().describe("how long it takes; default the whole run"),
    unit: unitSchema,
  }),
  value: (progress, { from, to, over, unit }) => from + (to - from) * share(progress, unit, over),
});
