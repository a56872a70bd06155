/**
 * DropAttention: attention weights are dropped after softmax, and those that are left are normalized again.
 *
 * Lin, Liu, Huang, Chen, Qiu, Huang, "DropAttention: A Regularization Method for Fully-Connected Self-Attention Networks",
 * 2019: with a mask M of single weights or of whole columns of keys, in windows of w keys that begin with probability
 * gamma, the weights a of a row become `a M / sum(a M)`.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  keptEntries,
  type Key,
  type Scheduled,
  scheduled,
  type Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode dropAttention}. */
export interface DropAttentionOptions {
  /** Probability of dropping a weight, in [0, 1), or a schedule. Default 0.1. */
  rate?: Scheduled;
  /** What is dropped: an `element`, one query's weight of a key (default), or a `column`, a key for all queries of a head. */
  form?: "element" | "column";
  /** w: how many consecutive keys are dropped together, at least 1. Default 1. */
  span?: number;
  /**
   * How windows begin. `exact` (default): so that every key is dropped with probability `rate`, windows that reach over an
   * end of the row included. `paper`: with probability rate / w at each key, so that a key far from the beginning is
   * dropped with probability `1 - (1 - rate / w)^w`, the first with rate / w. Both agree for a span of 1.
   */
  windows?: "exact" | "paper";
}

/** {@linkcode DropAttentionOptions} with defaults filled in. */
interface Settings {
  readonly rate: number;
  readonly form: "element" | "column";
  readonly span: number;
  readonly windows: "exact" | "paper";
}

const text = "expected a number in [0, 1): a row needs at least one key";

/** Rows with no more than this left count as lost: one over a smaller sum overflows in float32. */
const least = 1e-30;

/** 1 for each weight that is kept, else 0: `[batch, heads, queries or 1, keys]`. */
function keptWeights(weights: Tensor, key: Key, { rate, form, span, windows }: Settings): Tensor {
  const [batch, heads, queries, keys] = weights.shape;
  const rows = form === "column" ? 1 : queries;
  const exact = windows === "exact";
  const begins = exact ? -Math.expm1(Math.log1p(-rate) / span) : rate / span;
  const shape = [batch, heads, rows, exact ? keys + span - 1 : keys];
  let kept = keptEntries({ key, rate: begins }, shape, weights.floatType);
  if (!exact && span > 1) kept = kept.pad([[0, 0], [0, 0], [0, 0], [span - 1, 0]], 1);
  // Entry j becomes the product of the `span` entries from j on, in doubling steps.
  for (let length = 1; length < span;) {
    const step = Math.min(length, span - length);
    kept = kept.slice([], [batch, heads, rows, kept.shape[3] - step]).mul(kept.slice([0, 0, 0, step]));
    length += step;
  }
  return kept;
}

/**
 * DropAttention (Lin et al., 2019), for an `attention` site. Rows of weights sum to 1 in every pass, and the gradient goes
 * through the sum too; evaluation is the identity. With the same mask it is {@linkcode dropKey}: softmax over what is left.
 *
 * Each example, head and, for `form: "element"`, query has a mask of its own. A row that would lose all of the keys that
 * it sees is left as it was (the authors' program gives zeros). Keys that a causal or padding mask hides stay hidden. A
 * rate of 0 is the identity; 1 is refused.
 *
 * When: self-attention overfits to single positions; `column` with a span of some words hides context for a whole sentence.
 * Cost: a few passes over the weights, which are held once more for the gradient.
 *
 * @example
 * ```ts
 * import { dropAttention, multiHeadAttention } from "@thinned/dropout";
 *
 * multiHeadAttention(8, { attention: dropAttention({ rate: 0.2, form: "column", span: 3 }) });
 * ```
 */
export const dropAttention: Factory<"attention", DropAttentionOptions> = definePlugin({
  name: "drop-attention",
  summary: "Zeroes attention weights or columns of keys after softmax, and normalizes each row again.",
  paper: {
    authors: "Lin, Liu, Huang, Chen, Qiu, Huang",
    year: 2019,
    title: "DropAttention: A Regularization Method for Fully-Connected Self-Attention Networks",
    url: "https://arxiv.org/abs/1907.11065",
  },
  options: z.object({
    rate: scheduled(z.number(text).min(0, text).lt(1, text)).default(0.1)
      .describe("probability of dropping a weight, in [0, 1)"),
    form: z.enum(["element", "column"]).default("element").describe("single weights, or keys for all queries"),
    span: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(1)
      .describe("how many consecutive keys are dropped together"),
    windows: z.enum(["exact", "paper"]).default("exact").describe("how windows begin"),
  }),
  stages: ({ rate }, mode) => mode === "eval" || rate === 0 ? [] : ["weights"],
  attention(weights, _stage, { key, options }) {
    const left = weights.mask(keptWeights(weights, key, options));
    const alive = left.detach().sum(-1, true).greater(least);
    const lost = alive.sub(1).neg();
    const row = left.mask(alive);
    return row.div(row.sum(-1, true).add(lost)).add(weights.mask(lost));
  },
  claims: ({ form }) => ({
    eval: "identity",
    dropped: "otherwise",
    shares: form === "column" ? [2, "entries"] : ["entries"],
  }),
  cases: [{}, { form: "column", span: 2 }, { span: 3, windows: "paper" }],
});
