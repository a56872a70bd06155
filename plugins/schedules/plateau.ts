/** A number that falls when a metric stops getting better. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type FollowedMetric, followedMetricSchema, valueOf } from "../_followed_metric.ts";

/** Options of {@linkcode plateau}. */
export interface PlateauOptions {
  /** The number at the beginning. */
  from: number;
  /** What it is multiplied by, in (0, 1). Default 0.1. */
  factor?: number;
  /** Epochs in a row without a better value that are borne, a whole number of at least 0. Default 10. */
  patience?: number;
  /** By how much of its best value a metric must fall to be better, in [0, 1). Default 0.0001. */
  threshold?: number;
  /** Below this the number does not fall, at least 0. Default 0. */
  least?: number;
  /** What is followed; the smaller the better. `validation...` needs a validation part. Default `validationLoss`. */
  metric?: FollowedMetric;
}

/**
 * `from` at first; multiplied by `factor` when the metric has not been better than its best for more than `patience` epochs
 * in a row. The test part is not followed: what is chosen by it cannot be measured on it.
 *
 * @example
 * ```ts
 * import { dense, digits, fit, plateau, sgd } from "@thinned/dropout";
 *
 * const learningRate = plateau({ from: 0.1, patience: 2 });
 * const data = digits({ train: 100, test: 50 });
 * await fit(dense(10), { data, validation: 0.2, optimizer: sgd({ learningRate }), epochs: 3 });
 * ```
 */
export const plateau: Factory<"schedule", PlateauOptions> = definePlugin({
  name: "plateau",
  summary: "A number that falls when a metric stops getting better.",
  options: z.object({
    from: z.number("expected a number").describe("the number at the beginning"),
    factor: z.number("expected a number in (0, 1)").gt(0, "expected a number in (0, 1)").lt(
      1,
      "expected a number in (0, 1)",
    )
      .default(0.1).describe("what it is multiplied by"),
    patience: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(10)
      .describe("epochs without a better value that are borne"),
    threshold: z.number("expected a number in [0, 1)").min(0, "expected a number in [0, 1)")
      .lt(1, "expected a number in [0, 1)").default(1e-4).describe("share by which a better value must be smaller"),
    least: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(0)
      .describe("below this the number does not fall"),
    metric: followedMetricSchema.default("validationLoss").describe("what is followed"),
  }),
  cases: [{ from: 0.1 }],
  initial: ({ from }) => ({ value: from, best: Infinity, waited: 0 }),
  value: (_progress, _options, { value }) => value,
  epoch({ options: { factor, patience, threshold, least, metric }, state: { value, best, waited }, metrics }) {
    const found = valueOf(metrics, metric, "plateau.metric");
    if (found < best * (1 - threshold)) return { value, best: found, waited: 0 };
    if (waited < patience) return { value, best, waited: waited + 1 };
    return { value: Math.max(least, value * factor), best, waited: 0 };
  },
});
