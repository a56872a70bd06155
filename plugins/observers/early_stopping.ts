/** The observer `early-stopping`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type FollowedMetric, followedMetricSchema } from "../_followed_metric.ts";
import { bestEpoch, checkMetric } from "./_best.ts";

/** Options of {@linkcode earlyStopping}. */
export interface EarlyStoppingOptions {
  /** Epochs in a row without a better value after which the run ends, a whole number of at least 1. Default 5. */
  patience?: number;
  /** What is followed; the smaller the better. `validation...` needs a validation part. Default `validationLoss`. */
  metric?: FollowedMetric;
  /** A better value is smaller than the best one by more than this, at least 0. Default 0. */
  minimumImprovement?: number;
  /** Whether the run ends with the weights of its best epoch, in place of its last one's. Default true. */
  restoreBest?: boolean;
}

const at = "early-stopping.metric";

/**
 * Ends a run when a metric has not become better for some epochs, and puts the weights of the best epoch into the model,
 * also when the run comes to its last epoch. It decides by the history of the run alone, so a run that was stopped and
 * resumed ends after the same epoch, with the same weights; and one that is resumed with more patience goes on.
 *
 * A run throws {@linkcode OptionError} before its first step when it has no validation part and the metric needs one.
 *
 * @example
 * ```ts
 * import { dense, digits, earlyStopping, fit, sgd } from "@thinned/dropout";
 *
 * const run = await fit(dense(10), {
 *   data: digits({ train: 200, test: 100 }), validation: 0.2, optimizer: sgd({ learningRate: 1 }), epochs: 100,
 *   observers: [earlyStopping({ patience: 3 })],
 * });
 * console.log(`${run.history.length} epochs, the best was ${run.epoch}`);
 * ```
 */
export const earlyStopping: Factory<"observer", EarlyStoppingOptions> = definePlugin({
  name: "early-stopping",
  summary: "Ends a run when a metric has not become better for some epochs, with the weights of the best one.",
  options: z.object({
    patience: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(5)
      .describe("epochs in a row without a better value after which the run ends"),
    metric: followedMetricSchema.default("validationLoss").describe("what is followed; the smaller the better"),
    minimumImprovement: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(0)
      .describe("a better value is smaller than the best one by more than this"),
    restoreBest: z.boolean("expected true or false").default(true)
      .describe("whether the run ends with the weights of its best epoch"),
  }),
  observe({ options: { metric }, run }) {
    checkMetric(metric, run, at);
    return {};
  },
  stops(history, { metric, minimumImprovement, patience }) {
    return history.length - 1 - bestEpoch(history, metric, minimumImprovement, at) >= patience;
  },
  keeps(history, { metric, minimumImprovement, restoreBest }) {
    return restoreBest && bestEpoch(history, metric, minimumImprovement, at) === history.length - 1;
  },
});
