/**
 * Stochastic depth: whole residual branches are left out at random.
 *
 * Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth", ECCV 2016, equations (2) to (5):
 * `H_l = ReLU(b_l f_l(H_{l-1}) + id(H_{l-1}))`, `b_l ~ Bernoulli(p_l)`, and `p_l f_l` at test time; here `rate = 1 - p_l`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, OptionError, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode stochasticDepth}. */
export interface StochasticDepthOptions {
  /** Probability of dropping the branch, in [0, 1], or a schedule. Default 0.2. */
  rate?: Scheduled;
  /** `row` (default): each example draws for itself. `batch`, as in the paper: one draw for the whole batch. */
  mode?: "row" | "batch";
  /**
   * `inverted` (default): a kept branch is divided by the keep probability in training, and evaluation keeps it as it
   * is. `classic`, as in the paper: no scaling in training, and evaluation multiplies the branch by the probability.
   */
  convention?: "inverted" | "classic";
}

/**
 * Stochastic depth (Huang et al., 2016), for a `branch` site. What is dropped is not computed: in mode `batch` the whole
 * branch, in mode `row` the examples that lost it; the others are gathered and run, unless a layer of the branch mixes
 * examples, as batch norm does in training.
 *
 * Also known as DropPath: timm's `DropPath(drop_prob)`, torchvision's `StochasticDepth(p, mode)`, KerasCV's
 * `DropPath(rate)` and `StochasticDepth(rate)` mean the same `rate`, while TensorFlow Addons' `StochasticDepth` is told the
 * probability of surviving, draws once for the batch, and is `classic`.
 *
 * Rates that rise with depth are {@linkcode linearRates}; in one call, or a configuration, `byLayer({ last: 0.5 })`.
 *
 * A rate of 0 keeps every branch; of 1 drops every branch, with zero gradients.
 *
 * When: in deep residual networks and transformers, with rates that rise with depth; deep vision transformers need it.
 * Cost: less than none in training: dropped branches are not computed, a share `rate` of the work; none at evaluation.
 *
 * @example
 * ```ts
 * import { dense, linearRates, relu, residual, sequential, stochasticDepth } from "@thinned/dropout";
 *
 * const block = () => sequential([dense(64), relu()]);
 * sequential(linearRates(10).map((rate) => residual(block(), { branch: stochasticDepth({ rate }) })));
 * ```
 */
export const stochasticDepth: Factory<"branch", StochasticDepthOptions> = definePlugin({
  name: "stochastic-depth",
  summary: "Leaves out whole residual branches at random.",
  paper: {
    authors: "Huang, Sun, Liu, Sedra, Weinberger",
    year: 2016,
    title: "Deep Networks with Stochastic Depth",
    url: "https://arxiv.org/abs/1603.09382",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.2).describe("probability of dropping the branch, in [0, 1]"),
    mode: z.enum(["row", "batch"]).default("row").describe("who shares a draw: an example's own, or the whole batch"),
    convention: z.enum(["inverted", "classic"]).default("inverted").describe("where the scaling happens"),
  }),
  branch: {
    mask({ key, options: { rate, mode, convention } }) {
      const draw = { key, rate, share: mode === "batch" ? [0] : [] };
      return convention === "classic" ? { ...draw, a: 1, eval: "mean" } : draw;
    },
  },
  claims: ({ mode, convention }) => ({
    mean: convention === "classic" ? "reduced" : "kept",
    eval: convention === "classic" ? "scaled" : "identity",
    draw: mode === "batch" ? "batch" : "sample",
  }),
  cases: [{}, { mode: "batch" }, { convention: "classic" }],
});

/**
 * Rates that rise linearly with depth, as the paper recommends: `(l / L) last` for the branches l = 1 to L, so that early
 * branches, on which all others build, are kept most. (timm's `linspace(0, last, L)` begins with a rate of 0.)
 *
 * @param depth number L of branches, a whole number of at least 0
 * @param options `last`: the last branch's rate, in [0, 1]. Default 0.5
 * @throws {OptionError} when one is outside its range
 *
 * @example
 * ```ts
 * import { linearRates } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(linearRates(4, { last: 0.5 }), [0.125, 0.25, 0.375, 0.5]);
 * ```
 */
export function linearRates(depth: number, options: { last?: number } = {}): number[] {
  const { last = 0.5 } = options;
  if (!Number.isSafeInteger(depth) || depth < 0) throw new OptionError("depth", "a whole number of at least 0", depth);
  if (!(last >= 0 && last <= 1)) throw new OptionError("last", "a number in [0, 1]", last);
  return Array.from({ length: depth }, (_, i) => (i + 1) / depth * last);
}
