/**
 * Gaussian negative log-likelihood: regression that also says how sure it is.
 *
 * Nix and Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", ICNN 1994, equation (4);
 * with the logarithm of the variance as in Kendall and Gal, "What Uncertainties Do We Need in Bayesian Deep Learning for
 * Computer Vision?", NIPS 2017, equation (8).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, type Tensor } from "../../core/mod.ts";
import { checkTargets, reduce, type ReductionOption, reductionSchema } from "./_reduction.ts";

/** Options of {@linkcode gaussianNll}. */
export interface GaussianNllOptions extends ReductionOption {
  /** What the second half of the outputs is: the variance's logarithm, or the variance itself. Default `log`. */
  variance?: "log" | "value";
  /** The least variance, above 0, when the outputs are the variance itself. Default 1e-6. */
  epsilon?: number;
  /** Whether the constant `log(2 pi) / 2` is added for each target. Default false. */
  full?: boolean;
}

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/** Splits `[batch, ..., 2 d]` into two halves of the last axis. */
function halves(outputs: Tensor): [Tensor, Tensor] {
  const width = outputs.shape[outputs.rank - 1];
  if (outputs.rank < 2 || width % 2 !== 0) {
    throw new ShapeError(
      `gaussian-nll: expected outputs [batch, ..., 2 d], d means and then d variances, ` +
        `found ${showShape(outputs.shape)}.`,
    );
  }
  const start = outputs.shape.map(() => 0);
  const middle = [...outputs.shape.slice(0, -1), width / 2];
  return [outputs.slice(start, middle), outputs.slice([...start.slice(0, -1), width / 2])];
}

/**
 * Mean of `(log v + (t - m)^2 / v) / 2` over the batch and the targets t `[batch, ..., d]`. Outputs `[batch, ..., 2 d]`:
 * first the d means m, then d numbers for the variances v, by default their logarithms, which may be any numbers. The
 * reported error is that of the means.
 *
 * @example
 * ```ts
 * import { gaussianNll, lossOf, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const outputs = Tensor.of([[3, 0]]); // mean 3, variance e^0
 * assertEquals(lossOf(gaussianNll(), outputs, Tensor.of([[1]])).item(), 2);
 * ```
 */
export const gaussianNll: Factory<"loss", GaussianNllOptions> = definePlugin({
  name: "gaussian-nll",
  summary: "Negative log-likelihood of targets under means and variances.",
  paper: {
    authors: "Nix, Weigend",
    year: 1994,
    title: "Estimating the Mean and Variance of the Target Probability Distribution",
    url: "https://doi.org/10.1109/ICNN.1994.374138",
  },
  options: z.object({
    variance: z.enum(["log", "value"]).default("log").describe("what the second half of the outputs is"),
    epsilon: z.number("expected a number above 0").positive("expected a number above 0").default(1e-6)
      .describe("the least variance, when the outputs are the variance itself"),
    full: z.boolean().default(false).describe("whether the constant log(2 pi) / 2 is added for each target"),
    reduction: reductionSchema,
  }),
  targets: "numbers",
  loss(outputs, targets, { variance, epsilon, full, reduction }) {
    const [means, spread] = halves(outputs);
    checkTargets("gaussian-nll (means)", means, targets);
    const squares = means.sub(targets).square();
    // Like PyTorch, a variance below epsilon counts as epsilon.
    const floor = variance === "log" ? spread : spread.maximum(epsilon);
    const losses = variance === "log" ? floor.add(squares.mul(floor.neg().exp())) : floor.log().add(squares.div(floor));
    return reduce(full ? losses.mul(0.5).add(HALF_LOG_2PI) : losses.mul(0.5), reduction);
  },
  prediction: (outputs) => halves(outputs)[0],
  noise: (outputs, { variance, epsilon }) => {
    const [, spread] = halves(outputs);
    return variance === "log" ? spread.exp() : spread.maximum(epsilon);
  },
});
