/**
 * Attention dropout: attention weights are zeroed at random after softmax.
 *
 * Vaswani et al., "Attention Is All You Need", NeurIPS 2017, as in the authors' tensor2tensor: dropout on
 * `softmax(Q K^T / sqrt(d_k))` before it is multiplied by V.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode attentionDropout}. */
export interface AttentionDropoutOptions {
  /** Probability of dropping a weight, in [0, 1], or a schedule. Default 0.1. */
  rate?: Scheduled;
}

/**
 * Attention dropout, for an `attention` site. Kept weights are divided by the keep probability, so a row's sum is 1 only
 * in expectation; evaluation is the identity.
 *
 * When: transformers, at 0.1, as they were published.
 * Cost: a few cycles a weight inside of attention's kernel; neither weights nor mask are stored, and the gradient draws again.
 *
 * @example
 * ```ts
 * import { attentionDropout, multiHeadAttention } from "@thinned/dropout";
 *
 * multiHeadAttention(8, { attention: attentionDropout({ rate: 0.1 }) });
 * ```
 */
export const attentionDropout: Factory<"attention", AttentionDropoutOptions> = definePlugin({
  name: "attention-dropout",
  summary: "Zeroes attention weights at random, after softmax.",
  paper: {
    authors: "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin",
    year: 2017,
    title: "Attention Is All You Need",
    url: "https://arxiv.org/abs/1706.03762",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.1).describe("probability of dropping a weight, in [0, 1]"),
  }),
  stages: ({ rate }, mode) => mode === "eval" || rate === 0 ? [] : ["weights"],
  attention: { mask: ({ key, options: { rate } }) => ({ key, rate }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
});
