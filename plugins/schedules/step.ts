/** A number that is multiplied by a factor every so often. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { elapsed, type ScheduleTime, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode step}. */
export interface StepOptions extends ScheduleTime {
  /** The number at the beginning. */
  from: number;
  /** What it is multiplied by. Default 0.1. */
  factor?: number;
  /** How often, in `unit`s, above 0. */
  every: number;
}

/**
 * `from * factor^floor(t / every)`.
 *
 * @example
 * ```ts
 * import { step, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: step({ from: 0.1, factor: 0.5, every: 10 }) });
 * ```
 */
export const step: Factory<"schedule", StepOptions> = definePlugin({
  name: "step",
  summary: "A number that is multiplied by a factor every so often.",
  options: z.object({
    from: z.number().describe("the number at the beginning"),
    factor: z.number().default(0.1).describe("what it is multiplied by"),
    every: spanSchema.describe("how often"),
    unit: unitSchema,
  }),
  value: (progress, { from, factor, every, unit }) => from * factor ** Math.floor(elapsed(progress, unit) / every),
});
