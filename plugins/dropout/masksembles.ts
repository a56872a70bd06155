/**
 * Masksembles: a few fixed masks in place of new ones each time, so that one net holds a small ensemble.
 *
 * Durasov, Bagautdinov, Baque, Fua, "Masksembles for Uncertainty Estimation", CVPR 2021, section 3: n masks of M ones each, at
 * random among `M S` positions, of which those that no mask keeps are taken away. S = 1 makes all masks equal; the larger S,
 * the less they overlap, up to an ensemble of separate nets.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, Tensor } from "../../core/mod.ts";
import { fixedMasks } from "./_fixed_masks.ts";

/** Options of {@linkcode masksembles}. */
export interface MasksemblesOptions {
  /** n: number of masks, at least 1. Default 4. */
  masks?: number;
  /** S: how far the masks differ, in [1, 6]: 1 keeps everything in all of them. Default 2. */
  scale?: number;
  /**
   * Where the channels are that a mask keeps or drops. `first`: `[batch, channels, ...]`, images and features. `last`:
   * `[batch, ..., channels]`, such as sequences `[batch, time, features]`. Default `first`.
   */
  channels?: "first" | "last";
}

/**
 * Masksembles (Durasov et al., 2021), for any layer position. The masks are drawn when the model is built, and are state: they
 * are saved with it, and never change. They are used in training and in evaluation alike, and nothing is scaled. The counts
 * are those of the authors' generator: each mask keeps the same number of channels, and each channel is kept by some mask.
 *
 * Which mask an example gets: its number modulo n, where the number counts from the beginning of the batch in training and of
 * the data in evaluation. (The authors cut a batch into n parts, which must be equal; here a batch may have any size and be
 * split in any way.) In mode `sample` all examples of pass k have mask k modulo n, so that
 * `predict(model, x, { samples: n })` asks each of the n nets once: this is the prediction that the paper means, with the
 * variance between them. Evaluation asks one net for each example.
 *
 * @throws {ShapeError} for fewer than 10 channels
 * @throws {OptionError} when the authors' search finds no masks for this number of channels
 *
 * When: for uncertainty nearly as good as that of an ensemble, at the price of one net; with a scale of 2 to 3.
 * Cost: hardly any time; n numbers for each channel. Predictions take n passes.
 *
 * @example
 * ```ts
 * import { buildModel, dense, masksembles, predict, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(16), relu(), masksembles({ masks: 4, scale: 2 }), dense(1)]);
 * const model = buildModel(net, { inputShape: [3], seed: 1 });
 * assertEquals(model.state().get("2.masks")!.sum(1).toArray(), [8, 8, 8, 8]);
 * const { mean, variance } = predict(model, Tensor.ones([2, 3]), { samples: 4 });
 * assertEquals([mean.shape, variance.shape], [[2, 1], [2, 1]]);
 * ```
 */
export const masksembles: Factory<"activation", MasksemblesOptions> = definePlugin({
  name: "masksembles",
  summary: "Drops channels by one of a few fixed masks, each of which makes a net of its own.",
  paper: {
    authors: "Durasov, Bagautdinov, Baque, Fua",
    year: 2021,
    title: "Masksembles for Uncertainty Estimation",
    url: "https://arxiv.org/abs/2012.08334",
  },
  options: z.object({
    masks: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(4)
      .describe("number of masks"),
    scale: z.number("expected a number in [1, 6]").min(1, "expected a number in [1, 6]")
      .max(6, "expected a number in [1, 6]").default(2).describe("how far the masks differ, in [1, 6]"),
    channels: z.enum(["first", "last"]).default("first").describe("where the channels are"),
  }),
  init({ options: { masks, scale, channels }, inputShape, key, dtype }) {
    const count = inputShape[channels === "first" ? 0 : inputShape.length - 1] ?? 0;
    if (count < 10) {
      throw new ShapeError(
        `expected at least 10 channels, channels ${channels}, found [batch, ...${showShape(inputShape)}].`,
      );
    }
    return { state: { masks: fixedMasks(count, masks, scale, key.at("masks"), dtype) } };
  },
  activation(x, { mode, key: { rows }, state, options: { masks, channels } }) {
    const which = Int32Array.from({ length: x.shape[0] }, (_, row) => {
      const { sample, pass } = rows.at(row);
      return (mode === "sample" ? pass : sample) % masks;
    });
    const channel = channels === "first" ? 1 : x.rank - 1;
    const own = state.masks.take(Tensor.from(which, [which.length]));
    return x.mask(own.reshape(x.shape.map((extent, axis) => axis === 0 || axis === channel ? extent : 1)));
  },
  claims: { draw: "fixed", shares: ["examples", "entries"], dropped: "otherwise" },
  cases: [{}, { masks: 3, scale: 1.7, channels: "last" }],
});
