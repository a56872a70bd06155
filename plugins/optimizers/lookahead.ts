/**
 * Lookahead: slow weights that follow the fast ones of another optimizer.
 *
 * Zhang, Lucas, Ba, Hinton, "Lookahead Optimizer: k steps forward, 1 step back", NeurIPS 2019, algorithm 1.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, part, type Plugin } from "../../core/mod.ts";

/** Options of {@linkcode lookahead}. */
export interface LookaheadOptions {
  /** The optimizer that makes the fast steps. */
  inner: Plugin<"optimizer">;
  /** Fast steps between two slow ones, a whole number of at least 1. Default 5. */
  every?: number;
  /** Share of the way to the fast weights that the slow ones go, in (0, 1]. Default 0.5. */
  alpha?: number;
}

/**
 * Runs another optimizer, and after each `every` updates sets the weights to the slow ones:
 * `slow = slow + alpha (weight - slow); weight = slow`.
 *
 * @example
 * ```ts
 * import { adam, lookahead } from "@thinned/dropout";
 *
 * lookahead(adam({ learningRate: 0.001 }), { every: 6 });
 * ```
 */
export const lookahead: Factory<"optimizer", LookaheadOptions, ["inner"]> = definePlugin({
  name: "lookahead",
  summary: "Slow weights that follow the fast ones of another optimizer.",
  paper: {
    authors: "Zhang, Lucas, Ba, Hinton",
    year: 2019,
    title: "Lookahead Optimizer: k steps forward, 1 step back",
    url: "https://arxiv.org/abs/1907.08610",
  },
  options: z.object({
    inner: part("optimizer").describe("the optimizer that makes the fast steps"),
    every: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(5)
      .describe("fast steps between two slow ones"),
    alpha: z.number("expected a number in (0, 1]").gt(0, "expected a number in (0, 1]").max(
      1,
      "expected a number in (0, 1]",
    )
      .default(0.5).describe("share of the way to the fast weights that the slow ones go"),
  }),
  positional: ["inner"],
  slots: () => ["slow"],
  wraps: ({ inner }) => [inner],
  update({ parameter, slots: { slow }, options: { inner: optimizer, every, alpha }, iteration, inner }) {
    if (iteration === 1) slow.assign(parameter);
    inner(optimizer);
    if (iteration % every !== 0) return;
    slow.assign(slow.add(parameter.sub(slow).mul(alpha)));
    parameter.assign(slow);
  },
});
