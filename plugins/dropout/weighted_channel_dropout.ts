/**
 * Weighted channel dropout: channels are kept at random, the more active ones with a higher probability.
 *
 * Hou, Wang, "Weighted Channel Dropout for Regularization of Deep Convolutional Neural Network", AAAI 2019: each channel is
 * rated by its mean over the map, `score_i`; with `r_i` uniform in (0, 1), the M channels with the largest keys
 * `r_i^(1 / score_i)` are kept (weighted sampling without replacement, Efraimidis and Spirakis 2006), and each of them may
 * be dropped again at a flat rate.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  type Key,
  rateSchema,
  type Scheduled,
  scheduled,
  ShapeError,
  showShape,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode weightedChannelDropout}. */
export interface WeightedChannelDropoutOptions {
  /** Share of the channels that an example loses by the choice, in [0, 1], or a schedule. Default 0.2. */
  rate?: Scheduled;
  /** Probability of dropping a chosen channel all the same, whatever its activity, in [0, 1], or a schedule. Default 0. */
  again?: Scheduled;
  /**
   * Where the channels are. `first`: `[batch, channels, ...]`, images. `last`: `[batch, ..., channels]`, such as sequences
   * `[batch, time, features]`. Default `first`.
   */
  channels?: "first" | "last";
}

/** Scores from means: those below 0 count as 0, as do those that are no number. */
function rated(means: Tensor): Tensor {
  return Tensor.from(means.floats.map((mean) => mean > 0 && mean < Infinity ? mean : 0), means.shape, means.dtype);
}

/** The channels that are chosen, 1 or 0: `count` in each row of the scores `[batch, channels]`. */
function chosen(means: Tensor, scores: Tensor, count: number, key: Key): Tensor {
  const [batch, channels] = scores.shape;
  const u = Tensor.uniform(scores.shape, key, scores.floatType).floats;
  const out = new Float64Array(scores.size);
  for (let row = 0; row < batch; row++) {
    const at = row * channels;
    // The logarithm of r^(1 / score): -Infinity for a score of 0, where the uniform numbers decide, finite means before others.
    const keys = Array.from({ length: channels }, (_, i) => Math.log(u[at + i]) / scores.floats[at + i]);
    const tied = Array.from(
      { length: channels },
      (_, i) => u[at + i] - (Number.isFinite(means.floats[at + i]) ? 0 : 1),
    );
    const order = Array.from(keys, (_, i) => i);
    order.sort((a, b) => keys[a] === keys[b] ? tied[b] - tied[a] : keys[b] - keys[a]);
    for (const i of order.slice(0, count)) out[at + i] = 1;
  }
  return Tensor.from(out, scores.shape, scores.dtype);
}

/** What the kept channels of each example are multiplied by: `sum(score) / sum(kept score)`, or 1 where that is 0 / 0. */
function scales(scores: Tensor, kept: Tensor): Tensor {
  const left = scores.mul(kept).sum(1, true);
  const nothing = left.equal(0);
  return scores.sum(1, true).mask(nothing.neg().add(1)).add(nothing).div(left.add(nothing));
}

/**
 * Weighted channel dropout (Hou and Wang, 2019), for any layer position: of the C channels of each example, M = (1 - rate) C,
 * rounded, are kept, chosen at random one after the other with probabilities proportional to their scores. A score is a
 * channel's mean over the map, as behind a ReLU; means below 0 count as 0. A channel without a score is chosen last, one whose
 * mean is infinite after all others. Then each chosen channel is dropped `again` with a flat probability. In training and in
 * mode `sample`; evaluation is the identity. A rate of 0, with `again` 0, is the identity; a rate of 1 gives zeros with zero
 * gradients. At any rate below 1, at least one channel is chosen.
 *
 * Sources do not agree on the scale of what is kept. Here it is `sum(score) / sum(kept score)` of the example, so that the sum
 * of the pooled map stays what it was; as the choice itself, it is a constant for the gradient, which is therefore not the
 * derivative of what is computed.
 *
 * When: in the last stages of a convolutional net that is fine-tuned on few examples, where a few channels carry an image.
 * Cost: a mean over each map, a random number for each channel, and a sort of each example's channels.
 *
 * @example
 * ```ts
 * import { buildModel, Tensor, weightedChannelDropout } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(weightedChannelDropout({ rate: 0.5 }), { inputShape: [4, 1, 1], seed: 1 });
 * const x = Tensor.of([1, 2, 3, 4]).reshape([1, 4, 1, 1]);
 * const y = model.forward(x, { mode: "train", step: 0 }).floats;
 * assertEquals(y.filter((value) => value > 0).length, 2);
 * ```
 */
export const weightedChannelDropout: Factory<"activation", WeightedChannelDropoutOptions> = definePlugin({
  name: "weighted-channel-dropout",
  summary: "Keeps a number of channels at random, more active ones with a higher probability.",
  paper: {
    authors: "Hou, Wang",
    year: 2019,
    title: "Weighted Channel Dropout for Regularization of Deep Convolutional Neural Network",
    url: "https://doi.org/10.1609/aaai.v33i01.33018425",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.2).describe("share of the channels that an example loses, in [0, 1]"),
    again: scheduled(rateSchema).default(0).describe(
      "probability of dropping a chosen channel all the same, in [0, 1]",
    ),
    channels: z.enum(["first", "last"]).default("first").describe("where the channels are"),
  }),
  activation(x, { mode, key, options: { rate, again, channels } }) {
    if (x.rank < 2) throw new ShapeError(`expected [batch, channels, ...], found ${showShape(x.shape)}.`);
    if (mode === "eval" || (rate === 0 && again === 0)) return x;
    if (rate === 1 || again === 1) return x.dropout(key, 1);
    const channel = channels === "first" ? 1 : x.rank - 1;
    const [batch, count] = [x.shape[0], x.shape[channel]];
    const over = x.shape.map((_, axis) => axis).filter((axis) => axis !== 0 && axis !== channel);
    const means = over.length === 0 ? x.detach() : x.detach().mean(over);
    const scores = rated(means);
    const chosenOnes = chosen(means, scores, Math.max(1, Math.round((1 - rate) * count)), key);
    const kept = chosenOnes.dropout(key.at("again"), again, { scale: false });
    const shape = x.shape.map((_, axis) => axis === 0 ? batch : axis === channel ? count : 1);
    return x.mask(kept.mul(scales(scores, kept)).reshape(shape));
  },
  claims: {
    eval: "identity",
    draw: "sample",
    shares: ["entries"],
    dropped: "otherwise",
    adaptive: true,
    gradient: "surrogate",
  },
  cases: [{}, { rate: 0.5, again: 0.2 }, { channels: "last" }],
});
