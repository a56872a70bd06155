/**
 * Gaussian dropout: each unit is multiplied by normal noise of mean 1.
 *
 * Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
 * Overfitting", JMLR 15 (2014), section 10: `y = x r, r ~ N(1, (1 - p) / p)` with keep probability p = 1 - rate, so that
 * mean and variance are those of dropout.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled, scheduled } from "../../core/mod.ts";
import { type AxisName, axisNameSchema, sharedAxes } from "./_axes.ts";
import { timesNormal } from "./_noise.ts";

/** Options of {@linkcode gaussianDropout}. */
export interface GaussianDropoutOptions {
  /** The dropout rate whose variance the noise has, in [0, 1): `rate / (1 - rate)`. A number or a schedule. Default 0.5. */
  rate?: Scheduled;
  /** Axes along which one draw is shared, by name or number. `["batch"]`: all examples meet the same noise. */
  share?: readonly (AxisName | number)[];
}

const range = "expected a number in [0, 1): at 1 the noise would have no finite variance";

/**
 * Multiplies each unit by `N(1, rate / (1 - rate))` in training and in mode `sample`; evaluation is the identity. A rate of
 * 0 is the identity; 1 is refused.
 *
 * When: in the place of dropout where gradients should reach all units, or noise be smooth.
 * Cost: a normal number for each entry, some times the price of dropout's bit; it is drawn again for the gradient, not
 * stored. Nothing at evaluation.
 *
 * @example
 * ```ts
 * import { buildModel, gaussianDropout, Tensor } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const model = buildModel(gaussianDropout({ rate: 0.5 }), { inputShape: [10000], seed: 1 });
 * const y = model.forward(Tensor.ones([1, 10000]), { mode: "train", step: 0 });
 * assert(Math.abs(y.mean().item() - 1) < 0.04); // four standard errors
 * ```
 */
export const gaussianDropout: Factory<"activation", GaussianDropoutOptions> = definePlugin({
  name: "gaussian-dropout",
  summary: "Multiplies units by normal noise of mean 1 in training.",
  paper: {
    authors: "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov",
    year: 2014,
    title: "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
    url: "https://jmlr.org/papers/v15/srivastava14a.html",
  },
  options: z.object({
    rate: scheduled(z.number(range).min(0, range).lt(1, range)).default(0.5)
      .describe("the dropout rate whose variance the noise has, in [0, 1)"),
    share: z.array(axisNameSchema).readonly().default([]).describe("axes along which one draw is shared"),
  }),
  activation(x, { mode, key, options: { rate, share } }) {
    if (mode === "eval" || rate === 0) return x;
    return timesNormal(x, key, { sharedAxes: sharedAxes(share, x.shape), deviation: Math.sqrt(rate / (1 - rate)) });
  },
  moments: ({ mean, variance }, { mode, options: { rate } }) => ({
    mean,
    variance: mode === "eval" || rate === 0
      ? variance
      : variance.add(mean.square().add(variance).mul(rate / (1 - rate))),
  }),
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
});
