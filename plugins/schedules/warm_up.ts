/**
 * Warm-up before another schedule.
 *
 * Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 2.2 ("gradual warmup").
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, part, type Scheduled, scheduledValue } from "../../core/mod.ts";
import { type ScheduleTime, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode warmUp}. */
export interface WarmUpOptions extends ScheduleTime {
  /** What follows the warm-up: a number, or a schedule, whose time begins when the warm-up ends. */
  then: Scheduled;
  /** How long the warm-up takes, in `unit`s, above 0; rounded to whole steps. Default 1. */
  over?: number;
  /** The share of what follows at which the warm-up begins, at least 0. Default 0. */
  from?: number;
}

/**
 * Rises along a straight line from `from` times the first value of `then` to that value, and goes on as `then`. A schedule
 * that lasts for the whole run lasts for the rest of it.
 *
 * @example
 * ```ts
 * import { adamw, cosine, warmUp } from "@thinned/dropout";
 *
 * adamw({ learningRate: warmUp(cosine({ from: 1e-3 }), { over: 5 }) });
 * ```
 */
export const warmUp: Factory<"schedule", WarmUpOptions, ["then"]> = definePlugin({
  name: "warm-up",
  summary: "A straight rise before another schedule.",
  paper: {
    authors: "Goyal, Dollár, Girshick, Noordhuis, Wesolowski, Kyrola, Tulloch, Jia, He",
    year: 2017,
    title: "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
    url: "https://arxiv.org/abs/1706.02677",
  },
  options: z.object({
    then: z.union([z.number(), part("schedule")], "expected a number or a schedule").describe("what follows"),
    over: spanSchema.default(1).describe("how long the warm-up takes"),
    from: z.number().min(0, "expected a number of at least 0").default(0)
      .describe("the share of what follows at which it begins"),
    unit: unitSchema,
  }),
  positional: ["then"],
  value(progress, { then, over, from, unit }, _state, site) {
    const { step, stepsPerEpoch, totalSteps } = progress;
    const length = Math.max(1, Math.round(unit === "step" ? over : over * stepsPerEpoch));
    const rest = { step: Math.max(0, step - length), stepsPerEpoch, totalSteps: Math.max(1, totalSteps - length) };
    const value = site?.inner(then, rest, "then") ?? scheduledValue(then, rest, "warm-up.then");
    return step >= length ? value : value * (from + (1 - from) * step / length);
  },
});
