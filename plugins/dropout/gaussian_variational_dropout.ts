/**
 * Gaussian variational dropout: Gaussian dropout whose noise is learned.
 *
 * Kingma, Salimans, Welling, "Variational Dropout and the Local Reparameterization Trick", NIPS 2015. Weights have the
 * posterior `N(w, alpha w^2)` with `alpha = rate / (1 - rate)`, a parameter of at most 1. Type A, section 3.2, correlated:
 * `y = (x * xi) W^T`, `xi ~ N(1, alpha)` for each input, which all outputs see; the weights of an input have one noise. Type
 * B, section 3.1, independent: `y ~ N(x W^T, alpha x^2 (W^2)^T)`, each output by itself. Both give an output the same mean
 * and variance. The divergence from the log-uniform prior is approximated as in equation (15) of section 3.4:
 * `KL = c - 0.5 log alpha - c1 alpha - c2 alpha^2 - c3 alpha^3`; the constant c, which the paper leaves out, is that with
 * which it is exact in the limit of no noise, `0.5 (gamma + log 2)`.
 *
 * @module
 */
import { z } from "zod";
import {
  type Context,
  definePlugin,
  type Factory,
  type InitContext,
  type Initial,
  OptionError,
  type ProductContext,
  type Shape,
  sizeOf,
  Tensor,
} from "../../core/mod.ts";
import { nonNegative } from "../constraints/non_negative.ts";
import {
  divergenceFactor,
  divergenceFields,
  type DivergenceOptions,
  sharedShape,
  type Sharing,
  sumOverWeights,
} from "./_variational.ts";

/** Options of {@linkcode gaussianVariationalDropout}. */
export interface GaussianVariationalDropoutOptions extends DivergenceOptions {
  /** The dropout rate whose noise it begins with, in (0, 0.5]: `alpha = rate / (1 - rate)`. Default 0.5. */
  rate?: number;
  /** `A`: an input has one noise for all outputs. `B` (default): each output has noise of its own. */
  type?: "A" | "B";
  /**
   * What has an `alpha` of its own: the whole `layer` (default), each `unit` or channel of the output, each `input` unit or
   * channel, or each `weight`. With type A `layer` or `input`.
   */
  per?: "layer" | "unit" | "input" | "weight";
}

interface Resolved {
  readonly rate: number;
  readonly type: "A" | "B";
  readonly per: Sharing;
  readonly klWeight: number;
  readonly examples?: number | undefined;
}

const range = "expected a number in (0, 0.5]: alpha is above 0 and at most 1";

/** Added to variances before their root is taken, whose slope at 0 is infinite. */
const TINY = 1e-16;

/**
 * The divergence of one weight's posterior from the log-uniform prior, entry by entry: too small by 0.0002 at
 * `log alpha = -8`, by at most 0.041 up to `alpha = 1`, beyond which it says nothing.
 *
 * @param alpha the noise's variance over the squared weight, in (0, 1]
 */
export function gaussianDivergence(alpha: Tensor): Tensor {
  const [c1, c2, c3] = [1.16145124108323, -1.502041176441722, 0.586299206427007];
  const limit = 0.5 * (0.5772156649015329 + Math.LN2);
  const cubic = alpha.mul(c3).add(c2).mul(alpha).add(c1).mul(alpha);
  return alpha.log().mul(0.5).add(cubic).neg().add(limit);
}

/** The noise's variance over what it multiplies. */
function alphaOf({ params, emit }: Context<Resolved>): Tensor {
  const alpha = params.log_precision.neg().exp();
  emit("alpha", alpha);
  return alpha;
}

/** `1 + sqrt(alpha) e`, with one normal number for each entry of a shape. */
function noise(alpha: Tensor, shape: Shape, { key }: Context<Resolved>): Tensor {
  return Tensor.normal(shape, key, alpha.floatType).mul(alpha.sqrt()).add(1);
}

/** The shape of the noise on a layer's input: an input unit or channel has one in each example, or in each row of it. */
function inputShapeOf(x: Tensor, weight: Tensor): Shape {
  return weight.rank === 2 ? x.shape : x.shape.map((extent, axis) => axis < 2 ? extent : 1);
}

/** The noises of a layer's inputs, in a shape that stretches to the input. */
function inputAlpha(alpha: Tensor, x: Tensor, weight: Tensor): Tensor {
  if (alpha.size === 1) return alpha.reshape([]);
  if (weight.rank === 2) return alpha.reshape([weight.shape[1]]);
  // Groups of channels have the same weights' inputs.
  const groups = x.shape[1] / weight.shape[1];
  const all = alpha.reshape([1, weight.shape[1]]).broadcastTo([groups, weight.shape[1]]);
  return all.reshape([x.shape[1], ...x.shape.slice(2).map(() => 1)]);
}

function product(x: Tensor, weight: Tensor, bias: Tensor | null, context: ProductContext<Resolved>): Tensor {
  const { mode, options, key, multiply } = context;
  const alpha = alphaOf(context);
  if (mode === "eval") return multiply(x, weight, bias);
  if (options.type === "A") {
    return multiply(x.mul(noise(inputAlpha(alpha, x, weight), inputShapeOf(x, weight), context)), weight, bias);
  }
  const mean = multiply(x, weight, bias);
  const variance = multiply(x.square(), weight.square().mul(alpha), null);
  return mean.add(variance.add(TINY).sqrt().mul(Tensor.normal(mean.shape, key, mean.floatType)));
}

