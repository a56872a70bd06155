/**
 * Concrete dropout: the rate is learned.
 *
 * Gal, Hron, Kendall, "Concrete Dropout", NIPS 2017. Equation (5): masks are relaxed to
 * `z = 1 - sigmoid((log p - log(1 - p) + log u - log(1 - u)) / t)`, u uniform, so that gradients reach the rate p, and
 * `y = x z / (1 - p)`. Equations (3) and (4): the penalty `wr ||W||^2 / (1 - p) + dr K (p log p + (1 - p) log(1 - p))` for K
 * dropped inputs keeps the weight small and the rate near 1/2, against the data.
 *
 * @module
 */
import { z } from "zod";
import { type Context, definePlugin, type Factory, ShapeError, showShape, sizeOf, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode concreteDropout}. */
export interface ConcreteDropoutOptions {
  /** The rate to begin with, in (0, 1). Default 0.1. */
  rate?: number;
  /** Softness of the masks, above 0: they harden towards 0. Default 0.1, with `spatial` 2/3. */
  temperature?: number;
  /**
   * Whether whole channels are dropped: of `[batch, channels, ...]`, or of a dense layer's `[batch, ..., inputs]`. Default
   * false.
   */
  spatial?: boolean;
  /**
   * Factor of `||W||^2 / (1 - p)`, at least 0: for a prior of length scale l, noise precision tau and N examples,
   * `l^2 / (tau N)`. At a layer position, where no weight is in sight, it has no effect. Default 1e-6.
   */
  weightRegularizer?: number;
  /** Factor of `K (p log p + (1 - p) log(1 - p))`, at least 0: `2 / (tau N)`, for cross-entropy `1 / N`. Default 1e-5. */
  dropoutRegularizer?: number;
}

type Resolved = Omit<Required<ConcreteDropoutOptions>, "temperature"> & { temperature?: number | undefined };

const notNegative = z.number("expected a number of at least 0").min(0, "expected a number of at least 0");

/** Throws unless there is an axis along which a channel extends, if whole channels are to be dropped. */
function checkChannels(x: Tensor, spatial: boolean, axes: string): void {
  if (spatial && x.rank < 3) {
    throw new ShapeError(
      `spatial: true expects ${axes} with at least one further axis, found ${showShape(x.shape)}.`,
    );
  }
}

/** `x z / (1 - p)` with relaxed masks z, for whole channels one number each. */
function relaxed(x: Tensor, { key, params: { logit }, options }: Context<Resolved>, channels: number): Tensor {
  const { spatial, temperature = spatial ? 2 / 3 : 0.1 } = options;
  const shape = spatial ? x.shape.map((extent, axis) => axis === 0 || axis === channels ? extent : 1) : x.shape;
  const u = Tensor.uniform(shape, key, x.floatType);
  const noise = u.log().sub(u.neg().add(1).log());
  const mask = noise.add(logit).mul(-1 / temperature).sigmoid();
  // 1 / (1 - sigmoid(l)) = 1 + e^l.
  return x.mul(mask.mul(logit.exp().add(1)));
}

/** K: how many inputs of an example have a mask of their own; of a dense layer's, those of one position. */
function droppedInputs(x: Tensor, weight: Tensor | null, spatial: boolean): number {
  if (weight !== null && weight.rank === 2) return weight.shape[1];
  return spatial ? x.shape[1] : sizeOf(x.shape.slice(1));
}

