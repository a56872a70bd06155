/**
 * Gaussian noise: normal noise of mean 0 is added to each unit.
 *
 * Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", Neural Computation 7 (1995): `y = x + n` with
 * `n ~ N(0, stddev^2)`. To the second order in the noise, the expected squared error grows by `stddev^2` times the squared
 * length of the output's gradient; for a linear unit `w x + b` that is exactly `stddev^2 |w|^2`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled, scheduled } from "../../core/mod.ts";
import { type AxisName, axisNameSchema, sharedAxes } from "./_axes.ts";
import { normalNoise } from "./_noise.ts";

/** Options of {@linkcode gaussianNoise}. */
export interface GaussianNoiseOptions {
  /** Standard deviation of the noise, in the input's units, at least 0, or a schedule. Default 0.1. */
  stddev?: Scheduled;
  /** Axes along which one number is shared, by name or number. `["batch"]`: all examples meet the same noise. */
  share?: readonly (AxisName | number)[];
}

const atLeast0 = "expected a number of at least 0";

/**
 * Adds `N(0, stddev^2)` to each unit in training and in mode `sample`; evaluation is the identity. Input and output:
 * `[batch, ...]`. A `stddev` of 0 is the identity. Where an input is on another scale than 1, as unscaled pixels are, so is
 * the noise that does something to it.
 *
 * When: on inputs that are measured with an error of a known size, and before a bottleneck that is to be robust to noise.
 * Cost: a normal number for each unit and step; the gradient costs nothing and nothing is stored for it.
 *
 * @example
 * ```ts
 * import { buildModel, gaussianNoise, Tensor } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const model = buildModel(gaussianNoise({ stddev: 2 }), { inputShape: [10000], seed: 1 });
 * const noise = model.forward(Tensor.zeros([1, 10000]), { mode: "train", step: 0 });
 * assert(Math.abs(noise.square().mean().item() - 4) < 0.3); // five standard errors
 * ```
 */
export const gaussianNoise: Factory<"activation", GaussianNoiseOptions> = definePlugin({
  name: "gaussian-noise",
  summary: "Adds normal noise to units in training.",
  paper: {
    authors: "Bishop",
    year: 1995,
    title: "Training with Noise is Equivalent to Tikhonov Regularization",
    url: "https://doi.org/10.1162/neco.1995.7.1.108",
  },
  options: z.object({
    stddev: scheduled(z.number(atLeast0).min(0, atLeast0)).default(0.1)
      .describe("standard deviation of the noise, at least 0"),
    share: z.array(axisNameSchema).readonly().default([]).describe("axes along which one number is shared"),
  }),
  activation(x, { mode, key, options: { stddev, share } }) {
    if (mode === "eval" || stddev === 0) return x;
    return x.add(normalNoise(x, key, { sharedAxes: sharedAxes(share, x.shape), deviation: stddev }, 0));
  },
  claims: { mean: "kept", eval: "identity" },
});
