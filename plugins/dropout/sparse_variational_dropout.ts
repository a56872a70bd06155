/**
 * Sparse variational dropout: every weight learns its own noise, and what drowns in it is zero.
 *
 * Molchanov, Ashukha, Vetrov, "Variational Dropout Sparsifies Deep Neural Networks", ICML 2017. The posterior of a weight is
 * `N(w, sigma^2)`, with `log sigma^2` as the parameter (additive noise, equation 11) and `alpha = sigma^2 / w^2`. Outputs
 * are drawn in place of weights (local reparameterisation, equations 17 and 18): `y ~ N(w x, sigma^2 x^2)`. The divergence
 * from the log-uniform prior is that of equation (14):
 * `KL = k1 - k1 sigmoid(k2 + k3 log alpha) + 0.5 log(1 + 1 / alpha)`, k1 = 0.63576, k2 = 1.87320, k3 = 1.48695. Weights
 * with `log alpha >= 3` are zero at evaluation. As in the authors' code `log alpha` is confined to [-8, 8].
 *
 * @module
 */
import { z } from "zod";
import { type Context, definePlugin, type Factory, Tensor } from "../../core/mod.ts";
import {
  divergenceFactor,
  divergenceFields,
  type DivergenceOptions,
  sharedShape,
  sumOverWeights,
} from "./_variational.ts";

/** Options of {@linkcode sparseVariationalDropout}. */
export interface SparseVariationalDropoutOptions extends DivergenceOptions {
  /** The logarithm of the noise's variance to begin with. Default -10. */
  logVariance?: number;
  /**
   * `weight` (default): each has a noise of its own. `unit`, `input`: those into one unit or channel, or from one input
   * unit or channel, share `alpha`, so that they go as a whole; the variance is then the mean of theirs.
   */
  per?: "weight" | "unit" | "input";
  /** Weights whose `log alpha` is at least this are zero at evaluation; in [-8, 8]. Default 3. */
  threshold?: number;
  /**
   * Whether such weights are zero in the mean of the drawn outputs, too, while their noise stays, as in the authors' code
   * for LeNet-300-100. Default false, as in the paper.
   */
  trainClip?: boolean;
}

type Resolved = Required<Omit<SparseVariationalDropoutOptions, "examples" | "klWeight">> & {
  klWeight: number;
  examples?: number | undefined;
};

/** `log alpha` is confined to [-LIMIT, LIMIT]. */
const LIMIT = 8;
/** Added to squares before their logarithm, and to variances before their root. */
const TINY = 1e-8;

/** The axes along which weights share their noise. */
function axesOf(weight: Tensor, per: Resolved["per"]): number[] {
  const kept = per === "unit" ? 0 : 1;
  return weight.shape.map((_, axis) => axis).filter((axis) => axis !== kept);
}

/** `log alpha`, of a shape that stretches to the weight's. */
function logAlphaOf(weight: Tensor, { params, options: { per } }: Context<Resolved>): Tensor {
  const square = weight.square();
  const size = per === "weight" ? square : square.mean(axesOf(weight, per), true);
  return params.log_variance.sub(size.add(TINY).log()).clamp(-LIMIT, LIMIT);
}

/** The weight with zeros where the noise has drowned it. */
function thresholded(weight: Tensor, logAlpha: Tensor, threshold: number): Tensor {
  const kept = Tensor.full([], threshold, logAlpha.dtype).greater(logAlpha);
  return weight.mask(kept.broadcastTo(weight.shape));
}

/**
 * The divergence of one weight's posterior from the log-uniform prior, entry by entry: within 0.0095 of the exact one, and 0
 * in the limit of infinite noise.
 *
 * @param logAlpha logarithms of `alpha`, the noise's variance over the squared weight
 */
export function sparseDivergence(logAlpha: Tensor): Tensor {
  const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];
  // k1 - k1 sigmoid(z) = k1 sigmoid(-z), and log(1 + 1 / alpha) = softplus(-log alpha).
  return logAlpha.mul(-k3).sub(k2).sigmoid().mul(k1).add(logAlpha.neg().softplus().mul(0.5));
}

