/**
 * Scaled dot-product attention, with its masks and its hooks for variants.
 *
 * Vaswani et al., "Attention Is All You Need", NeurIPS 2017, equation (1):
 * `Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V`.
 *
 * @module
 */
import { ShapeError, showShape } from "../../errors.ts";
import { sameShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/**
 * What is added to the score of a key that a mask hides. Finite, so that a query all of whose keys are hidden has a
 * gradient; so large that any score vanishes beside it, also in float32.
 */
export const maskedScore: number = -1e30;

/** Settings of {@linkcode scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Whether a query at time t sees only keys up to time t. Default false. */
  causal?: boolean;
  /** `[batch, keys]`, of any element type: 0 for a key that nobody may see, such as padding. Default: all are seen. */
  keyMask?: Tensor;
  /** What scores are multiplied by. Default `1 / sqrt(features)`. */
  scale?: number;
  /** Called with the masked scores `[batch, heads, queries, keys]`; what it returns goes through softmax. */
  scores?: (scores: Tensor) => Tensor;
  /** Called with the weights `[batch, heads, queries, keys]`; what it returns is multiplied by the values. */
  weights?: (weights: Tensor) => Tensor;
}

/** `[queries, keys]`: 1 where a query may see a key, else 0. */
function causalMask(queries: number, keys: number, like: Tensor): Tensor {
  const mask = Tensor.zeros([queries, keys], like.dtype);
  for (let query = 0; query < queries; query++) {
    mask.floats.fill(1, query * keys, query * keys + Math.min(query + 1, keys));
  }
  return mask;
}

/**
 * `softmax(Q K^T / sqrt(features) + mask) V` for each head. A query whose keys are all hidden gives zeros with zero
 * gradients.
 *
 * @param q `[batch, heads, queries, features]`
 * @param k `[batch, heads, keys, features]`
 * @param v `[batch, heads, keys, value features]`
 * @returns `[batch, heads, queries, value features]`
 * @throws {ShapeError} when the shapes do not fit together
 *
 * @example
 * ```ts
 * import { scaledDotProductAttention, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const x = Tensor.of([[[[1], [2], [4]]]]);
 * const y = scaledDotProductAttention(Tensor.zeros([1, 1, 3, 1]), x, x, { causal: true });
 * assertEquals(y.slice([0, 0, 0], [1, 1, 2]).toArray(), [[[[1], [1.5]]]]); // means of what each query sees
 * ```
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const [batch, heads, queries, features] = q.shape;
  const keys = k.shape[2];
  const fits = q.rank === 4 && sameShape(k.shape, [batch, heads, keys, features]) && v.rank === 4 &&
    sameShape(v.shape.slice(0, 3), [batch, heads, keys]);
  if (!fits) {
    throw new ShapeError(
      "attention: expected queries [batch, heads, queries, features], keys [batch, heads, keys, features] and values " +
        `[batch, heads, keys, ...], found ${showShape(q.shape)}, ${showShape(k.shape)} and ${showShape(v.shape)}.`,
    );
  }
  const mask = options.keyMask;
  if (mask !== undefined && !sameShape(mask.shape, [batch, keys])) {
    throw new ShapeError(`attention: expected a mask of shape [${batch}, ${keys}], found ${showShape(mask.shape)}.`);
  }
  // Scaling the queries touches fewer numbers than scaling the scores.
  let scores = q.mul(options.scale ?? 1 / Math.sqrt(features)).matmul(k, { transposeB: true });
  let seen = options.causal === true ? causalMask(queries, keys, q) : undefined;
  if (mask !== undefined) {
    const rows = mask.detach().cast(q.dtype).equal(0).mul(-1).add(1).reshape([batch, 1, 1, keys]);
    seen = seen === undefined ? rows : seen.mul(rows);
  }
  if (seen !== undefined) scores = scores.add(seen.sub(1).mul(-maskedScore));
  if (options.scores !== undefined) scores = options.scores(scores);
  let weights = scores.softmax();
  // Where a mask hides every key softmax is uniform; selecting zeros makes it nothing.
  if (seen !== undefined && mask !== undefined) weights = weights.mask(seen);
  if (options.weights !== undefined) weights = options.weights(weights);
  return weights.matmul(v);
}