/**
 * Dropout whose rate is a parameter, named `logit`: its logarithm of odds. `Model.forwardAll` gives the rate itself as
 * `rate`.
 *
 * At the weight of a dense layer or a convolution it drops the layer's inputs and has the paper's whole penalty:
 * `dense(1024, { weight: concreteDropout() })`. At a layer position it drops its input, `[batch, ...]`, without the
 * penalty of the weight behind it. With `spatial`, whole channels are dropped, as the paper does before convolutions:
 * `conv2d(32, 3, { weight: concreteDropout({ spatial: true }) })`; the K of the penalty is then the number of channels.
 * Masks are drawn in training and in mode `sample`; evaluation is the identity.
 *
 * When: where a rate is worth no search of its own, and where a prediction's uncertainty is to be calibrated.
 * Cost: a uniform number, three logarithms and a sigmoid for each entry, or for each channel with `spatial`; the masks are
 * held for the gradient.
 *
 * @throws {OptionError} at the weight of a layer that hands out no product, such as a recurrent one
 * @throws {ShapeError} with `spatial` where channels have no further axis
 *
 * @example
 * ```ts
 * import { buildModel, concreteDropout, dense, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const examples = 1000;
 * const weight = () => concreteDropout({ weightRegularizer: 1e-4 / examples, dropoutRegularizer: 2 / examples });
 * const layers = [dense(64, { weight: weight() }), relu(), dense(1, { weight: weight() })];
 * const model = buildModel(sequential(layers), { inputShape: [3], seed: 1 });
 * const [y, penalty] = model.forwardWithPenalty(Tensor.ones([5, 3]), { mode: "train", step: 0 });
 * assertEquals([y.shape, penalty!.shape], [[5, 1], []]);
 * ```
 */
export const concreteDropout: Factory<"activation" | "product", ConcreteDropoutOptions> = definePlugin({
  name: "concrete-dropout",
  summary: "Dropout whose rate is learned through relaxed masks.",
  paper: {
    authors: "Gal, Hron, Kendall",
    year: 2017,
    title: "Concrete Dropout",
    url: "https://arxiv.org/abs/1705.07832",
  },
  options: z.object({
    rate: z.number("expected a number in (0, 1)").gt(0, "expected a number in (0, 1)")
      .lt(1, "expected a number in (0, 1)").default(0.1).describe("the rate to begin with"),
    temperature: z.number("expected a number above 0").positive("expected a number above 0").optional()
      .describe("softness of the masks; default 0.1, with spatial 2/3"),
    spatial: z.boolean().default(false).describe("whether whole channels are dropped"),
    weightRegularizer: notNegative.default(1e-6).describe("factor of the weight's squared length over the keep rate"),
    dropoutRegularizer: notNegative.default(1e-5).describe("factor of the masks' negative entropy"),
  }),
  init({ options: { rate }, dtype }) {
    return { params: { logit: Tensor.full([], Math.log(rate / (1 - rate)), dtype) } };
  },
  activation(x, context) {
    checkChannels(x, context.options.spatial, "[batch, channels, ...]");
    context.emit("rate", context.params.logit.sigmoid());
    return context.mode === "eval" ? x : relaxed(x, context, 1);
  },
  product(x, weight, bias, context) {
    const convolves = weight.rank > 2; // over channels that lie behind the batch
    checkChannels(x, context.options.spatial, convolves ? "[batch, channels, ...]" : "[batch, ..., inputs]");
    context.emit("rate", context.params.logit.sigmoid());
    return context.multiply(
      context.mode === "eval" ? x : relaxed(x, context, convolves ? 1 : x.rank - 1),
      weight,
      bias,
    );
  },
  penalty({ params: { logit }, options }, { input, weight }) {
    const p = logit.sigmoid();
    const dropped = droppedInputs(input!, weight, options.spatial);
    // log p = -softplus(-l) and log(1 - p) = -softplus(l).
    const negativeEntropy = p.mul(logit.neg().softplus()).add(p.neg().add(1).mul(logit.softplus())).neg();
    const entropy = negativeEntropy.mul(options.dropoutRegularizer * dropped);
    if (weight === null) return entropy;
    return weight.square().sum().mul(logit.exp().add(1)).mul(options.weightRegularizer).add(entropy);
  },
  claims: ({ spatial }) => spatial ? { eval: "identity", shares: ["entries"] } : { eval: "identity" },
  cases: [{}, { spatial: true }],
});
