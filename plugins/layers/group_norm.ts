/**
 * Group normalisation.
 *
 * Wu, He, "Group Normalization", ECCV 2018, equations (1) and (7).
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, normalize, OptionError, ShapeError, showShape } from "../../core/mod.ts";
import { affineParams } from "./_affine.ts";

/** Options of {@linkcode groupNorm}. */
export interface GroupNormOptions {
  /** Number of groups that the channels are split into, at least 1; it must divide their number. */
  groups: number;
  /** Added to the variance, at least 0. Default 1e-5. */
  epsilon?: number;
  /** Whether a learned scale and shift of each channel follow. Default true. */
  affine?: boolean;
}

/**
 * Normalises each group of channels of each example to mean 0 and variance 1. One group is layer norm over channels and
 * places, as many groups as channels is instance norm. Input `[batch, channels, ...]`, output the same. Parameters:
 * `weight` and `bias`, `[channels]`.
 *
 * @example
 * ```ts
 * import { buildModel, groupNorm, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(groupNorm(2, { epsilon: 0 }), { inputShape: [4] });
 * assertEquals(model.forward(Tensor.of([[1, 3, 40, 20]])).toArray(), [[-1, 1, 1, -1]]);
 * ```
 */
export const groupNorm: Factory<"layer", GroupNormOptions, ["groups"]> = definePlugin({
  name: "group-norm",
  summary: "Normalises each group of channels of each example.",
  paper: { authors: "Wu, He", year: 2018, title: "Group Normalization", url: "https://arxiv.org/abs/1803.08494" },
  options: z.object({
    groups: z.int().min(1, "expected a whole number of at least 1").describe("number of groups of channels"),
    epsilon: z.number().min(0, "expected a number of at least 0").default(1e-5).describe("added to the variance"),
    affine: z.boolean().default(true).describe("whether a learned scale and shift of each channel follow"),
  }),
  positional: ["groups"],
  cases: [{ groups: 1 }],
  init({ options: { groups, affine }, inputShape, dtype }) {
    const channels = inputShape[0];
    if (channels === undefined || channels < 1) {
      throw new ShapeError(`expected an input [batch, channels, ...], found [batch, ...${showShape(inputShape)}].`);
    }
    if (channels % groups !== 0) throw new OptionError("groups", `a divisor of ${channels} channels`, groups);
    return {
      params: affineParams(affine, [channels], dtype),
    };
  },
  forward: (x, { options: { groups, epsilon }, params }) =>
    normalize(x, { over: "group", count: groups, epsilon, scale: params.weight, shift: params.bias }).output,
});
