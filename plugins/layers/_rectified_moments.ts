/** Mean and variance of a rectified normal number. @module */
import type { Moments } from "../../core/mod.ts";

/**
 * Of `x` where positive, else `slope x`, in closed form: with `z = mean / deviation`, `max(x, 0)` has the mean
 * `mean Phi(z) + deviation phi(z)` and the second moment `(mean^2 + variance) Phi(z) + mean deviation phi(z)`.
 */
export function rectifiedMoments({ mean, variance }: Moments, slope: number): Moments {
  // A variance of 0 is a limit.
  const deviation = variance.maximum(1e-30).sqrt();
  const z = mean.div(deviation);
  const above = z.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  const density = z.square().mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI)).mul(deviation);
  const positive = mean.mul(above).add(density);
  const positiveSquare = mean.square().add(variance).mul(above).add(mean.mul(density));
  if (slope === 0) return { mean: positive, variance: positiveSquare.sub(positive.square()).maximum(0) };
  // With p = max(x, 0), it is slope x + (1 - slope) p, and its square slope^2 x^2 + (1 - slope^2) p^2.
  const out = mean.mul(slope).add(positive.mul(1 - slope));
  const square = mean.square().add(variance).mul(slope * slope).add(positiveSquare.mul(1 - slope * slope));
  return { mean: out, variance: square.sub(out.square()).maximum(0) };
}
