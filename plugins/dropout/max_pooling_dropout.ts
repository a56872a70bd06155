/**
 * Max-pooling dropout: inputs of a max pooling are dropped, so that lower ranks win at times.
 *
 * Wu, Gu, "Towards Dropout Training for Convolutional Neural Networks", Neural Networks 71 (2015), section 3: with the entries
 * `a_1 <= ... <= a_n` of a window, all at least 0, dropping each with probability p = 1 - q makes the largest that is left
 * a_i with probability `q p^(n - i)`, and 0 with probability `p^n` (equations 5 and 6). Test time, probabilistic weighted
 * pooling, gives the mean `sum_i q p^(n - i) a_i` (equation 8).
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  maxPool,
  noGrad,
  type PoolWindow,
  rateSchema,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../core/mod.ts";
import type { PoolOptions } from "../layers/_pooling.ts";
import { tapFields, windowCounts, windowOver, windowTaps } from "./_taps.ts";

/** Options of {@linkcode maxPoolingDropout}. */
export interface MaxPoolingDropoutOptions extends PoolOptions {
  /** Probability of dropping an entry before the maximum is taken, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
}

const { kernel, ...moves } = tapFields;

/** How many taps of the same window are larger, for each; of equal ones the first is. */
function ranks(taps: readonly Tensor[]): Tensor[] {
  const found = taps.map((tap) => Tensor.zeros(tap.shape, tap.dtype));
  for (let i = 0; i < taps.length; i++) {
    for (let j = i + 1; j < taps.length; j++) {
      const first = taps[i].greaterEqual(taps[j]);
      found[j] = found[j].add(first);
      found[i] = found[i].add(first.neg().add(1));
    }
  }
  return found;
}

/** The mean of the pooling over masks, of a rate in (0, 1). */
function expectation(x: Tensor, window: PoolWindow, rate: number): Tensor {
  const largest = maxPool(x, window);
  if (x.size === 0) return largest;
  const { taps, join } = windowTaps(x, window, largest.shape.slice(2));
  // Entries of at most 0 lose against a dropped one: behind those above 0 they change nothing, and share their rank.
  const above = taps.map((tap) => tap.relu());
  const p = Tensor.full([], rate, x.dtype);
  const chances = noGrad(() => ranks(above).map((rank) => p.pow(rank).mul(1 - rate)));
  const mean = join(above.map((tap, i) => tap.mask(chances[i])).reduce((sum, part) => sum.add(part)));
  // A window without entries above 0 gives its largest if none is dropped, else 0.
  const undropped = Tensor.full([], 1 - rate, x.dtype).pow(windowCounts(x, window));
  return mean.sub(largest.neg().relu().mask(undropped));
}

/**
 * Max-pooling dropout (Wu and Gu, 2015) over sequences, images or volumes: `[batch, channels, ...]` with one to three further
 * axes, output the same with floor((extent + padding - kernel) / stride) + 1 places along each axis. In training and in mode
 * `sample`, each entry of each example is 0 with probability `rate` before the maximum of each window is taken; nothing is
 * divided. Where windows overlap they see one and the same mask. Evaluation weights the entries of each window by the
 * probabilities of their ranks, which is exactly the mean of training.
 *
 * The paper has entries of at least 0. With others it is the same: a dropped entry is 0, so that a window gives an entry
 * below 0 only if all of its entries are and none is dropped, and evaluation is the mean of that. Padding never wins.
 *
 * The gradient goes to the entry that wins, and nowhere where a dropped entry does; at evaluation each entry gets its
 * probability of winning. A rate of 0 is max pooling; a rate of 1 gives zeros with zero gradients.
 *
 * When: in place of max pooling behind a ReLU, together with dropout in the fully connected layers.
 * Cost: training, max pooling and a random number for each entry; evaluation compares each pair of a window's entries.
 *
 * @example
 * ```ts
 * import { buildModel, maxPoolingDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(maxPoolingDropout(2, { rate: 0.5 }), { inputShape: [1, 2, 2], seed: 1 });
 * const x = Tensor.of([[[[1, 2], [3, 4]]]]);
 * assertEquals(model.forward(x).item(), 3.0625); // 4 / 2 + 3 / 4 + 2 / 8 + 1 / 16
 * ```
 */
export const maxPoolingDropout: Factory<"layer", MaxPoolingDropoutOptions, ["kernel"]> = definePlugin({
  name: "max-pooling-dropout",
  summary: "Drops entries at random before the maximum of each window is taken.",
  paper: {
    authors: "Wu, Gu",
    year: 2015,
    title: "Towards Dropout Training for Convolutional Neural Networks",
    url: "https://arxiv.org/abs/1512.00242",
  },
  options: z.object({
    kernel,
    rate: scheduled(rateSchema).default(0.5).describe("probability of dropping an entry, in [0, 1]"),
    ...moves,
  }),
  positional: ["kernel"],
  cases: [{ kernel: 2 }],
  forward(x, { mode, key, options }) {
    const { rate } = options;
    const window = windowOver(x, options);
    if (mode !== "eval") return maxPool(x.dropout(key, rate, { scale: false }), window);
    return rate === 0 ? maxPool(x, window) : expectation(x, window, rate);
  },
  claims: { draw: "sample", adaptive: true, dropped: "otherwise" },
});
