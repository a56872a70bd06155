/**
 * An exponential moving average of the weights.
 *
 * Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on Control and Optimization 30
 * (1992), in the exponential form that is in use today.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode ema}. */
export interface EmaOptions {
  /** What stays of the average at each update, in [0, 1), or a schedule. Default 0.999. */
  decay?: Scheduled;
}

/**
 * `average = decay average + (1 - decay) weight` after each update, beginning with the first weights, so that it needs no
 * correction.
 *
 * @example
 * ```ts
 * import { dense, digits, ema, fit, sgd } from "@thinned/dropout";
 *
 * const data = digits({ train: 100, test: 50 });
 * await fit(dense(10), { data, optimizer: sgd(), average: ema({ decay: 0.99 }), epochs: 1 });
 * ```
 */
export const ema: Factory<"average", EmaOptions> = definePlugin({
  name: "ema",
  summary: "An exponential moving average of the weights, for evaluation.",
  paper: {
    authors: "Polyak, Juditsky",
    year: 1992,
    title: "Acceleration of Stochastic Approximation by Averaging",
    url: "https://doi.org/10.1137/0330046",
  },
  options: z.object({
    decay: scheduled(
      z.number("expected a number in [0, 1)").min(0, "expected a number in [0, 1)")
        .lt(1, "expected a number in [0, 1)"),
    ).default(0.999).describe("what stays of the average at each update"),
  }),
  slots: () => ["mean"],
  track({ parameter, slots: { mean }, options: { decay }, iteration }) {
    mean.assign(iteration === 0 ? parameter : mean.mul(decay).add(parameter.mul(1 - decay)));
  },
  weights: ({ slots }) => slots.mean,
});