function init({ options: { rate, type, per }, weight, inputShape, dtype }: InitContext<Resolved>): Initial {
  if (weight === null && type !== "A") throw new OptionError("type", '"A" at a layer position', type);
  if (type === "A" && per !== "layer" && per !== "input") {
    throw new OptionError("per", '"layer" or "input" with type A, whose outputs share their noise', per);
  }
  const shape = weight !== null ? sharedShape(weight.shape, per) : per === "input" ? inputShape : [];
  // Kept at 0 or above, so that alpha is at most 1.
  const value = Tensor.full(shape, Math.log(1 - rate) - Math.log(rate), dtype);
  return { params: { log_precision: { value, constraint: nonNegative() } } };
}

/**
 * Gaussian variational dropout (Kingma et al., 2015), for any weight: `dense(800, { weight: gaussianVariationalDropout() })`,
 * and convolutions alike. In training and in mode `sample` outputs are noisy, evaluation uses the means. How noisy they are
 * is learned: the loss gets the divergence of the noisy weights from their prior, which rewards noise. `Model.forwardAll`
 * gives the noise's variance as `alpha`; the parameter is `log_precision`, its logarithm turned around, at least 0.
 *
 * With type B an output's noise is its own and is drawn from the distribution that noisy weights give it; in a convolution
 * each place counts as an output. With type A noise is on the inputs, and the outputs share it; in a convolution a channel
 * has one noise for all places of an example. The divergence is counted once for each weight with type B, once for each
 * input unit or channel with type A. Type A can also stand at a layer position, where it is `gaussianDropout` with a learned
 * rate and has an `alpha` for all of an example or for each of its entries. Where a layer takes no variant of its whole
 * product, the weight itself is noisy, drawn once a pass.
 *
 * When: Gaussian dropout is wanted without a search for its rate, or a rate for each unit or weight.
 * Cost: type A that of Gaussian dropout; type B two products in place of one.
 *
 * @throws {OptionError} for `per: "unit"` or `"weight"` with type A, for type B at a layer position, and in training where
 * `examples` is neither given nor known
 *
 * @example
 * ```ts
 * import { buildModel, dense, gaussianVariationalDropout, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const weight = gaussianVariationalDropout({ rate: 0.2, examples: 1000 });
 * const model = buildModel(sequential([dense(8, { weight }), relu(), dense(2)]), { inputShape: [4] });
 * const { emitted } = model.forwardAll(Tensor.ones([3, 4]), { mode: "train", step: 0 });
 * assertAlmostEquals(emitted.get("0.weight.alpha")!.mean().item(), 0.25, 1e-6);
 * ```
 */
export const gaussianVariationalDropout: Factory<
  "activation" | "weight" | "product",
  GaussianVariationalDropoutOptions
> = definePlugin({
  name: "gaussian-variational-dropout",
  summary: "Gaussian dropout whose noise is learned, on weights or on inputs.",
  paper: {
    authors: "Kingma, Salimans, Welling",
    year: 2015,
    title: "Variational Dropout and the Local Reparameterization Trick",
    url: "https://arxiv.org/abs/1506.02557",
  },
  options: z.object({
    rate: z.number(range).gt(0, range).max(0.5, range).default(0.5).describe("the rate whose noise it begins with"),
    type: z.enum(["A", "B"]).default("B").describe("whether outputs share the noise of an input, or have their own"),
    per: z.enum(["layer", "unit", "input", "weight"]).default("layer").describe("what has a noise of its own"),
    ...divergenceFields,
  }),
  init,
  activation: (x, context) => {
    const alpha = alphaOf(context);
    return context.mode === "eval" ? x : x.mul(noise(alpha, x.shape, context));
  },
  product,
  weight(weight, context) {
    const alpha = alphaOf(context);
    if (context.mode === "eval") return weight;
    const shape = context.options.type === "A" ? sharedShape(weight.shape, "input") : weight.shape;
    return weight.mul(noise(alpha, shape, context));
  },
  penalty(context, { input, weight }) {
    const factor = divergenceFactor(context);
    const alpha = context.params.log_precision.neg().exp();
    if (factor === 0) return Tensor.zeros([], alpha.dtype);
    const divergence = gaussianDivergence(alpha);
    if (weight !== null && context.options.type === "B") return sumOverWeights(divergence, weight).mul(factor);
    // Noise on inputs: one for each unit or channel; at a layer position one for each entry of an example.
    const { shape } = weight ?? input!;
    const count = weight === null
      ? sizeOf(shape.slice(1))
      : input !== null && shape.length > 2
      ? input.shape[1]
      : shape[1];
    return divergence.mean().mul(count * factor);
  },
  claims: ({ type }) => ({
    mean: "kept",
    eval: "identity",
    rates: [],
    ...(type === "A" ? { shares: ["entries"] as const } : {}),
  }),
  cases: [
    { examples: 1000 },
    { examples: 1000, type: "A", per: "input", rate: 0.2 },
    { examples: 1000, per: "unit", rate: 0.1 },
  ],
});
