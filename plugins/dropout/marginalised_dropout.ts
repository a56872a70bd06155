/**
 * Marginalised dropout: the noise is averaged over by hand, and leaves a penalty.
 *
 * Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
 * Overfitting", JMLR 15 (2014), section 9.1: for linear regression, the expected squared error under dropout of the inputs is
 * `||y - X w||^2 + p / (1 - p) ||G w||^2` with `G = diag(X^T X)^1/2` for the scaled weights w, and rate p.
 *
 * Wager, Wang, Liang, "Dropout Training as Adaptive Regularization", NIPS 2013, section 2: for a generalised linear model with
 * the log-partition function A, the expected loss grows by about `p / (2 (1 - p)) sum_ij A''(x_i b) x_ij^2 b_j^2`.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  type Scheduled,
  scheduled,
  ShapeError,
  showShape,
  type Tensor,
} from "../../core/mod.ts";

/** What the loss behind a marginalised layer is. */
export type MarginalisedLoss = "squared" | "logistic" | "softmax";

/** Options of {@linkcode marginalisedDropout}. */
export interface MarginalisedDropoutOptions {
  /**
   * What the layer's outputs are compared by: `squared` for `meanSquaredError`, `logistic` for `binaryCrossEntropy`,
   * `softmax` for `crossEntropy`, each averaged over the batch and without class weights.
   */
  loss: MarginalisedLoss;
  /** Probability of dropping an input of the layer, in [0, 1), or a schedule. Default 0.5. */
  rate?: Scheduled;
}

const range = "expected a number in [0, 1): at 1 the penalty would be infinite";

/** Half of the loss's second derivative times the logits' variance over a rate's odds: `[rows, ...]`. */
function curvature(loss: MarginalisedLoss, x: Tensor, weight: Tensor, logits: Tensor): Tensor {
  const squares = x.square();
  if (loss === "softmax") {
    // trace((diag(P) - P P^T) W diag(x^2) W^T): all logits see the same dropped inputs.
    const p = logits.softmax();
    return p.matmul(weight.square()).sub(p.matmul(weight).square()).mul(squares).sum(-1).mul(0.5);
  }
  const variance = squares.matmul(weight.square().transpose());
  if (loss === "squared") return variance;
  const p = logits.sigmoid();
  return p.sub(p.square()).mul(variance).mul(0.5);
}

/**
 * Dropout of a dense layer's inputs without a draw, at the weight of a model's last layer:
 * `dense(1, { weight: marginalisedDropout({ loss: "squared" }) })`. The layer computes its plain product in every mode; what
 * dropout's noise adds to the expected loss is a penalty in training. For the squared error it is exact, so that linear
 * regression ends at the closed form `(X^T X + p / (1 - p) diag(X^T X))^-1 X^T y`; for logistic and softmax regression it is of
 * second order, with a curvature that depends on the weights and is differentiated too. The bias is not dropped. Where classes
 * can be separated, that penalty falls again as weights grow, and holds them only near where they begin; the loss of
 * `fastDropout` grows with them.
 *
 * Behind hidden layers it averages over dropout of the last hidden units, and its gradient reaches the layers before.
 *
 * A rate of 0 is the identity; 1 is refused. It is for a dense layer; it throws `ShapeError` at any other.
 *
 * When: linear, logistic or softmax regression with dropout of the features, where noise in the gradient is not wanted.
 * Cost: two more products of the layer's size a step for the penalty, and their memory; nothing at evaluation.
 *
 * @example
 * ```ts
 * import { buildModel, dense, marginalisedDropout, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const layer = dense(1, { bias: false, weight: marginalisedDropout({ loss: "squared", rate: 0.5 }) });
 * const model = buildModel(layer, { inputShape: [2] });
 * model.parameters()[0].tensor.assign(Tensor.of([[3, 1]]));
 * const [y, penalty] = model.forwardWithPenalty(Tensor.of([[1, 2]]), { mode: "train", step: 0 });
 * assertAlmostEquals(y.item(), 5, 1e-6);
 * assertAlmostEquals(penalty!.item(), 3 ** 2 + 2 ** 2, 1e-5); // the variance of 3 (1 + e) + 2 (1 + e), e = -1 or 1
 * ```
 */
export const marginalisedDropout: Factory<"product", MarginalisedDropoutOptions> = definePlugin({
  name: "marginalised-dropout",
  summary: "Adds what dropout of a layer's inputs does to the expected loss as a penalty.",
  paper: {
    authors: "Wager, Wang, Liang",
    year: 2013,
    title: "Dropout Training as Adaptive Regularization",
    url: "https://arxiv.org/abs/1307.1493",
  },
  options: z.object({
    loss: z.enum(["squared", "logistic", "softmax"]).describe("what the layer's outputs are compared by"),
    rate: scheduled(z.number(range).min(0, range).lt(1, range)).default(0.5)
      .describe("probability of dropping an input, in [0, 1)"),
  }),
  init({ inputShape }) {
    if (inputShape.length === 2) return {};
    throw new ShapeError(
      `expected the weight [units, inputs] of a dense layer, found one of ${showShape(inputShape)}.`,
    );
  },
  product: (x, weight, bias, { multiply }) => multiply(x, weight, bias),
  penalty({ options: { loss, rate } }, { input, weight, output }) {
    const rows = (t: Tensor) => t.reshape([-1, t.shape[t.rank - 1]]);
    const added = curvature(loss, rows(input!), weight!, rows(output!));
    // A penalty stands beside the mean of the losses: over outputs too, but for softmax.
    return added.sum().mul(rate / (1 - rate) / Math.max(added.size, 1));
  },
  claims: { mean: "kept", eval: "identity", draw: "none", dropped: "otherwise" },
  cases: [{ loss: "squared" }, { loss: "logistic" }, { loss: "softmax" }],
});
