/** What schedules share: how time is counted. @module */
import { z } from "zod";
import type { Progress } from "../../core/mod.ts";

/** What a schedule counts: epochs (fractions included) or steps. */
export type ScheduleUnit = "epoch" | "step";

/** Options of every schedule that runs over time. */
export interface ScheduleTime {
  /** What time is counted in. Default `epoch`. */
  unit?: ScheduleUnit;
}

/** Validates {@linkcode ScheduleTime.unit}. */
export const unitSchema: z.ZodType<ScheduleUnit, ScheduleUnit | undefined> = z.enum(["epoch", "step"]).default("epoch")
  .describe("what time is counted in");

/** A length of time, above 0. */
export const spanSchema: z.ZodType<number, number> = z.number("expected a number above 0")
  .positive("expected a number above 0");

/** Time passed, in the schedule's unit. */
export function elapsed(progress: Progress, unit: ScheduleUnit): number {
  return unit === "step" ? progress.step : progress.step / progress.stepsPerEpoch;
}

/** Share of a span that has passed, in [0, 1]; of the whole run when no span is given. */
export function share(progress: Progress, unit: ScheduleUnit, over: number | undefined): number {
  const span = over ?? (unit === "step" ? progress.totalSteps : progress.totalSteps / progress.stepsPerEpoch);
  return Math.min(elapsed(progress, unit) / span, 1);
}

/** Validates a point of time at which something changes; default: see {@linkcode cutoffStep}. */
export const cutoffSchema: z.ZodType<number | undefined, number | undefined> = spanSchema.optional();

/** The first step behind a cutoff, at least 1: that of the paper's 50 epochs of 300 when none is given. */
export function cutoffStep(progress: Progress, unit: ScheduleUnit, cutoff: number | undefined): number {
  const { stepsPerEpoch, totalSteps } = progress;
  const steps = cutoff === undefined ? totalSteps / 6 : unit === "step" ? cutoff : cutoff * stepsPerEpoch;
  return Math.max(1, Math.round(steps));
}
