/**
 * Batch normalisation.
 *
 * Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", ICML
 * 2015, algorithms 1 and 2.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, normalize, ShapeError, showShape, Tensor } from "../../core/mod.ts";
import { affineParams } from "./_affine.ts";

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Share of a batch's statistics in the running ones, in [0, 1]. Default 0.1. */
  momentum?: number;
  /** Added to the variance, at least 0. Default 1e-5. */
  epsilon?: number;
  /** Whether a learned scale and shift follow. Default true. */
  affine?: boolean;
}

/**
 * Normalises each channel to mean 0 and variance 1. Input `[batch, features]`, `[batch, channels, length]`,
 * `[batch, channels, height, width]` or `[batch, channels, ...]`, output the same; statistics are taken over all axes
 * but the second.
 *
 * In training they are the batch's own, with the variance divided by the count n; gradients flow through them, and the
 * running ones become `(1 - momentum) running + momentum batch`, with the variance divided by n - 1. In evaluation and
 * in Monte Carlo sampling the running ones are used and stay as they are. Parameters: `weight` and `bias`, state:
 * `mean` and `variance`, `[channels]` each.
 *
 * Dropout before this layer changes the variance that it sees between training and evaluation; put dropout behind it.
 *
 * @example
 * ```ts
 * import { batchNorm, buildModel, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(batchNorm({ epsilon: 0 }), { inputShape: [1] });
 * assertEquals(model.forward(Tensor.of([[2], [4]]), { mode: "train", step: 0 }).toArray(), [[-1], [1]]);
 * assertEquals(model.forward(Tensor.of([[0]]), { mode: "eval" }).item() < 0, true); // the running mean is above 0
 * ```
 */
export const batchNorm: Factory<"layer", BatchNormOptions> = definePlugin({
  name: "batch-norm",
  summary: "Normalises each channel by its mean and variance over the batch.",
  paper: {
    authors: "Ioffe, Szegedy",
    year: 2015,
    title: "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    url: "https://arxiv.org/abs/1502.03167",
  },
  options: z.object({
    momentum: z.number().min(0, "expected a number in [0, 1]").max(1, "expected a number in [0, 1]").default(0.1)
      .describe("share of a batch's statistics in the running ones"),
    epsilon: z.number().min(0, "expected a number of at least 0").default(1e-5).describe("added to the variance"),
    affine: z.boolean().default(true).describe("whether a learned scale and shift follow"),
  }),
  mixesRows: (_options, mode) => mode === "train",
  pytorch: { mean: "running_mean", variance: "running_var" },
  init({ options, inputShape, dtype }) {
    const channels = inputShape[0];
    if (channels === undefined || channels < 1) {
      throw new ShapeError(`expected an input [batch, channels, ...], found [batch, ...${showShape(inputShape)}].`);
    }
    return {
      params: affineParams(options.affine, [channels], dtype),
      state: { mean: Tensor.zeros([channels], dtype), variance: Tensor.ones([channels], dtype) },
    };
  },
  forward(x, { mode, options, params, state, setState }) {
    const { momentum, epsilon } = options;
    const affine = { scale: params.weight ?? null, shift: params.bias ?? null };
    if (mode !== "train") {
      const given = { mean: state.mean, variance: state.variance };
      return normalize(x, { over: "channel", epsilon, ...affine, given }).output;
    }
    const count = x.size / x.shape[1];
    if (count < 2) {
      throw new ShapeError(
        `training takes a variance over at least 2 values of each channel, found ${count} in shape ${
          showShape(x.shape)
        }.`,
      );
    }
    const { output, mean, variance } = normalize(x, { over: "channel", epsilon, ...affine });
    const blend = (running: Tensor, batch: Tensor, factor: number) =>
      running.mul(1 - momentum).add(batch.mul(momentum * factor));
    setState("mean", blend(state.mean, mean, 1));
    setState("variance", blend(state.variance, variance, count / (count - 1)));
    return output;
  },
  moments({ mean, variance }, { mode, options, params, state, setState }) {
    const { momentum, epsilon } = options;
    const perChannel = (x: Tensor) => x.reshape([x.shape[0], ...mean.shape.slice(2).map(() => 1)]);
    let [center, spread] = [state.mean, state.variance];
    if (mode === "train") {
      // Of a batch whose every example is drawn many times: the variance of the means, and the mean of the variances.
      const axes = mean.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
      const count = mean.size / mean.shape[1];
      center = mean.mean(axes);
      spread = mean.sub(perChannel(center)).square().add(variance).mean(axes);
      setState("mean", state.mean.mul(1 - momentum).add(center.mul(momentum)));
      setState("variance", state.variance.mul(1 - momentum).add(spread.mul(momentum * count / Math.max(count - 1, 1))));
    }
    const scale = spread.add(epsilon).pow(-0.5);
    const gain = perChannel(params.weight === undefined ? scale : scale.mul(params.weight));
    const centered = mean.sub(perChannel(center)).mul(gain);
    return {
      mean: params.bias === undefined ? centered : centered.add(perChannel(params.bias)),
      variance: variance.mul(gain.square()),
    };
  },
});
