/** The observer `keep-best`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type FollowedMetric, followedMetricSchema } from "../_followed_metric.ts";
import { bestEpoch, checkMetric } from "./_best.ts";

/** Options of {@linkcode keepBest}. */
export interface KeepBestOptions {
  /** What is followed; the smaller the better. `validation...` needs a validation part. Default `validationLoss`. */
  metric?: FollowedMetric;
}

const at = "keep-best.metric";

/**
 * Ends a run with the weights of its best epoch, in place of its last one's; `earlyStopping` does so too. They are saved
 * with the run's checkpoints, so that it does not matter whether it was stopped and resumed.
 *
 * A run throws {@linkcode OptionError} before its first step when it has no validation part and the metric needs one.
 *
 * @example
 * ```ts
 * import { dense, digits, fit, keepBest, sgd } from "@thinned/dropout";
 *
 * const run = await fit(dense(10), {
 *   data: digits({ train: 200, test: 100 }), validation: 0.2, optimizer: sgd(), epochs: 3,
 *   observers: [keepBest({ metric: "validationError" })],
 * });
 * console.log(`of epoch ${run.epoch}: test error ${run.testError}`);
 * ```
 */
export const keepBest: Factory<"observer", KeepBestOptions> = definePlugin({
  name: "keep-best",
  summary: "Ends a run with the weights of its best epoch.",
  options: z.object({
    metric: followedMetricSchema.default("validationLoss").describe("what is followed; the smaller the better"),
  }),
  observe({ options: { metric }, run }) {
    checkMetric(metric, run, at);
    return {};
  },
  keeps: (history, { metric }) => bestEpoch(history, metric, 0, at) === history.length - 1,
});
