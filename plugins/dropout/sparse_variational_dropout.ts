/**
 * Sparse variational dropout: every weight learns its own noise, and what drowns in it is zero.
 *
 * Molchanov, Ashukha, Vetrov, "Variational Dropout Sparsifies Deep Neural Networks", ICML 2017. The posterior of a weight is
 * `N(w, sigma^2)`, with `log sigma^2` as the parameter (additive noise, equation 11) and `alpha = sigma^2 / w^2`. Outputs
 * are drawn in place of weights (local reparameterisation, equations 17 and 18): `y ~ N(w x, sigma^2 x^2)`. The divergence
 * from the log-uniform prior is that of equation (14):
 * `KL = k1 - k1 sigmoid(k2 + k3 log alpha) + 0.5 log(1 + 1 / alpha)`, k1 = 0.63576, k2 = 1.87320, k3 = 1.48695. Weights
 * with `log alpha >= 3` are zero at evaluation. As in the authors' code `log alpha` is at most 8; theirs is at least -8, too,
 * where ours is left alone, so that a weight without noise is a plain weight.
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
  /** Weights whose `log alpha` is at least this are zero at evaluation; at most 8. Default 3, where a rate would be 0.95. */
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

/** What `log alpha` follows from. */
type Learned = Pick<Context<Resolved>, "params" | "options">;

/** The largest `log alpha`: a weight that has all but vanished keeps a noise to its size. */
const LARGEST = 8;
/** Added to squared weights before their logarithm is taken. */
const TINY = 1e-8;
/** Added to variances before their root is taken, whose slope at 0 is infinite. */
const TINIEST = 1e-16;

/** The axes along which weights share their noise. */
function axesOf(weight: Tensor, per: Resolved["per"]): number[] {
  const kept = per === "unit" ? 0 : 1;
  return weight.shape.map((_, axis) => axis).filter((axis) => axis !== kept);
}

/** `log alpha`, of a shape that stretches to the weight's. */
function logAlphaOf(weight: Tensor, { params, options: { per } }: Learned): Tensor {
  const square = weight.square();
  const size = per === "weight" ? square : square.mean(axesOf(weight, per), true);
  return params.log_variance.sub(size.add(TINY).log()).minimum(LARGEST);
}

/** Which weights the noise has not drowned: 1 or 0. */
function keptOf(weight: Tensor, logAlpha: Tensor, { threshold }: Resolved): Tensor {
  return Tensor.full([], threshold, logAlpha.dtype).greater(logAlpha).broadcastTo(weight.shape);
}

/** The weight that evaluation uses, with zeros where the noise has drowned it. */
function evaluated(weight: Tensor, logAlpha: Tensor, { options, emit }: Context<Resolved>): Tensor {
  const kept = keptOf(weight, logAlpha, options);
  emit("kept", kept);
  return weight.mask(kept);
}

/** The means of the weights in training. */
function means(weight: Tensor, logAlpha: Tensor, { options }: Context<Resolved>): Tensor {
  return options.trainClip ? weight.mask(keptOf(weight, logAlpha, options)) : weight;
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
    threshold: z.number("expected a number of at most 8").max(LARGEST, "expected a number of at most 8").default(3)
      .describe("weights of this log alpha are zero"),
    trainClip: z.boolean().default(false).describe("whether they are zero in training, too"),
  }),
  init({ options: { logVariance, per }, weight, dtype }) {
    return { params: { log_variance: Tensor.full(sharedShape(weight!.shape, per), logVariance, dtype) } };
  },
  product(x, weight, bias, context) {
    const { mode, key, multiply } = context;
    const logAlpha = logAlphaOf(weight, context);
    if (mode === "eval") return multiply(x, evaluated(weight, logAlpha, context), bias);
    const mean = multiply(x, means(weight, logAlpha, context), bias);
    const variance = multiply(x.square(), logAlpha.exp().mul(weight.square()), null);
    return mean.add(variance.add(TINIEST).sqrt().mul(Tensor.normal(mean.shape, key, mean.floatType)));
  },
  weight(weight, context) {
    const logAlpha = logAlphaOf(weight, context);
    if (context.mode === "eval") return evaluated(weight, logAlpha, context);
    const noise = Tensor.normal(weight.shape, context.key, weight.floatType);
    return means(weight, logAlpha, context).add(weight.mul(logAlpha.mul(0.5).exp()).mul(noise));
  },
  prunes: (weight, context) => weight.mask(keptOf(weight, logAlphaOf(weight, context), context.options)),
  penalty(context, { weight }) {
    const factor = divergenceFactor(context);
    if (factor === 0) return Tensor.zeros([], weight!.dtype);
    return sumOverWeights(sparseDivergence(logAlphaOf(weight!, context)), weight!).mul(factor);
  },
  claims: ({ trainClip }) => (trainClip ? {} : { mean: "kept" }),
  cases: [{ examples: 1000 }, { examples: 1000, per: "unit", trainClip: true }, { examples: 1000, per: "input" }],
});
