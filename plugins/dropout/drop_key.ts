/**
 * DropKey: keys are hidden at random before softmax, so that the rest of a row still sums to 1.
 *
 * Li, Hu, Nie, Han, Jiang, Guo, Liu, "DropKey for Vision Transformer", CVPR 2023, algorithm 1: with a mask m ~ Bernoulli(rate), the scores become
 * `Q K^T / sqrt(d_k) - m * 1e12` before softmax. Nothing is rescaled.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, maskedScore, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode dropKey}. */
export interface DropKeyOptions {
  /**
   * Probability of hiding a key from a query, in [0, 1), or a schedule. The paper lets it fall with the depth of the
   * layer. Default 0.3.
   */
  rate?: Scheduled;
}

const text = "expected a number in [0, 1): a row needs at least one key";

/**
 * DropKey (Li et al., 2023), for an `attention` site: each query of each head loses keys of its own. Rows of weights sum
 * to 1; evaluation is the identity.
 *
 * A row that would lose every key that it may see keeps them all. This is what the formula says: softmax does not change
 * when one number is subtracted from all scores. Causal and padding masks hold in such a row too. So with n visible keys
 * a key is hidden with probability `rate - rate^n`.
 *
 * When: vision transformers, where rows of attention should still sum to 1; rates fall with depth in the paper.
 * Cost: a few cycles a score inside of attention's kernel; neither scores nor mask are stored, and the gradient draws again.
 * Nothing at evaluation.
 *
 * @example
 * ```ts
 * import { dropKey, multiHeadAttention } from "@thinned/dropout";
 *
 * multiHeadAttention(8, { attention: dropKey({ rate: 0.3 }) });
 * ```
 */
export const dropKey: Factory<"attention", DropKeyOptions> = definePlugin({
  name: "drop-key",
  summary: "Hides keys at random before softmax, without rescaling.",
  paper: {
    authors: "Li, Hu, Nie, Han, Jiang, Guo, Liu",
    year: 2023,
    title: "DropKey for Vision Transformer",
    url: "https://arxiv.org/abs/2208.02646",
  },
  options: z.object({
    rate: scheduled(z.number(text).min(0, text).lt(1, text)).default(0.3)
      .describe("probability of hiding a key from a query, in [0, 1)"),
  }),
  stages: ({ rate }, mode) => mode === "eval" || rate === 0 ? [] : ["scores"],
  attention: { mask: ({ key, options: { rate } }) => ({ key, rate, a: 1, c: maskedScore, empty: "kept" }) },
  claims: { eval: "identity" },
});
