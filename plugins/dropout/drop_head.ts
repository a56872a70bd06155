/**
 * DropHead: whole attention heads are dropped, and those that are left stand in for them.
 *
 * Zhou, Ge, Wei, Zhou, Xu, "Scheduled DropHead: A Regularization Method for Transformer Models", Findings of EMNLP 2020:
 * with `xi_h ~ Bernoulli(1 - rate)` for each of H heads, `out_h = xi_h (H / sum xi) head_h` before the output projection.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, keptEntries, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode dropHead}. */
export interface DropHeadOptions {
  /**
   * Probability of dropping a head, in [0, 1), or a schedule. The paper lets it fall to 0 in the first half of training
   * and rise again in the second. Default 0.1.
   */
  rate?: Scheduled;
}

const text = "expected a number in [0, 1): a layer needs at least one head";

/**
 * DropHead (Zhou et al., 2020), for an `attention` site: each example loses heads of its own, for all of its queries.
 * Evaluation is the identity.
 *
 * The heads that are left are multiplied by H over their number, so the factors of an example add up to H in every pass,
 * and the mean of each is 1. An example that would lose all heads keeps them all, as they are: so a head is dropped with
 * probability `rate - rate^H`, and with one head nothing is. A rate of 0 is the identity; 1 is refused.
 *
 * When: a transformer leans on a few of its heads, or heads are to be pruned later.
 * Cost: one number a head and example; the dropped heads are computed all the same.
 *
 * @example
 * ```ts
 * import { dropHead, multiHeadAttention } from "@thinned/dropout";
 *
 * multiHeadAttention(8, { attention: dropHead({ rate: 0.2 }) });
 * ```
 */
export const dropHead: Factory<"attention", DropHeadOptions> = definePlugin({
  name: "drop-head",
  summary: "Drops whole attention heads and scales up the others, by how many are left.",
  paper: {
    authors: "Zhou, Ge, Wei, Zhou, Xu",
    year: 2020,
    title: "Scheduled DropHead: A Regularization Method for Transformer Models",
    url: "https://arxiv.org/abs/2004.13342",
  },
  options: z.object({
    rate: scheduled(z.number(text).min(0, text).lt(1, text)).default(0.1)
      .describe("probability of dropping a head, in [0, 1)"),
  }),
  stages: ({ rate }, mode) => mode === "eval" || rate === 0 ? [] : ["heads"],
  attention(value, _stage, { key, options: { rate } }) {
    const heads = value.shape[1];
    const kept = keptEntries({ key, rate, share: [2, 3] }, value.shape, value.floatType);
    const left = kept.sum(1, true);
    const none = left.equal(0);
    return value.mask(kept.add(none).mul(heads).div(left.add(none.mul(heads))));
  },
  claims: { mean: "kept", eval: "identity", dropped: "otherwise", shares: [2, 3, "entries"] },
});
