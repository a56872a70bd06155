/** A number that falls as one over time. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { elapsed, type ScheduleTime, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode inverseTime}. */
export interface InverseTimeOptions extends ScheduleTime {
  /** The number at the beginning. */
  from: number;
  /** The time in which it halves, in `unit`s, above 0. */
  every: number;
}

/**
 * `from / (1 + t / every)`: with `every: 10000` steps, the learning rate of the 2014 dropout paper's own code.
 *
 * @example
 * ```ts
 * import { inverseTime, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: inverseTime({ from: 1, every: 10000, unit: "step" }) });
 * ```
 */
export const inverseTime: Factory<"schedule", InverseTimeOptions> = definePlugin({
  name: "inverse-time",
  summary: "A number that falls as one over time.",
  options: z.object({
    from: z.number().describe("the number at the beginning"),
    every: spanSchema.describe("the time in which it halves"),
    unit: unitSchema,
  }),
  value: (progress, { from, every, unit }) => from / (1 + elapsed(progress, unit) / every),
});
