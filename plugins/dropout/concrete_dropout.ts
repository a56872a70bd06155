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
import {
  affine,
  type Context,
  definePlugin,
  type Factory,
  OptionError,
  ShapeError,
  showShape,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode concreteDropout}. */
export interface ConcreteDropoutOptions {
  /** The rate to begin with, in (0, 1). Default 0.1. */
  rate?: number;
  /** Softness of the masks, above 0: they harden towards 0. Default 0.1, with `spatial` 2/3. */
  temperature?: number;
  /** Whether whole channels of `[batch, channels, ...]` are dropped; not at a weight. Default false. */
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

/** `x z / (1 - p)` with relaxed masks z. */
function relaxed(x: Tensor, { key, params: { logit }, options }: Context<Resolved>): Tensor {
  const { spatial, temperature = spatial ? 2 / 3 : 0.1 } = options;
  const shape = spatial ? x.shape.map((extent, axis) => axis < 2 ? extent : 1) : x.shape;
  const u = Tensor.uniform(shape, key, x.floatType);
  const noise = u.log().sub(u.neg().add(1).log());
  const mask = noise.add(logit).mul(-1 / temperature).sigmoid();
  // 1 / (1 - sigmoid(l)) = 1 + e^l.
  return x.mul(mask.mul(logit.exp().add(1)));
}

/**
 * Dropout whose rate is a parameter, named `logit`: its logarithm of odds. `Model.forwardAll` gives the rate itself as
 * `rate`.
 *
 * At a dense layer's weight it drops the layer's inputs and has the paper's whole penalty:
 * `dense(1024, { weight: concreteDropout() })`. At a layer position it drops its input, `[batch, ...]`, without the
 * penalty of the weight behind it; there it can be `spatial`. Masks are drawn in training and in mode `sample`; evaluation
 * is the identity.
 *
 * @throws {ShapeError} at the weight of a convolution
 * @throws {OptionError} at the weight of another layer that is not dense, or with `spatial` at a weight
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
    if (context.options.spatial && x.rank < 3) {
      throw new ShapeError(
        `expected [batch, channels, ...] with at least one further axis, found ${showShape(x.shape)}.`,
      );
    }
    context.emit("rate", context.params.logit.sigmoid());
    return context.mode === "eval" ? x : relaxed(x, context);
  },
  product(x, weight, bias, context) {
    if (context.options.spatial) throw new OptionError("spatial", "false at a weight", true);
    if (weight.rank > 2) {
      throw new ShapeError(`expected the weight [units, inputs] of a dense layer, found ${showShape(weight.shape)}.`);
    }
    context.emit("rate", context.params.logit.sigmoid());
    return affine(context.mode === "eval" ? x : relaxed(x, context), weight, bias);
  },
  penalty({ params: { logit }, options }, { input, weight }) {
    const p = logit.sigmoid();
    const shape = input!.shape;
    const dropped = weight !== null
      ? weight.shape[1]
      : (options.spatial ? shape.slice(1, 2) : shape.slice(1)).reduce((n, extent) => n * extent, 1);
    // log p = -softplus(-l) and log(1 - p) = -softplus(l).
    const negativeEntropy = p.mul(logit.neg().softplus()).add(p.neg().add(1).mul(logit.softplus())).neg();
    const entropy = negativeEntropy.mul(options.dropoutRegularizer * dropped);
    if (weight === null) return entropy;
    return weight.square().sum().mul(logit.exp().add(1)).mul(options.weightRegularizer).add(entropy);
  },
  claims: { eval: "identity" },
});
