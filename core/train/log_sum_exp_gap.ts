/** What uncertain logits add to a softmax loss. @module */
import type { Moments } from "../plugin/plugin.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * By how much the mean of `log sum_c e^(z_c)` over independent normal logits lies above its value at their means, to second
 * order: `sum_c p_c (1 - p_c) v_c / 2` with `p = softmax(mean)`. It is what a softmax cross-entropy grows by.
 *
 * @param logits mean and variance, `[batch, ..., classes]`
 * @returns `[batch, ...]`
 */
export function logSumExpGap({ mean, variance }: Moments): Tensor {
  const p = mean.softmax();
  return p.sub(p.square()).mul(variance).sum(-1).mul(0.5);
}
