/** The metrics by which a run may be steered: what schedules and observers follow. @module */
import { z } from "zod";
import { type EpochMetrics, OptionError } from "../core/mod.ts";

const metrics = [
  "trainLoss",
  "trainError",
  "validationLoss",
  "validationError",
  "runningLoss",
  "runningError",
] as const;

/**
 * A metric of an epoch that a run may be steered by; the smaller the better. Those of the test part are not among them:
 * what is chosen by it cannot be measured on it.
 */
export type FollowedMetric =
  | "trainLoss"
  | "trainError"
  | "validationLoss"
  | "validationError"
  | "runningLoss"
  | "runningError";

/** The schema of an option that names one. */
export const followedMetricSchema: z.ZodEnum<{ [K in FollowedMetric]: K }> = z.enum(metrics);

/** What was measured. Throws {@linkcode OptionError} for a metric of a validation part that the run does not have. */
export function valueOf(found: EpochMetrics, metric: FollowedMetric, path: string): number {
  const value = found[metric];
  if (value !== undefined) return value;
  throw withoutValidation(path, metric);
}

/** Complains that there is no validation part to be measured. */
export function withoutValidation(path: string, metric: FollowedMetric): OptionError {
  return new OptionError(
    path,
    "a metric that is measured; the run has no validation part, which the option validation makes",
    metric,
  );
}
