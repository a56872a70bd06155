/**
 * Shakeout: an input that is dropped turns its weights' signs against them.
 *
 * Kang, Li, Tao, "Shakeout: A New Regularized Deep Neural Network Training Scheme", AAAI 2016, section 3: with
 * `m_i ~ Bernoulli(q)` for input i, q = 1 - rate, the weight w becomes `m_i w / q + c sgn(w) (m_i / q - 1)`. Its mean is w; in
 * linear models the noise amounts to a penalty between L1 and L2 norms of the weight.
 *
 * @module
 */
import { z } from "zod";
import { customGradient, definePlugin, type Factory, type Scheduled, scheduled, type Tensor } from "../../core/mod.ts";

/** Options of {@linkcode shakeout}. */
export interface ShakeoutOptions {
  /** Probability of dropping an input, in [0, 1), or a schedule. Default 0.5. */
  rate?: Scheduled;
  /** c: what an input's weights become in size when it is dropped, at least 0, or a schedule. 0 is dropout. Default 0.1. */
  strength?: Scheduled;
  /**
   * k: the gradient takes `tanh(k w)` for the sign of a weight w, a number above 0. The larger, the nearer to the sign, whose
   * own derivative is 0. Default 1.
   */
  sharpness?: number;
}

const rates = "expected a number in [0, 1): at 1 no weight has a mean";
const strengths = "expected a number of at least 0";
const sharpnesses = "expected a number above 0";

/** The sign of each weight, with the gradient of `tanh(k w)`. */
function softSign(weight: Tensor, k: number): Tensor {
  return customGradient([weight], ([w]) => w.sign(), (dy) => {
    return [dy.mul(weight.detach().mul(k).tanh().square().neg().add(1).mul(k))];
  });
}

/**
 * Shakeout (Kang et al., 2016), for the weight of a dense layer or a convolution:
 * `dense(800, { weight: shakeout({ rate: 0.5, strength: 0.1 }) })`. Each input of each example draws, and all units see the
 * same draw: a weight w is `-c sgn(w)` where the input is dropped, and `(w + c rate sgn(w)) / (1 - rate)` where it is kept. A
 * weight of 0 stays 0; the bias is left alone. Evaluation uses the plain weight; mode `sample` draws.
 *
 * `strength: 0` is dropout of the inputs; a rate of 0 is the plain layer. A rate of 1 is refused. A dropped input still
 * counts, unless the strength is 0, so an infinite one is not hidden.
 *
 * As in the authors' program, the gradient towards the weight takes `tanh(k w)` in place of the sign's derivative, 0, so that
 * it is not the derivative of what is computed; that towards the input is.
 *
 * When: for weights that should become sparse while the layer is regularised as by dropout; the paper's c is 0.1 to 1e-4.
 * Cost: a random number for each input, and a second product with the weight.
 *
 * @example
 * ```ts
 * import { buildModel, dense, shakeout, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const layer = dense(1, { bias: false, weight: shakeout({ rate: 0.5, strength: 0.1 }) });
 * const model = buildModel(layer, { inputShape: [1], dtype: "float64" });
 * model.parameters()[0].tensor.assign(Tensor.of([[0.3]], "float64"));
 * const y = model.forward(Tensor.ones([100, 1], "float64"), { mode: "train", step: 0 }).floats;
 * assertAlmostEquals(Math.min(...y), -0.1, 1e-12);
 * assertAlmostEquals(Math.max(...y), 0.7, 1e-12);
 * ```
 */
export const shakeout: Factory<"product", ShakeoutOptions> = definePlugin({
  name: "shakeout",
  summary: "Turns the weights of dropped inputs into constants of the opposite sign.",
  paper: {
    authors: "Kang, Li, Tao",
    year: 2016,
    title: "Shakeout: A New Regularized Deep Neural Network Training Scheme",
    url: "https://ojs.aaai.org/index.php/AAAI/article/view/10202",
  },
  options: z.object({
    rate: scheduled(z.number(rates).min(0, rates).lt(1, rates)).default(0.5)
      .describe("probability of dropping an input, in [0, 1)"),
    strength: scheduled(z.number(strengths).min(0, strengths)).default(0.1)
      .describe("size of a dropped input's weights, at least 0"),
    sharpness: z.number(sharpnesses).positive(sharpnesses).default(1)
      .describe("steepness of the function whose gradient stands for that of the sign"),
  }),
  product(x, weight, bias, { mode, key, options: { rate, strength, sharpness }, multiply }) {
    if (mode === "eval" || rate === 0) return multiply(x, weight, bias);
    const thinned = x.dropout(key, rate); // x m / q
    const y = multiply(thinned, weight, bias);
    if (strength === 0) return y;
    return y.add(multiply(thinned.sub(x), softSign(weight, sharpness).mul(strength), null));
  },
  claims: ({ strength }) => ({
    mean: "kept",
    eval: "identity",
    draw: "sample",
    ...(strength === 0 ? {} : { dropped: "otherwise", gradient: "surrogate" }),
  }),
  cases: [{}, { strength: 0 }],
});
