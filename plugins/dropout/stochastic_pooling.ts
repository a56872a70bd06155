/**
 * Stochastic pooling: an entry of each window is picked with a probability proportional to its size.
 *
 * Zeiler, Fergus, "Stochastic Pooling for Regularization of Deep Convolutional Neural Networks", ICLR 2013, equations (4) to
 * (6): with `p_i = a_i / sum_k a_k` over a window, training gives `a_l` with `l ~ P(p_1, ..., p_n)`, and test time gives
 * `sum_i p_i a_i`, the mean.
 *
 * @module
 */
import { z } from "zod";
import { averagePool, definePlugin, type Factory, noGrad, Tensor } from "../../core/mod.ts";
import type { PoolOptions } from "../layers/_pooling.ts";
import { tapFields, type Taps, windowCounts, windowOver, windowTaps } from "./_taps.ts";

/** Options of {@linkcode stochasticPooling}. */
export type StochasticPoolingOptions = PoolOptions;

/** For each tap, where it is picked: 1 or 0. `u` is uniform in (0, 1), one number for each window. */
function picks({ taps, spread }: Taps, u: Tensor): Tensor[] {
  const chances = taps.map((tap) => tap.relu());
  const total = chances.reduce((sum, chance) => sum.add(chance));
  const threshold = spread(u).mul(total);
  let sum = Tensor.zeros(total.shape, total.dtype);
  let before = sum;
  return chances.map((chance) => {
    sum = sum.add(chance);
    const passed = sum.greater(threshold);
    const picked = passed.sub(before);
    before = passed;
    return picked;
  });
}

/**
 * Stochastic pooling (Zeiler and Fergus, 2013) over sequences, images or volumes: `[batch, channels, ...]` with one to three
 * further axes, output the same with floor((extent + padding - kernel) / stride) + 1 places along each axis. In training and
 * in mode `sample`, each window of each channel and example picks one of its entries, with a probability proportional to the
 * entry; evaluation gives the entries' mean under these probabilities, `sum a^2 / sum a`, which is exactly the mean of
 * training. There is no rate, and nothing is scaled.
 *
 * It is made for entries of at least 0, as a ReLU gives them: lower ones are never picked, and count as 0. A window without
 * an entry above 0, and padding, give 0. In training the gradient goes to the picked entry alone, none through the
 * probabilities; at evaluation it is that of the mean.
 *
 * When: in place of max pooling behind a ReLU, in convolutional nets that overfit.
 * Cost: a random number for each window, and a copy of the input for the entries of its windows, kernel / stride as large.
 *
 * @example
 * ```ts
 * import { buildModel, stochasticPooling, Tensor } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const model = buildModel(stochasticPooling(2), { inputShape: [1, 2, 2], seed: 1 });
 * const x = Tensor.of([[[[1, 2], [3, 4]]]]);
 * assertEquals(model.forward(x).toArray(), [[[[3]]]]); // (1 + 4 + 9 + 16) / 10
 * assert([1, 2, 3, 4].includes(model.forward(x, { mode: "train", step: 0 }).item()));
 * ```
 */
export const stochasticPooling: Factory<"layer", StochasticPoolingOptions, ["kernel"]> = definePlugin({
  name: "stochastic-pooling",
  summary: "Picks an entry of each window with a probability proportional to it.",
  paper: {
    authors: "Zeiler, Fergus",
    year: 2013,
    title: "Stochastic Pooling for Regularization of Deep Convolutional Neural Networks",
    url: "https://arxiv.org/abs/1301.3557",
  },
  options: z.object(tapFields),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward(x, { mode, key, options }) {
    const window = windowOver(x, options);
    if (mode === "eval" || x.size === 0) {
      const chances = x.relu();
      const total = averagePool(chances, window);
      return averagePool(chances.square(), window).div(total.add(total.equal(0)));
    }
    const output = windowCounts(x, window).shape.slice(2);
    const windows = windowTaps(x, window, output);
    const u = Tensor.uniform([x.shape[0], x.shape[1], ...output], key, x.floatType);
    const picked = noGrad(() => picks(windows, u));
    return windows.join(windows.taps.map((tap, i) => tap.mask(picked[i])).reduce((sum, part) => sum.add(part)));
  },
  claims: { draw: "sample", adaptive: true, dropped: "otherwise" },
});
