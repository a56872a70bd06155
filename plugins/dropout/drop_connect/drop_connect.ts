/**
 * DropConnect: connections are dropped, not units.
 *
 * Wan, Zeiler, Zhang, LeCun, Fergus, "Regularization of Neural Networks using DropConnect", ICML 2013. Training, equation
 * (2): `r = a((M * W) v)` with a mask M for each example, on the bias too. Inference, section 3.2: the pre-activation is
 * taken as normal with mean `p W v` and variance `p (1 - p) (W * W) (v * v)`, keep probability p = 1 - rate, and the
 * activations of several draws of it are averaged.
 *
 * @module
 */
import { z } from "zod";
import {
  applyMask,
  type Context,
  definePlugin,
  type Epilogue,
  type Factory,
  keepProbability,
  kernels,
  type Mask,
  noGrad,
  OptionError,
  type ProductContext,
  rateSchema,
  rateThreshold,
  recycling,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../../core/mod.ts";
import {
  dropConnectBits,
  dropConnectInputGradient,
  dropConnectProduct,
  dropConnectWeightGradient,
} from "./_kernels.ts";
import { exampleProduct } from "./_per_example.ts";

/** Options of {@linkcode dropConnect}. */
export interface DropConnectOptions {
  /** Probability of dropping a connection, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
  /**
   * `example` (default), as in the paper: a mask for each example. Dense layers and convolutions can, and what is made of
   * them. `batch`: one mask for all examples of a pass, which costs little more than no dropping, but gradients vary more.
   */
  per?: "example" | "batch";
  /**
   * `inverted` (default): kept weights are divided by the keep probability in training. `classic`, as in the paper: they
   * are not, and evaluation multiplies by the keep probability.
   */
  convention?: "inverted" | "classic";
  /**
   * `mean` (default): evaluation uses the mean weight, and mode `sample` draws masks. `normal`, as in the paper, where a
   * mask for each example can be drawn: evaluation averages the activations of `samples` draws of a normal pre-activation, and mode `sample` makes
   * one such draw a pass. An activation can be averaged when it follows the layer directly and fuses with it: `relu`,
   * `sigmoid` or `tanh`. Before any other the mean is used, and gradients do not flow through the average.
   */
  inference?: "mean" | "normal";
  /** Draws that evaluation averages over with `inference: "normal"`, at least 1. Default 100. */
  samples?: number;
}

type Resolved = Required<DropConnectOptions> & { rate: number };

/** The probability of keeping that the threshold really gives, and the factor of the mean weight. */
function moments({ rate, convention }: Resolved): { keep: number; scale: number } {
  const keep = rate === 1 ? 0 : keepProbability(rateThreshold(rate));
  return { keep, scale: convention === "inverted" ? 1 : keep };
}

/** A weight's or bias's draw with one mask for all examples. */
function shared(part: "weight" | "bias", { key, options: { rate, convention } }: Context<Resolved>): Mask {
  const draw = { key: key.at(part).whole(), rate };
  return convention === "inverted" ? draw : { ...draw, a: 1, eval: "mean" };
}

function activated(y: Tensor, epilogue: Epilogue): Tensor {
  return epilogue === "none" ? y : y[epilogue]();
}

/** The host's product with masks; the layer's activation is applied. */
function training(x: Tensor, weight: Tensor, bias: Tensor | null, context: ProductContext<Resolved>): Tensor {
  const { key, options, epilogue, multiply } = context;
  const { rate, per, convention } = options;
  const scale = convention === "inverted";
  if (rate === 1) return activated(multiply(x, weight, bias).dropout(key, 1), epilogue);
  if (per === "batch") {
    const [w, b] = [applyMask(weight, shared("weight", context)), bias && applyMask(bias, shared("bias", context))];
    return multiply(x, w, b, epilogue);
  }
  const batch = x.shape[0];
  const ofExamples = (part: Tensor, name: "weight" | "bias") =>
    part.broadcastTo([batch, ...part.shape]).dropout(key.at(name), rate, { scale });
  if (weight.rank > 2) return multiply(x, ofExamples(weight, "weight"), bias && ofExamples(bias, "bias"), epilogue);
  let y = exampleProduct(x, weight, key.at("weight"), rate, scale);
  // Like the weight's, an example's mask on the bias is shared by its rows.
  if (bias !== null) {
    y = y.add(ofExamples(bias, "bias").reshape([batch, ...x.shape.slice(1, -1).map(() => 1), bias.size]));
  }
  return activated(y, epilogue);
}

/** The normal distribution that stands for the masked product: mean and standard deviation. */
function normalMoments(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { options, multiply }: ProductContext<Resolved>,
): [Tensor, Tensor] {
  const { keep, scale } = moments(options);
  const factor = options.convention === "inverted" ? (1 - keep) / keep : keep * (1 - keep);
  const mean = multiply(x, weight, bias).mul(scale);
  const variance = multiply(x.square(), weight.square(), bias && bias.square()).mul(factor);
  return [mean, variance.maximum(1e-30).sqrt()]; // a root of 0 has no gradient
}

/** The average of the activation over draws of the pre-activation, in the memory of one draw. */
function averaged(mean: Tensor, deviation: Tensor, { key, options, epilogue }: ProductContext<Resolved>): Tensor {
  if (epilogue === "none") return mean;
  const total = Tensor.zeros(mean.shape, mean.dtype);
  for (let draw = 0; draw < options.samples; draw++) {
    recycling(() => {
      const noise = Tensor.normal(mean.shape, key.at("normal").atPass(draw), mean.floatType);
      const activation = mean.add(noise.mul(deviation))[epilogue]();
      kernels.accumulate(activation.floats, total.floats, 1 / options.samples);
    });
  }
  return total;
}

/**
 * Drops connections at random: `dense(800, { weight: dropConnect() })`. In training each example meets a weight and a bias
 * of its own, with entries zeroed. A rate of 0 is the identity; a rate of 1 gives pre-activations of 0 with zero gradients.
 *
 * In a convolution, `conv2d(32, 3, { weight: dropConnect() })`, each example has filters of its own, which all places share;
 * `normal` inference takes the mean and the variance at each place by two convolutions.
 *
 * When: wide layers that overfit, above all dense ones; `normal` inference where evaluation may cost many draws.
 * Cost: a random number for each example and connection. Dense layers keep a bit for each until the gradients are computed,
 * 10 MiB for a batch of 128 and 800 x 800 connections; of more than 32 MiB none is kept, and the masks are drawn again for
 * the gradients, 2 MiB at a time. Convolutions hold a copy of the weight for each example.
 *
 * @throws {OptionError} at a layer that cannot draw for each example, unless `per` is `batch`
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropConnect, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const hidden = dense(16, { weight: dropConnect({ rate: 0.5, inference: "normal" }) });
 * const model = buildModel(sequential([hidden, relu(), dense(10)]), { inputShape: [8], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([4, 8]), { mode: "train", step: 0 }).shape, [4, 10]);
 * ```
 */
export const dropConnect: Factory<"weight" | "product", DropConnectOptions> = definePlugin({
  name: "drop-connect",
  kernels: [dropConnectBits, dropConnectProduct, dropConnectInputGradient, dropConnectWeightGradient],
  summary: "Zeroes connections at random in training, for each example anew.",
  paper: {
    authors: "Wan, Zeiler, Zhang, LeCun, Fergus",
    year: 2013,
    title: "Regularization of Neural Networks using DropConnect",
    url: "https://proceedings.mlr.press/v28/wan13.html",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a connection, in [0, 1]"),
    per: z.enum(["example", "batch"]).default("example").describe("a mask for each example, or one for all"),
    convention: z.enum(["inverted", "classic"]).default("inverted").describe("where the scaling happens"),
    inference: z.enum(["mean", "normal"]).default("mean").describe("the mean weight, or a normal pre-activation"),
    samples: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(100)
      .describe("draws that evaluation averages over"),
  }),
  fuses: true,
  init({ options: { per }, role }) {
    if (role === "weight" && per === "example") {
      throw new OptionError("per", '"batch", since this layer cannot draw a mask for each example', per);
    }
    return {};
  },
  weight: { mask: (context) => shared("weight", context) },
  product(x, weight, bias, context) {
    const { mode, options, epilogue, multiply } = context;
    const { keep, scale } = moments(options);
    if (keep === 1) return multiply(x, weight, bias, epilogue);
    if (options.inference === "normal" && keep > 0) {
      if (mode === "eval") return noGrad(() => averaged(...normalMoments(x, weight, bias, context), context));
      if (mode === "sample") {
        const [mean, deviation] = normalMoments(x, weight, bias, context);
        const y = mean.add(Tensor.normal(mean.shape, context.key.at("normal"), mean.floatType).mul(deviation));
        return activated(y, epilogue);
      }
    }
    if (mode !== "eval") return training(x, weight, bias, context);
    if (scale === 1) return multiply(x, weight, bias, epilogue);
    return activated(multiply(x, weight, bias).mul(scale), epilogue);
  },
  claims: ({ per, convention, inference }) => ({
    mean: convention === "classic" ? "reduced" : "kept",
    eval: convention === "classic" ? "scaled" : "identity",
    draw: per === "batch" ? "batch" : "sample",
    ...(inference === "normal" ? { sample: "otherwise" } : {}),
  }),
  cases: [{}, { per: "batch" }, { convention: "classic", inference: "normal" }],
});
