/**
 * Uout: each unit is multiplied by uniform noise of mean 1.
 *
 * Li, Chen, Hu, Yang, "Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift", CVPR 2019,
 * section "Change Dropout into a more variance-stable form": `y = x (1 + r)` with `r ~ U(-beta, beta)`. The variance before a
 * batch norm is shifted by the factor `v / ((1 + beta^2 / 3) (c^2 + v) - c^2)` between training and evaluation, for units of
 * mean c and variance v; dropout does the same at the rate `(beta^2 / 3) / (1 + beta^2 / 3)`, which for 0.1 is 0.0033.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled, scheduled } from "../../core/mod.ts";
import { type AxisName, axisNameSchema, sharedAxes } from "./_axes.ts";
import { timesUniform } from "./_noise.ts";

/** Options of {@linkcode uout}. */
export interface UoutOptions {
  /** Half the width of the noise, at least 0, or a schedule. Above 1, units may change their sign. Default 0.1. */
  beta?: Scheduled;
  /** Axes along which one number is shared, by name or number. `["height", "width"]`: one for each channel. */
  share?: readonly (AxisName | number)[];
}

const atLeast0 = "expected a number of at least 0";

/**
 * Multiplies each unit by `1 + U(-beta, beta)` in training and in mode `sample`; evaluation is the identity. Input and
 * output: `[batch, ...]`. The mean is kept, and a unit x has the variance `x^2 beta^2 / 3`. A `beta` of 0 is the identity.
 *
 * When: in front of batch norm, where dropout's variance would not be that of evaluation.
 * Cost: a uniform number for each unit and step, and once more for the gradient; no memory.
 *
 * @example
 * ```ts
 * import { buildModel, Tensor, uout } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const model = buildModel(uout({ beta: 0.1 }), { inputShape: [1000], seed: 1 });
 * const y = model.forward(Tensor.ones([1, 1000]), { mode: "train", step: 0 });
 * assert(y.min().item() >= 0.9 && y.max().item() <= 1.1);
 * ```
 */
export const uout: Factory<"activation", UoutOptions> = definePlugin({
  name: "uout",
  summary: "Multiplies units by uniform noise of mean 1 in training.",
  paper: {
    authors: "Li, Chen, Hu, Yang",
    year: 2019,
    title: "Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift",
    url: "https://arxiv.org/abs/1801.05134",
  },
  options: z.object({
    beta: scheduled(z.number(atLeast0).min(0, atLeast0)).default(0.1)
      .describe("half the width of the noise, at least 0"),
    share: z.array(axisNameSchema).readonly().default([]).describe("axes along which one number is shared"),
  }),
  activation(x, { mode, key, options: { beta, share } }) {
    if (mode === "eval" || beta === 0) return x;
    return timesUniform(x, key, sharedAxes(share, x.shape), beta);
  },
  claims: { mean: "kept", eval: "identity" },
});
