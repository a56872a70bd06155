/** A number that decays by a factor every unit of time. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { elapsed, type ScheduleTime, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode exponential}. */
export interface ExponentialOptions extends ScheduleTime {
  /** The number at the beginning. */
  from: number;
  /** What it is multiplied by in the time `every`, above 0. */
  decay: number;
  /** The time that `decay` is for, in `unit`s. Default 1. */
  every?: number;
}

/**
 * `from * decay^(t / every)`.
 *
 * @example
 * ```ts
 * import { exponential, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: exponential({ from: 1, decay: 0.998 }) });
 * ```
 */
export const exponential: Factory<"schedule", ExponentialOptions> = definePlugin({
  name: "exponential",
  summary: "A number that decays by a factor every unit of time.",
  options: z.object({
    from: z.number().describe("the number at the beginning"),
    decay: z.number().positive().describe("what it is multiplied by"),
    every: spanSchema.default(1).describe("the time that the decay is for"),
    unit: unitSchema,
  }),
  value: (progress, { from, decay, every, unit }) => from * decay ** (elapsed(progress, unit) / every),
});
