/** The best epoch of a run. @module */
import type { EpochMetrics, RunInfo } from "../../core/mod.ts";
import { type FollowedMetric, valueOf, withoutValidation } from "../_followed_metric.ts";

/** Refuses, before the first step, a metric that the run does not measure. */
export function checkMetric(metric: FollowedMetric, run: RunInfo, path: string): void {
  if (metric.startsWith("validation") && run.validationExamples === 0) throw withoutValidation(path, metric);
}

/**
 * The place in the history, from 0, of the last epoch that was better than the best one before it by more than `improvement`;
 * -1 when there is none, because nothing was a number.
 */
export function bestEpoch(
  history: readonly EpochMetrics[],
  metric: FollowedMetric,
  improvement: number,
  path: string,
): number {
  let [at, best] = [-1, Infinity];
  for (const [i, metrics] of history.entries()) {
    const value = valueOf(metrics, metric, path);
    if (value < best - (at < 0 ? 0 : improvement)) [at, best] = [i, value];
  }
  return at;
}
