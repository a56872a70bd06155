/** Means and variances through a mask, in closed form. @module */
import { PluginError } from "../errors.ts";
import { keepProbability, rateThreshold } from "../random/key.ts";
import type { Mask } from "../tensor/ops/mask.ts";
import type { Moments } from "./plugin.ts";

/**
 * Mean and variance of `kept ? a x + b : c` over draws and inputs, entry by entry: with keep probability q and
 * `m = a E[x] + b`, the mean is `q m + (1 - q) c` and the variance `q a^2 Var[x] + q (1 - q) (m - c)^2`.
 *
 * @param x mean and variance of the input
 * @param mask the mask; null changes nothing
 * @param evaluates whether nothing is drawn, so that the mask is replaced by what evaluation gives
 */
export function maskMoments({ mean, variance }: Moments, mask: Mask | null, evaluates: boolean): Moments {
  if (mask === null || (evaluates && mask.eval !== "mean")) return { mean, variance };
  const { rate, b = 0, c = 0 } = mask;
  const q = rate === 1 ? 0 : keepProbability(rateThreshold(rate));
  const a = mask.a ?? (q === 0 ? 0 : 1 / q);
  if (mask.empty === "kept") {
    throw new PluginError("has no moments: what a row gets that lost everything is not linear.");
  }
  const m = mean.mul(a).add(b);
  const scaled = variance.mul(a).mul(a);
  const between = evaluates ? scaled.mul(q * q) : scaled.mul(q).add(m.sub(c).square().mul(q * (1 - q)));
  const dropped = typeof c === "number" ? c * (1 - q) : c.mul(1 - q);
  return { mean: m.mul(q).add(dropped), variance: between };
}