/**
 * Sparse variational dropout (Molchanov et al., 2017), for any weight: `dense(300, { weight: sparseVariationalDropout() })`,
 * and convolutions alike. In training and in mode `sample` the outputs are drawn, for each example anew, from the normal
 * distribution that noisy weights give them; evaluation uses the means, with zeros where `log alpha` has reached the
 * threshold. The divergence of the noise from its prior is added to the loss and drives most weights there. Its parameter
 * is `log_variance`; `sparsity` counts the weights that are left. Where a layer takes no variant of its whole product,
 * as for a recurrent layer's states, the weight itself is drawn, once a pass.
 *
 * There is no `rate`: the noise is learned. Let the divergence's weight rise over the first epochs, and the learning rate
 * fall to 0 at the end.
 *
 * When: a trained net must become small. Most weights of a layer too large for its task go, without a search for rates.
 * Cost: two products in place of one, a parameter beside each weight, and some passes over the weights for each step.
 *
 * @throws {OptionError} in training, where `examples` is neither given nor known
 *
 * @example
 * ```ts
 * import { buildModel, dense, relu, sequential, sparseVariationalDropout, Tensor, warmUp } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const weight = sparseVariationalDropout({ klWeight: warmUp(1, { over: 10 }), examples: 1000 });
 * const model = buildModel(sequential([dense(8, { weight }), relu(), dense(2, { weight })]), { inputShape: [4] });
 * const [y, penalty] = model.forwardWithPenalty(Tensor.ones([3, 4]), { mode: "train", step: 0 });
 * assertEquals([y.shape, penalty!.shape], [[3, 2], []]);
 * ```
 */
export const sparseVariationalDropout: Factory<"weight" | "product", SparseVariationalDropoutOptions> = definePlugin({
  name: "sparse-variational-dropout",
  summary: "Learns the noise of every weight, and zeroes the weights that drown in it.",
  paper: {
    authors: "Molchanov, Ashukha, Vetrov",
    year: 2017,
    title: "Variational Dropout Sparsifies Deep Neural Networks",
    url: "https://proceedings.mlr.press/v70/molchanov17a.html",
  },
  options: z.object({
    ...divergenceFields,
    logVariance: z.number().default(-10).describe("the logarithm of the noise's variance to begin with"),
    per: z.enum(["weight", "unit", "input"]).default("weight").describe("which weights share their noise"),
    threshold: z.number("expected a number in [-8, 8]").min(-LIMIT, "expected a number in [-8, 8]")
      .max(LIMIT, "expected a number in [-8, 8]").default(3).describe("weights of this log alpha are zero"),
    trainClip: z.boolean().default(false).describe("whether they are zero in training, too"),
  }),
  init({ options: { logVariance, per }, weight, dtype }) {
    return { params: { log_variance: Tensor.full(sharedShape(weight!.shape, per), logVariance, dtype) } };
  },
  product(x, weight, bias, context) {
    const { mode, options: { threshold, trainClip }, key, multiply } = context;
    const logAlpha = logAlphaOf(weight, context);
    if (mode === "eval") return multiply(x, thresholded(weight, logAlpha, threshold), bias);
    const mean = multiply(x, trainClip ? thresholded(weight, logAlpha, threshold) : weight, bias);
    const variance = multiply(x.square(), logAlpha.exp().mul(weight.square()), null);
    return mean.add(variance.add(TINY).sqrt().mul(Tensor.normal(mean.shape, key, mean.floatType)));
  },
  weight(weight, context) {
    const { mode, options: { threshold, trainClip }, key } = context;
    const logAlpha = logAlphaOf(weight, context);
    if (mode === "eval") return thresholded(weight, logAlpha, threshold);
    const mean = trainClip ? thresholded(weight, logAlpha, threshold) : weight;
    const noise = Tensor.normal(weight.shape, key, weight.floatType);
    return mean.add(weight.mul(logAlpha.mul(0.5).exp()).mul(noise));
  },
  penalty(context, { weight }) {
    const factor = divergenceFactor(context);
    if (factor === 0) return Tensor.zeros([], weight!.dtype);
    return sumOverWeights(sparseDivergence(logAlphaOf(weight!, context)), weight!).mul(factor);
  },
  claims: ({ trainClip }) => (trainClip ? {} : { mean: "kept" }),
  cases: [{ examples: 1000 }, { examples: 1000, per: "unit" }, { examples: 1000, per: "input" }, {
    examples: 1000,
    trainClip: true,
  }],
});
