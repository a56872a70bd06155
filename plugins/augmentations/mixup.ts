/**
 * Examples mixed in pairs, and their targets with them.
 *
 * Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018, equation 1:
 * x = m x_i + (1 - m) x_j and y = m y_i + (1 - m) y_j with m ~ Beta(alpha, alpha).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, shuffledOrder, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode mixup}. */
export interface MixupOptions {
  /** Both parameters of the Beta distribution, above 0: near 0 examples are hardly mixed. Default 0.2, as in Keras. */
  alpha?: number;
}

/**
 * A number with the distribution Beta(a, a), from two uniform numbers in (0, 1): Devroye, "Random variate generation in
 * one line of code", WSC 1996, section 3.
 */
function symmetricBeta(a: number, first: number, second: number): number {
  const cosine = Math.cos(2 * Math.PI * second);
  const spread = (first ** (-1 / a) - 1) * cosine * cosine;
  return 0.5 + 0.5 * Math.sign(cosine) / Math.sqrt(1 + 1 / spread);
}

/**
 * Mixes each example of a training batch with another one of the batch: inputs of any shape, and targets in the same
 * proportion, drawn anew for each example. Labels become class probabilities, for losses that take them, such as
 * `crossEntropy` and `klDivergence`; the numbers of a regression are mixed as they are. As partners, the examples of
 * the batch are dealt out once each in a random order.
 *
 * The training error counts the class with the largest probability as the right one.
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, fit, mixup, sgd } from "@thinned/dropout";
 *
 * await fit(dense(10), {
 *   data: digits({ train: 100, test: 100 }), loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1 }), epochs: 1,
 *   augment: [mixup({ alpha: 1 })],
 * });
 * ```
 */
export const mixup: Factory<"augmentation", MixupOptions> = definePlugin({
  name: "mixup",
  summary: "Mixes training examples and their targets in pairs.",
  paper: {
    authors: "Zhang, Cisse, Dauphin, Lopez-Paz",
    year: 2018,
    title: "mixup: Beyond Empirical Risk Minimization",
    url: "https://arxiv.org/abs/1710.09412",
  },
  module: import.meta.url,
  mixesTargets: true,
  options: z.object({
    alpha: z.number("expected a number above 0").positive("expected a number above 0").default(0.2)
      .describe("both parameters of the Beta distribution"),
  }),
  augment({ count, inputs, targets, width }, { options, key }) {
    const draws = Tensor.uniform([count, 2], key.at("share")).floats;
    const partners = shuffledOrder(count, key.at("partner").sample(0));
    const mix = (values: Float32Array, size: number) => {
      const old = Tensor.empty([values.length]).floats;
      old.set(values);
      for (let i = 0; i < count; i++) {
        const share = symmetricBeta(options.alpha, draws[2 * i], draws[2 * i + 1]);
        const [mine, other] = [i * size, partners[i] * size];
        for (let k = 0; k < size; k++) values[mine + k] = share * old[mine + k] + (1 - share) * old[other + k];
      }
    };
    mix(inputs, inputs.length / Math.max(count, 1));
    mix(targets!, width);
  },
});
