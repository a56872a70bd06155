/** The marginal likelihood of a linear layer's data, and the prior and noise under which it is greatest. @module */

/** What the marginal likelihood depends on. */
export interface EvidenceOf {
  /** Eigenvalues of the likelihood's curvature, for noise of variance 1. */
  readonly values: Float64Array;
  /** The sum of the squared weights. */
  readonly norm: number;
  /** Number of targets: examples times outputs. */
  readonly count: number;
  /** The sum of the squared distances of numbers from their predictions. */
  readonly squares: number;
}

/** Least noise, as a part of the squared weights' mean: where all targets are met there would be none. */
const LEAST_NOISE = 1e-12;

/**
 * What is added to the logarithm of the likelihood of classes at the weights to give that of the marginal likelihood; for
 * numbers with a noise, all of it: MacKay (1992), equation (4.1) of Daxberger et al. with a Gaussian prior.
 */
export function evidence(
  { values, norm, count, squares }: EvidenceOf,
  precision: number,
  noise: number | null,
): number {
  const scale = 1 / (noise ?? 1);
  let sum = -0.5 * precision * norm;
  for (const value of values) sum -= 0.5 * Math.log1p(value * scale / precision);
  if (noise !== null) sum -= 0.5 * (count * Math.log(2 * Math.PI * noise) + squares / noise);
  return sum;
}

/**
 * The precision of the prior with the greatest marginal likelihood. Its derivative is 0 where the number of weights that the
 * data determine, `sum of v / (v + precision)`, is `precision * norm`; the one falls with the precision and the other rises.
 */
function bestPrecision({ values, norm }: EvidenceOf, scale: number): number {
  let [low, high] = [Math.log(1e-12), Math.log(1e12)];
  while (high - low > 1e-10) {
    const middle = (low + high) / 2;
    if (determined(values, scale, Math.exp(middle)) > Math.exp(middle) * norm) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

function determined(values: Float64Array, scale: number, precision: number): number {
  return values.reduce((sum, value) => sum + value * scale / (value * scale + precision), 0);
}

/**
 * The prior's precision and the noise with the greatest marginal likelihood, where they are not given: in turn, until they stay.
 *
 * @param given the precision, undefined to find it; the noise likewise, null for classes
 */
export function mostLikely(
  about: EvidenceOf,
  given: { prior: number | undefined; noise: number | null | undefined },
): [prior: number, noise: number | null] {
  if (given.noise !== undefined) return [given.prior ?? bestPrecision(about, 1 / (given.noise ?? 1)), given.noise];
  const { count, squares, values } = about;
  const least = LEAST_NOISE * Math.max(squares / count, LEAST_NOISE);
  let noise = Math.max(squares / count, least);
  let prior = given.prior ?? 1;
  for (let i = 0; i < 200; i++) {
    prior = given.prior ?? bestPrecision(about, 1 / noise);
    const free = Math.max(count - determined(values, 1 / noise, prior), 1e-3 * count);
    const next = Math.max(squares / free, least);
    const moved = Math.abs(next - noise) / noise;
    noise = next;
    if (moved < 1e-10) break;
  }
  return [prior, noise];
}
