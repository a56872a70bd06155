/**
 * ShakeDrop: residual branches are multiplied by random factors, by others on the way back than on the way there.
 *
 * Yamada, Iwamura, Akiba, Kise, "ShakeDrop Regularization for Deep Residual Learning", IEEE Access 7 (2019), equation (6):
 * `G(x) = x + (b + a - b a) F(x)` in training, `x + (b + c - b c) F(x)` for its gradient, and `x + E[b + a - b a] F(x)` at
 * test time, with `b ~ Bernoulli(1 - rate)`, `a` and `c` uniform.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  keepProbability,
  keptEntries,
  type Key,
  rateSchema,
  rateThreshold,
  record,
  type Scheduled,
  scheduled,
  sharedDraw,
  Tensor,
} from "../../core/mod.ts";

/** Whose an `alpha` and a `beta` are: the batch's, an example's, a channel's of an example, or a single entry's. */
export type ShakeLevel = "batch" | "sample" | "channel" | "pixel";

/** Options of {@linkcode shakeDrop}. */
export interface ShakeDropOptions {
  /** Probability of shaking the branch, in [0, 1], or a schedule: 1 minus the paper's p_l. Default 0.5. */
  rate?: Scheduled;
  /** Least and largest factor of a shaken branch on the way there. Default [-1, 1]; the paper also uses [0, 0]. */
  alpha?: readonly [number, number];
  /** Least and largest factor of a shaken branch's gradient. Default [0, 1]. */
  beta?: readonly [number, number];
  /**
   * Whose own factors are: `pixel` (default), as in the paper: each entry has its own; `channel`: each channel (axis 1) of an
   * example; `sample`: each example; `batch`: all have the same.
   */
  level?: ShakeLevel;
  /** Who shares the draw of whether to shake. `batch` (default), as in the paper: all examples. `row`: no one. */
  mode?: "batch" | "row";
}

type Range = readonly [number, number];

const rangeSchema: z.ZodType<Range, Range> = z.tuple([
  z.number("expected two numbers, the smaller one first"),
  z.number("expected two numbers, the smaller one first"),
]).readonly().refine(([least, most]) => least <= most, "expected two numbers, the smaller one first");

/** A uniform number of the range for each of those that the level tells apart, in a shape that stretches. */
function factors([least, most]: Range, level: ShakeLevel, like: Tensor, key: Key): Tensor {
  const shared = { batch: 0, sample: 1, channel: 2, pixel: like.rank }[level];
  const axes = like.shape.map((_, axis) => axis);
  const draw = sharedDraw(like.shape, key, level === "batch" ? axes : axes.slice(shared));
  return Tensor.uniform(draw.shape, draw.key, like.floatType).mul(most - least).add(least);
}

/** `y` times one factor, its gradient times another; a factor of 0 selects 0. */
function shaken(y: Tensor, forward: Tensor, backward: Tensor): Tensor {
  return record("shake", [y], y.detach().mask(forward), (dy) => [dy.mask(backward)]);
}

/**
 * ShakeDrop (Yamada et al., 2019), for a `branch` site: with the probability `rate` the branch is multiplied by a number of
 * `alpha`, and its gradient by another of `beta`; else it is left as it is. In training and in mode `sample`. Evaluation
 * multiplies by the expectation, `1 - rate + rate (alpha[0] + alpha[1]) / 2`, for any range.
 *
 * A rate of 0 is the plain residual layer. With `alpha` and `beta` of [0, 0] it is stochastic depth in the paper's convention
 * (`stochasticDepth({ mode: "batch", convention: "classic" })`), and a branch that no example keeps is not computed. The
 * paper lets the rate rise with depth: `linearRates`. The last layer of the branch should be a batch norm, without which
 * training may diverge.
 *
 * When: in very deep residual networks (PyramidNet, ResNet, ResNeXt) that are trained for long, and still overfit.
 * Cost: two draws and two products of the branch's size a pass; nothing is left out, and training takes more epochs.
 *
 * @example
 * ```ts
 * import { batchNorm, dense, linearRates, relu, residual, sequential, shakeDrop } from "@thinned/dropout";
 *
 * const block = () => sequential([dense(64), relu(), dense(64), batchNorm()]);
 * sequential(linearRates(10).map((rate) => residual(block(), { branch: shakeDrop({ rate, level: "sample" }) })));
 * ```
 */
export const shakeDrop: Factory<"branch", ShakeDropOptions> = definePlugin({
  name: "shake-drop",
  summary: "Multiplies residual branches by random factors, by others on the way back.",
  paper: {
    authors: "Yamada, Iwamura, Akiba, Kise",
    year: 2019,
    title: "ShakeDrop Regularization for Deep Residual Learning",
    url: "https://arxiv.org/abs/1802.02375",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.5).describe("probability of shaking the branch, in [0, 1]"),
    alpha: rangeSchema.default([-1, 1]).describe("least and largest factor of a shaken branch"),
    beta: rangeSchema.default([0, 1]).describe("least and largest factor of a shaken branch's gradient"),
    level: z.enum(["batch", "sample", "channel", "pixel"]).default("pixel").describe("whose own the factors are"),
    mode: z.enum(["batch", "row"]).default("batch").describe("who shares the draw of whether to shake"),
  }),
  branch(x, block, { mode: run, key, options: { rate, alpha, beta, level, mode } }) {
    if (rateThreshold(rate) === 0) return block(x);
    if (run === "eval") {
      const keep = rate === 1 ? 0 : keepProbability(rateThreshold(rate));
      const factor = keep + (1 - keep) * (alpha[0] + alpha[1]) / 2;
      return factor === 0 ? null : block(x).mul(factor);
    }
    const kept = keptEntries({ key, rate, share: mode === "batch" ? [0] : [] }, x.shape.slice(0, 1), x.floatType);
    const nothing = [...alpha, ...beta].every((bound) => bound === 0);
    if (nothing && kept.floats.every((value) => value === 0)) return null;
    const y = block(x);
    const gate = kept.reshape([kept.size, ...y.shape.slice(1).map(() => 1)]);
    const shaking = gate.sub(1).neg();
    const [forward, backward] = ([[alpha, "alpha"], [beta, "beta"]] as const).map(([range, label]) =>
      gate.add(shaking.mul(factors(range, level, y, key.at(label)))).broadcastTo(y.shape)
    );
    return shaken(y, forward, backward);
  },
  claims: ({ alpha, beta, level, mode }) => {
    const [fixed, straight] = [alpha, beta].map(([least, most]) => least === most);
    const centred = alpha[0] + alpha[1] === 0;
    // A gate of the batch and factors of the example, or the other way round, are neither one's own nor all the same.
    const alike = fixed || (mode === "batch") === (level === "batch");
    return {
      // A shaken branch has the mean 0 where its factors are centred on 0.
      ...(centred ? { mean: "reduced", eval: "scaled" } : {}),
      ...(alike ? { draw: mode === "batch" ? "batch" : "sample" } : {}),
      shares: alike ? ["entries"] : ["entries", "examples"],
      ...(fixed && centred ? {} : { dropped: "otherwise" }),
      ...(fixed && straight && alpha[0] === beta[0] ? {} : { gradient: "surrogate" }),
    };
  },
  cases: [
    {},
    { level: "sample" },
    { level: "channel", mode: "row" },
    { level: "batch", alpha: [0, 1] },
    { alpha: [0, 0], beta: [0, 0] },
  ],
});
