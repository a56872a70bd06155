/**
 * A rate that follows the gap between validation and training loss.
 *
 * Dropout is there against overfitting, which this gap measures: raised while it grows, lowered while it closes.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../core/mod.ts";
import { valueOf } from "../_followed_metric.ts";

/** Options of {@linkcode gapDropout}. */
export interface GapDropoutOptions {
  /** The rate at the beginning, in [`least`, `most`]. Default 0.2, or the bound that is nearest to it. */
  rate?: number;
  /** By how much it is raised or lowered at once, in (0, 1]. Default 0.05. */
  step?: number;
  /** Below this the rate does not fall, in [0, 1]. Default 0. */
  least?: number;
  /** Above this the rate does not rise, in [0, 1] and at least `least`. Default 0.8. */
  most?: number;
  /** Epochs in a row for which the gap must grow, or close, until the rate is changed, at least 1. Default 1. */
  patience?: number;
  /** A change of the gap by no more than this, in units of the loss, is none; at least 0. Default 0.001. */
  tolerance?: number;
  /** Of what the gap is taken: the mean loss, or the error. Default `loss`. */
  metric?: "loss" | "error";
}

/**
 * A rate that is raised by `step` while the gap between validation and training loss grows, and lowered by `step` while it
 * closes, for any option that is a rate. The gap is measured after each epoch with dropout off on both parts, and compared
 * with that of the epoch before. `patience` counts epochs in a row that go one way: it begins anew when the rate was changed,
 * when the gap turns, and in an epoch that changes it by no more than `tolerance`.
 *
 * The run needs a validation part. What is remembered is saved with checkpoints: a run that is resumed goes on with the rate
 * that it had.
 *
 * @throws {OptionError} after the first epoch of a run without a validation part
 *
 * When: where the right rate is not known and a search is too dear; read the rate off at the end, or keep it.
 * Cost: none beside the evaluation of the validation part, which a run with one has anyway.
 *
 * @example
 * ```ts
 * import { dense, digits, dropout, fit, gapDropout, relu, sequential, sgd } from "@thinned/dropout";
 *
 * const rate = gapDropout({ rate: 0.2, most: 0.6 });
 * await fit(sequential([dense(32), relu(), dropout({ rate }), dense(10)]), {
 *   data: digits({ train: 100, test: 50 }), validation: 0.2, optimizer: sgd({ learningRate: 0.1 }), epochs: 3, seed: 1,
 * });
 * ```
 */
export const gapDropout: Factory<"schedule", GapDropoutOptions> = definePlugin({
  name: "gap-dropout",
  summary:
    "A rate that is raised while the gap between validation and training loss grows, and lowered while it closes.",
  options: z.object({
    rate: rateSchema.optional().describe("the rate at the beginning; default 0.2, or the nearest bound"),
    step: z.number("expected a number in (0, 1]").gt(0, "expected a number in (0, 1]").max(
      1,
      "expected a number in (0, 1]",
    )
      .default(0.05).describe("by how much it is raised or lowered at once"),
    least: rateSchema.default(0).describe("below this the rate does not fall"),
    most: rateSchema.default(0.8).describe("above this the rate does not rise"),
    patience: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(1)
      .describe("epochs in a row for which the gap must grow or close"),
    tolerance: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(0.001)
      .describe("a change of the gap by no more than this is none"),
    metric: z.enum(["loss", "error"]).default("loss").describe("of what the gap is taken"),
  }).superRefine(({ rate, least, most }, context) => {
    if (least > most) {
      const message = `expected a number of at most most, which is ${most}`;
      context.addIssue({ code: "custom", path: ["least"], message });
    } else if (rate !== undefined && (rate < least || rate > most)) {
      context.addIssue({ code: "custom", path: ["rate"], message: `expected a number in [${least}, ${most}]` });
    }
  }),
  // `way` is how many epochs in a row the gap has grown; negative where it has closed.
  initial: ({ least, most, rate = Math.min(most, Math.max(least, 0.2)) }) => ({ rate, gap: 0, epochs: 0, way: 0 }),
  value: (_progress, _options, { rate }) => rate,
  epoch({ options: { step, least, most, patience, tolerance, metric }, state, metrics }) {
    const [validation, train] = metric === "loss"
      ? ["validationLoss", "trainLoss"] as const
      : ["validationError", "trainError"] as const;
    const gap = valueOf(metrics, validation, "gap-dropout.metric") - metrics[train];
    // A run that diverges ends anyway; what is remembered stays numbers.
    if (!Number.isFinite(gap)) return { ...state };
    const epochs = state.epochs + 1;
    const change = gap - state.gap;
    if (epochs === 1 || !(Math.abs(change) > tolerance)) return { rate: state.rate, gap, epochs, way: 0 };
    const sign = Math.sign(change);
    const way = Math.sign(state.way) === sign ? state.way + sign : sign;
    if (Math.abs(way) < patience) return { rate: state.rate, gap, epochs, way };
    return { rate: Math.min(most, Math.max(least, state.rate + sign * step)), gap, epochs, way: 0 };
  },
});
