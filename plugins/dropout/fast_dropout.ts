/**
 * Fast dropout: dropout's masks are averaged over in closed form, not drawn.
 *
 * Wang, Manning, "Fast dropout training", ICML 2013. A sum of many masked inputs is nearly normal, with the mean
 * `mu = sum q w x` and the variance `s^2 = sum q (1 - q) w^2 x^2` for keep probability q; hidden units hand on the mean and
 * variance of their activation, and the loss is replaced by its expectation over the normal output. For logistic regression
 * equation (7) gives the mean of `sigmoid(X)` as `sigmoid(k mu)` with `k = (1 + pi s^2 / 8)^-1/2`, so that the expected loss of
 * a label y = -1 or 1 is `-log sigmoid(k y mu) / k`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type ExpectationForm, type Factory, gradients } from "../../core/mod.ts";

/** Options of {@linkcode fastDropout}. */
export interface FastDropoutOptions {
  /**
   * How the logistic loss is averaged: `probit` (default), by equation (7), or `delta`, the second order around the mean. The
   * squared error is exact and the softmax loss of second order with either.
   */
  form?: ExpectationForm;
}

/**
 * Trains a model with the mean and the variance of its output over all dropout masks, in place of one draw:
 * `fit(model, { learning: fastDropout(), ... })`. Whatever stands in the model is averaged over, each with its own rate.
 * Prediction is plain evaluation.
 *
 * Dense layers and convolutions hand on means and variances, as do the variants that draw a mask, Gaussian dropout, `relu`,
 * `leakyRelu`, `sigmoid`, `tanh`, `batchNorm` and what only moves numbers. The entries of each layer's input are taken as
 * independent. What masks of lower layers make uncertain stays so above them; the authors' code takes it as certain. The loss
 * is `meanSquaredError`, whose expectation is `(y - mu)^2 + v` (that code adds v^2), `binaryCrossEntropy`, or `crossEntropy`,
 * whose logits are taken as independent. The running error is that of the mean. Penalties are left out.
 *
 * With every rate at 0 this is plain training.
 *
 * @throws {PluginError} naming the first layer or variant, or the loss, that has no means and variances
 *
 * When: dropout's averaging without its noise: small data, logistic regression, shallow nets of wide layers.
 * Cost: each layer runs twice, for means and for variances: about twice a step without dropout, in time and memory.
 *
 * @example
 * ```ts
 * import { arrays, binaryCrossEntropy, dense, dropout, fastDropout, fit, sequential, sgd } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const examples = [[[0, 1, 1], [1, 0, 1], [0, 1, 0], [1, 0, 0]], [0, 1, 0, 1]] as const;
 * const { history } = await fit(sequential([dropout({ rate: 0.3 }), dense(1)]), {
 *   data: arrays({ train: examples, test: examples, classes: false }),
 *   loss: binaryCrossEntropy(),
 *   learning: fastDropout(),
 *   optimizer: sgd({ learningRate: 0.5 }),
 *   epochs: 10,
 *   batchSize: 4,
 *   seed: 1,
 * });
 * assert(history[9].runningLoss < history[0].runningLoss);
 * ```
 */
export const fastDropout: Factory<"learning", FastDropoutOptions> = definePlugin({
  name: "fast-dropout",
  summary: "Trains with the mean and variance over all dropout masks in place of one draw.",
  paper: {
    authors: "Wang, Manning",
    year: 2013,
    title: "Fast dropout training",
    url: "https://proceedings.mlr.press/v28/wang13a.html",
  },
  options: z.object({
    form: z.enum(["probit", "delta"]).default("probit").describe("how the logistic loss is averaged"),
  }),
  cases: [{}, { form: "delta" }],
  learn({ inputs, parameters, moments, expectedLoss, give, options: { form } }) {
    const { sum } = expectedLoss(moments(inputs), form);
    const names = [...parameters.keys()];
    const found = gradients(sum, names.map((name) => parameters.get(name)!));
    names.forEach((name, i) => give(name, found[i]));
  },
});
