/**
 * Swapout: each unit of a residual block is dropped, fed forward, skipped forward, or both.
 *
 * Singh, Hoiem, Forsyth, "Swapout: Learning an ensemble of deep architectures", NIPS 2016, equation (2):
 * `y = t1 x + t2 F(x)` with t1 and t2 Bernoulli, for each unit anew. At test time they are replaced by their means, or outputs
 * of several draws are averaged, which the paper finds better (section 3.2).
 *
 * @module
 */
import { z } from "zod";
import {
  applyMask,
  definePlugin,
  type Factory,
  layerPart,
  type LayerPlugin,
  rateSchema,
  sameShape,
  type Scheduled,
  scheduled,
  ShapeError,
  showShape,
} from "../../core/mod.ts";

import { tanh } from "../layers/tanh.ts";

/** Options of {@linkcode swapout}. */
export interface SwapoutOptions {
  /** The block F. */
  block: LayerPlugin;
  /** Probability of dropping a unit of the shortcut, in [0, 1], or a schedule. Default 0.5. */
  shortcutRate?: Scheduled;
  /** Probability of dropping a unit of the block's output, in [0, 1], or a schedule. Default 0.5. */
  blockRate?: Scheduled;
  /**
   * Whether shortcut and block are dropped by one draw: with equal rates, a unit of the sum is kept or dropped as a whole.
   * Default false.
   */
  shared?: boolean;
  /** A layer for the shortcut, where the block changes the shape. Default: the identity. */
  projection?: LayerPlugin;
}

/**
 * Swapout (Singh et al., 2016), a layer in place of `residual`: `y = t1 x + t2 block(x)`, or `t1 projection(x)` in place of
 * `t1 x`, since what is dropped is a unit of the output. Input `[batch, ...]`, output of the block's shape. Each unit of each
 * example draws t1 and t2, in training and in mode `sample`; nothing is divided. Evaluation gives the mean,
 * `(1 - shortcutRate) x + (1 - blockRate) block(x)`; `predict` with some samples gives the average of draws, which is better
 * where batch norm or activations follow.
 *
 * Both rates 0: `residual`. A shortcut rate of 0: each unit of the block is skipped for itself, stochastic depth by units. A
 * shortcut rate of 1: dropout, unscaled, of a net without shortcuts. With `shared`: dropout of the sum. The paper's rates rise
 * linearly with depth, from 0 at the first block to 0.5 at the last.
 *
 * @throws {ShapeError} when the shapes of block and shortcut differ
 *
 * When: in residual nets, wide ones above all, with rates that rise with depth.
 * Cost: two random numbers for each unit of the output; the block is always computed.
 *
 * @example
 * ```ts
 * import { buildModel, dense, relu, sequential, swapout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const block = sequential([dense(16), relu(), dense(8)]);
 * const model = buildModel(swapout(block, { shortcutRate: 0.2, blockRate: 0.2 }), { inputShape: [8], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 8]), { mode: "train", step: 0 }).shape, [2, 8]);
 * ```
 */
export const swapout: Factory<"layer", SwapoutOptions, ["block"]> = definePlugin({
  name: "swapout",
  summary: "Drops units of a residual block and of its shortcut, each for itself.",
  paper: {
    authors: "Singh, Hoiem, Forsyth",
    year: 2016,
    title: "Swapout: Learning an ensemble of deep architectures",
    url: "https://arxiv.org/abs/1605.06465",
  },
  options: z.object({
    block: layerPart().describe("the block"),
    shortcutRate: scheduled(rateSchema).default(0.5).describe(
      "probability of dropping a unit of the shortcut, in [0, 1]",
    ),
    blockRate: scheduled(rateSchema).default(0.5).describe("probability of dropping a unit of the block, in [0, 1]"),
    shared: z.boolean().default(false).describe("whether shortcut and block are dropped by one draw"),
    projection: layerPart().optional().describe("a layer for the shortcut; default the identity"),
  }),
  positional: ["block"],
  forward(x, { mode, key, options, inputs, run }) {
    const { block, shortcutRate, blockRate, shared, projection } = options;
    const shortcut = projection === undefined ? x : run(projection, x, "projection");
    const branch = run(block, inputs, "block");
    if (!sameShape(branch.shape, shortcut.shape)) {
      throw new ShapeError(
        `expected a block whose output has the shortcut's shape ${showShape(shortcut.shape)}, ` +
          `found ${showShape(branch.shape)}; a projection on the shortcut can make them fit.`,
      );
    }
    const draw = (site: string, rate: number) => ({
      key: key.at(shared ? "both" : site),
      rate,
      a: 1,
      eval: "mean" as const,
    });
    const evaluates = mode === "eval";
    return applyMask(shortcut, draw("shortcut", shortcutRate), evaluates)
      .add(applyMask(branch, draw("block", blockRate), evaluates));
  },
  claims: { draw: "sample", rates: ["shortcutRate", "blockRate"] },
  cases: [{ block: tanh() }, { block: tanh(), shared: true }],
});
