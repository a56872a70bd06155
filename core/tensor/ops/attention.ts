/**
 * Scaled dot-product attention, with its masks and its hooks for variants.
 *
 * Vaswani et al., "Attention Is All You Need", NeurIPS 2017, equation (1):
 * `Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V`.
 *
 * @module
 */
import * as kernels from "../../backend/attention.ts";
import type { AttentionShape } from "../../backend/attention.ts";
import { ShapeError, showShape } from "../../errors.ts";
import { record } from "../autograd.ts";
import { sameShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { checkTypes } from "./elementwise.ts";
import { applyMask, elementDraw, type Mask, maskedScore } from "./mask.ts";
import type { Decisions } from "./random.ts";

/** Settings of {@linkcode scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Whether a query at time t sees only keys up to time t. Default false. */
  causal?: boolean;
  /** `[batch, keys]`, of any element type: 0 for a key that nobody may see, such as padding. Default: all are seen. */
  keyMask?: Tensor;
  /** What scores are multiplied by. Default `1 / sqrt(features)`. */
  scale?: number;
  /**
   * A mask for the scores `[batch, heads, queries, keys]` after those above, or what is called with them; what it returns
   * goes through softmax.
   */
  scores?: Mask | ((scores: Tensor) => Tensor) | null;
  /**
   * A mask for the weights `[batch, heads, queries, keys]`, or what is called with them; what it returns is multiplied by the
   * values.
   */
  weights?: Mask | ((weights: Tensor) => Tensor) | null;
}

/** `[queries, keys]`: 1 where a query may see a key, else 0. */
function causalMask(queries: number, keys: number, like: Tensor): Tensor {
  const mask = Tensor.zeros([queries, keys], like.dtype);
  for (let query = 0; query < queries; query++) {
    mask.floats.fill(1, query * keys, query * keys + Math.min(query + 1, keys));
  }
  return mask;
}

/** What the kernel draws. */
interface Dropped {
  readonly decisions: Decisions;
  readonly before: boolean;
  readonly a: number;
}

/** What the kernel draws for masks of scores and weights: null for nothing, undefined where it cannot do what they say. */
function droppedBy(scores: Hook, weights: Hook, shape: Shape): Dropped | null | undefined {
  if (typeof scores === "function" || typeof weights === "function") return undefined;
  const hides = scores ? elementDraw(scores, shape) : null;
  const drops = weights ? elementDraw(weights, shape) : null;
  if (hides === undefined || drops === undefined || (hides !== null && drops !== null)) return undefined;
  if (hides !== null) {
    const { a, c, empty } = hides;
    return a === 1 && c === maskedScore && empty === "kept"
      ? { decisions: hides.decisions, before: true, a }
      : undefined;
  }
  if (drops === null) return null;
  const { a, c, empty } = drops;
  return c === 0 && empty === "lost" ? { decisions: drops.decisions, before: false, a } : undefined;
}

/** A mask, or a function that acts on what is computed. */
type Hook = AttentionOptions["scores"];

function act(hook: Hook, value: Tensor): Tensor {
  if (!hook) return value;
  return typeof hook === "function" ? hook(value) : applyMask(value, hook);
}

/** Attention in one kernel, which keeps one number for each query. */
function inTiles(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions,
  scale: number,
  dropped: Dropped | null,
): Tensor {
  const [batch, heads, queries, features] = q.shape;
  const shape: AttentionShape = {
    batch,
    heads,
    queries,
    keys: k.shape[2],
    features,
    values: v.shape[3],
    scale,
    causal: options.causal === true,
    drawn: dropped === null ? 0 : batch,
    threshold: dropped?.decisions.threshold ?? 0,
    bits: dropped?.decisions.bits ?? 16,
    before: dropped?.before ?? false,
    a: dropped?.a ?? 1,
  };
  const address = dropped?.decisions.address ?? noDraw;
  const mask = options.keyMask?.detach().cast(q.floatType).floats ?? null;
  const out = Tensor.empty([batch, heads, queries, shape.values], q.dtype);
  const sums = Tensor.empty([batch, heads, queries], q.dtype);
  kernels.attention(q.floats, k.floats, v.floats, mask, out.floats, sums.floats, address, shape);
  return record("attention", [q, k, v], out, (dy) => {
    const [dQ, dK, dV] = [q, k, v].map((input) => Tensor.empty(input.shape, input.dtype));
    kernels.attentionGradient(
      q.floats,
      k.floats,
      v.floats,
      mask,
      out.floats,
      sums.floats,
      dy.floats,
      dQ.floats,
      dK.floats,
      dV.floats,
      address,
      shape,
    );
    return [dQ, dK, dV];
  });
}

/** The address of a draw of no rows. */
const noDraw = { header: new Uint32Array(3), table: new Uint32Array(0), offset: 0 };

/**
 * `softmax(Q K^T / sqrt(features) + mask) V` for each head. A query whose keys are all hidden gives zeros with zero
 * gradients. Where masks say all that becomes of scores and weights, they are computed in tiles and none of them is kept; a
 * function is given all of them, which takes memory by the square of the time.
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
  const { causal = false, scale = 1 / Math.sqrt(features) } = options;
  checkTypes("attention", q, k);
  checkTypes("attention", q, v);
  const dropped = features === 0
    ? undefined
    : droppedBy(options.scores, options.weights, [batch, heads, queries, keys]);
  if (dropped !== undefined) return inTiles(q, k, v, options, scale, dropped);
  // Scaling the queries touches fewer numbers than scaling the scores.
  let scores = q.mul(scale).matmul(k, { transposeB: true });
  let seen = causal ? causalMask(queries, keys, q) : undefined;
  if (mask !== undefined) {
    const rows = mask.detach().cast(q.dtype).equal(0).mul(-1).add(1).reshape([batch, 1, 1, keys]);
    seen = seen === undefined ? rows : seen.mul(rows);
  }
  if (seen !== undefined) scores = scores.add(seen.sub(1).mul(-maskedScore));
  let weights = act(options.scores, scores).softmax();
  // Where a mask hides every key softmax is uniform; selecting zeros makes it nothing.
  if (seen !== undefined && mask !== undefined) weights = weights.mask(seen);
  return act(options.weights, weights).matmul(v);
}
