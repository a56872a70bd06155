/**
 * Masks as data: which entries of a tensor are dropped and what becomes of them, said before the tensor is computed.
 *
 * @module
 */
import * as kernels from "../../backend/random.ts";
import { record } from "../autograd.ts";
import { OptionError, ShapeError, showShape } from "../../errors.ts";
import { keepProbability, type Key, rateThreshold } from "../../random/key.ts";
import type { PlainMask } from "../mask_ahead.ts";
import { normalizeAxis, sameShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { checkTypes } from "./elementwise.ts";
import { type KeptUnits, thinned, type Thinning } from "../thinning.ts";
import { bernoulli, checkRate, choose, type Decisions, decisions, keep, sharedDraw } from "./random.ts";

/**
 * What is added to the score of a key that a mask hides. Finite, so that a query all of whose keys are hidden has a
 * gradient; so large that any score vanishes beside it, also in float32.
 */
export const maskedScore: number = -1e30;

/**
 * A draw as data. Each entry x becomes `a x + b` if it is kept and c if it is dropped; a, b and c are numbers, or tensors
 * that stretch to x and may have gradients.
 */
export interface Mask {
  /** Where the draw lies. */
  readonly key: Key;
  /** Probability of dropping an entry, in [0, 1]. */
  readonly rate: number;
  /** Axes along which one draw is shared, as numbers: 0 is the batch, negative ones count from the end. Default none. */
  readonly share?: readonly number[];
  /** How many consecutive examples share a draw, at least 1. Default 1. */
  readonly group?: number;
  /** Factor of what is kept. Default 1 over the keep probability that the rate really gives. */
  readonly a?: number | Tensor;
  /** Added to what is kept. Default 0. */
  readonly b?: number | Tensor;
  /** What dropped entries become. Default 0. */
  readonly c?: number | Tensor;
  /** What evaluation gives: the input itself, or what the draw gives in the mean. Default `identity`. */
  readonly eval?: "identity" | "mean";
  /**
   * What a row along the last axis gets that lost everything: it stays `lost` (default), or is `kept` as it was. Entries
   * that a mask of attention hides count as lost before.
   */
  readonly empty?: "lost" | "kept";
}

/** `a x + b`, computing no more than is said. */
function scaled(x: Tensor, a: number | Tensor, b: number | Tensor): Tensor {
  const ax = a === 1 ? x : x.mul(a);
  return b === 0 ? ax : ax.add(b);
}

/** The parts of a mask. */
export const maskParts: readonly (keyof Mask)[] = ["key", "rate", "share", "group", "a", "b", "c", "eval", "empty"];

function asTensor(value: number | Tensor, like: Tensor): Tensor {
  return value instanceof Tensor ? value.broadcastTo(like.shape) : Tensor.full(like.shape, value, like.dtype);
}

/** Throws unless a mask can be applied to a tensor; its shared axes as numbers. */
export function checkMask(mask: Mask, rank: number): number[] {
  checkRate(mask.rate);
  if (mask.group !== undefined && !(Number.isSafeInteger(mask.group) && mask.group >= 1)) {
    throw new OptionError("group", "a whole number of at least 1", mask.group);
  }
  const { eval: mean = "identity", empty = "lost" } = mask;
  if (mean !== "identity" && mean !== "mean") throw new OptionError("eval", "identity or mean", mean);
  if (empty !== "lost" && empty !== "kept") throw new OptionError("empty", "lost or kept", empty);
  if (empty === "kept" && mean === "mean") {
    throw new OptionError("eval", "identity where an empty row is kept, since its mean has no short formula", mean);
  }
  return (mask.share ?? []).map((axis) => normalizeAxis(axis, rank, "share"));
}

/** The key of a mask's draw, with its group. */
export function keyOf({ key, group }: Mask): Key {
  return group === undefined || key.isWhole ? key : key.grouped(group);
}

/**
 * Which entries of a tensor of a shape a mask keeps: 1 or 0, with an extent of 1 along the axes that share the draw. It
 * needs no input, so it can be known before the tensor is computed.
 *
 * @example
 * ```ts
 * import { Key, keptEntries } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const kept = keptEntries({ key: Key.seed(1).at("mask"), rate: 0.5, share: [0] }, [4, 6]);
 * assertEquals(kept.shape, [1, 6]); // one draw for the batch
 * ```
 */
export function keptEntries(mask: Mask, shape: readonly number[], dtype: "float32" | "float64" = "float32"): Tensor {
  const compact = sharedDraw(shape, keyOf(mask), checkMask(mask, shape.length));
  return bernoulli(compact.shape, compact.key, mask.rate, 1, dtype);
}

/**
 * Which units a mask keeps for whole groups of examples, known before what it is applied to is computed; null where it
 * draws for every example, or where more than one axis has draws of its own, or where dropped units do not become 0.
 *
 * @param shape of what the mask is applied to
 */
export function keptUnits(mask: Mask, shape: readonly number[]): Thinning | null {
  const { rate, c = 0, share = [], group = 1, key } = mask;
  if (rate === 0 || rate === 1 || c !== 0 || mask.empty === "kept" || key.isWhole) return null;
  if (shape.length < 2 || share.length < shape.length - 2 || shape.includes(0)) return null;
  const shared = new Set(share.map((axis) => normalizeAxis(axis, shape.length, "share")));
  const axis = shape.findIndex((_, at) => at > 0 && !shared.has(at));
  if (axis < 0 || shape.some((_, at) => at > axis && !shared.has(at))) return null;
  // Draws for single examples skip nothing: the mask has to be said to be shared.
  if (!shared.has(0) && group < LEAST_GROUP) return null;
  const kept = keptEntries(mask, shape);
  const [batch, extent] = [shape[0], shape[axis]];
  const entries = kept.floats;
  const listOf = (row: number) => {
    const start = kept.shape[0] === 1 ? 0 : row * extent;
    const units = new Int32Array(extent);
    let count = 0;
    for (let unit = 0; unit < extent; unit++) if (entries[start + unit] !== 0) units[count++] = unit;
    return units.slice(0, count);
  };
  if (kept.shape[0] === 1) return { axis, extent, groups: [{ from: 0, to: batch, units: listOf(0) }] };
  const table = (shared.has(0) ? key.shared() : keyOf(mask)).rows.table(batch);
  const groups: KeptUnits[] = [];
  for (let from = 0, to = 1; from < batch; from = to++) {
    while (to < batch && [0, 1, 2].every((word) => table[3 * to + word] === table[3 * from + word])) to++;
    groups.push({ from, to, units: listOf(from) });
  }
  return { axis, extent, groups };
}

/**
 * A mask as an op in front of it can apply it; null where it draws for groups of examples, or does more than to scale what
 * it keeps. A factor of at least 1 leaves what is positive positive, so that the result tells what was kept.
 *
 * @param shape of what the mask is applied to
 */
export function plainMask(mask: Mask, shape: Shape): PlainMask | null {
  const { rate, b = 0, c = 0, share = [], group = 1 } = mask;
  checkMask(mask, shape.length);
  if (rate === 1 || b !== 0 || c !== 0 || mask.empty === "kept") return null;
  if (share.length > 0 || group >= LEAST_GROUP) return null;
  const kept = keepProbability(rateThreshold(rate));
  const { a: scale = 1 / kept } = mask;
  if (kept === 1 || typeof scale !== "number" || !(scale >= 1)) return null;
  return { ...decisions(shape, keyOf(mask), rate), scale };
}

/** A mask that decides on each entry by itself, for a kernel that applies it to what it computes. */
export interface ElementDraw {
  /** Where the decisions lie. */
  readonly decisions: Decisions;
  /** Factor of what is kept. */
  readonly a: number;
  /** What dropped entries become. */
  readonly c: number;
  /** What a row gets that lost everything. */
  readonly empty: "lost" | "kept";
}

/**
 * The decisions of a mask of numbers, which draws for each entry of each example, in a kernel's terms: null where it leaves
 * everything as it is, undefined where it says more, such as a shared axis, a shift or a tensor.
 */
export function elementDraw(mask: Mask, shape: readonly number[]): ElementDraw | null | undefined {
  const share = checkMask(mask, shape.length);
  const { rate, a, b = 0, c = 0, empty = "lost" } = mask;
  const kept = rate === 1 ? 0 : keepProbability(rateThreshold(rate));
  if (kept === 1) return b === 0 && (a === undefined || a === 1) ? null : undefined;
  const key = keyOf(mask);
  if (kept === 0 || share.length > 0 || b !== 0 || typeof c !== "number" || key.isWhole) return undefined;
  if (a !== undefined && typeof a !== "number") return undefined;
  return { decisions: decisions(shape, key, rate), a: a ?? 1 / kept, c, empty };
}

/**
 * `shortcut + mask(x)` in one pass.
 *
 * @param shortcut of the shape of x
 * @param mask what {@linkcode plainMask} says for that shape
 */
export function addMasked(shortcut: Tensor, x: Tensor, mask: PlainMask): Tensor {
  if (!sameShape(shortcut.shape, x.shape)) {
    throw new ShapeError(
      `addMasked: expected a shortcut of shape ${showShape(x.shape)}, found ${showShape(shortcut.shape)}.`,
    );
  }
  checkTypes("addMasked", x, shortcut);
  const { rows, cols, address, threshold, bits, scale } = mask;
  const out = Tensor.empty(x.shape, x.dtype);
  kernels.maskAdd(x.floats, shortcut.floats, out.floats, address, rows, cols, threshold, bits, scale);
  return record("addMasked", [shortcut, x], out, (dy, needs) => {
    if (!needs[1]) return [dy, null];
    const dx = Tensor.empty(x.shape, x.dtype);
    kernels.mask(dy.floats, dx.floats, address, rows, cols, threshold, bits, scale, 0, 0);
    return [dy, dx];
  });
}

/** Smaller groups than this are masked like single examples: products over so few rows would save nothing. */
const LEAST_GROUP = 8;

/**
 * Applies a mask.
 *
 * @param x the tensor, batch first unless the mask's key has no batch axis
 * @param mask what is dropped, and what becomes of it
 * @param evaluates whether this is evaluation, where nothing is drawn
 */
export function applyMask(x: Tensor, mask: Mask, evaluates = false): Tensor {
  const share = checkMask(mask, x.rank);
  const { rate, b = 0 } = mask;
  const kept = rate === 1 ? 0 : keepProbability(rateThreshold(rate));
  if (evaluates) return mask.eval === "mean" ? expectation(x, mask, kept) : x;
  const a = mask.a ?? (kept === 0 ? 0 : 1 / kept);
  if (kept === 1) return scaled(x, a, b);
  if (mask.empty !== "kept") return thinned(drawn(x, mask, share, a), keptUnits(mask, x.shape));
  const entries = keptEntries(mask, x.shape, x.floatType);
  const alive = x.detach().greater(maskedScore / 2).mul(entries).max(-1, true);
  return drawn(x, mask, share, a).mask(alive).add(x.mask(alive.sub(1).neg()));
}

/** `keep (a x + b) + (1 - keep) c`. */
function expectation(x: Tensor, { a, b = 0, c = 0 }: Mask, kept: number): Tensor {
  const left = kept === 0
    ? zeros(x)
    : a === undefined
    ? scaled(x, 1, typeof b === "number" ? b * kept : b.mul(kept))
    : scaled(x, typeof a === "number" ? a * kept : a.mul(kept), typeof b === "number" ? b * kept : b.mul(kept));
  return c === 0 || kept === 1 ? left : left.add(typeof c === "number" ? c * (1 - kept) : c.mul(1 - kept));
}

/** `kept ? a x + b : c`, of a rate above 0. */
function drawn(x: Tensor, mask: Mask, share: readonly number[], a: number | Tensor): Tensor {
  const { rate, b = 0, c = 0 } = mask;
  if (rate === 1) return c === 0 ? zeros(x) : zeros(x).add(c);
  const key = keyOf(mask);
  // Dropped entries are taken out before anything is multiplied: the gradient of a tensor a sees x, which may be infinite.
  const left = typeof a === "number" ? x : keep(x, key, rate, share, 1);
  if (c === 0 && b === 0) return typeof a === "number" ? keep(x, key, rate, share, a) : left.mul(a);
  return choose(scaled(left, a, b), asTensor(c, x), key, rate, share);
}

/** Zeros that carry a zero gradient back, also from an infinity or NaN. */
function zeros(x: Tensor): Tensor {
  return record("mask", [x], Tensor.zeros(x.shape, x.dtype), () => [Tensor.zeros(x.shape, x.dtype)]);
}

/**
 * Applies a mask whose decisions are at hand: `kept ? a x + b : c`.
 *
 * @param x the tensor
 * @param kept 1 or 0 for each entry, in a shape that stretches to that of x
 */
export function maskEntries(x: Tensor, kept: Tensor, mask: Mask): Tensor {
  const { rate, b = 0, c = 0 } = mask;
  const a = mask.a ?? 1 / keepProbability(rateThreshold(rate));
  if (b === 0 && typeof a === "number") {
    const left = x.mask(a === 1 ? kept : kept.mul(a));
    return c === 0 ? left : left.add(asTensor(c, x).mask(kept.sub(1).neg()));
  }
  const left = scaled(typeof a === "number" ? x : x.mask(kept), a, b).mask(kept);
  return c === 0 ? left : left.add(asTensor(c, x).mask(kept.sub(1).neg()));
}
