/**
 * What is known of a tensor's zeros: which units a mask has dropped for whole groups of examples. Products before and after
 * such a mask need not be computed for them, forward or backward. Nothing is lost by not knowing.
 *
 * @module
 */
import { type Shape, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Consecutive rows of a batch, and the units that they keep. */
export interface KeptUnits {
  /** The first row. */
  readonly from: number;
  /** One more than the last row. */
  readonly to: number;
  /** The units that are kept, rising; all others are 0 in these rows. */
  readonly units: Int32Array<ArrayBuffer>;
}

/** Which units along an axis are kept, by groups of rows that cover the batch in their order. */
export interface Thinning {
  /** The axis of the units, at least 1. */
  readonly axis: number;
  /** The extent of that axis. */
  readonly extent: number;
  /** The groups of rows. */
  readonly groups: readonly KeptUnits[];
}

/**
 * What a later mask will keep of a result, once its shape is known, before it is computed; null when that is not known. What
 * is not kept need not be computed, and may be anything finite.
 */
export type Foresee = (shape: Shape) => Thinning | null;

const known = new WeakMap<Tensor, Thinning>();

/** What is known of a tensor's zeros, if anything. */
export function thinningOf(x: Tensor): Thinning | undefined {
  return known.get(x);
}

/** Notes of a tensor that it is 0 outside of the kept units; gives the tensor. */
export function thinned<T extends Tensor>(x: T, thinning: Thinning | null | undefined): T {
  if (thinning) known.set(x, thinning);
  return x;
}

/** What is known of a tensor's zeros once it has another shape of the same size; undefined where the units are torn apart. */
export function reshapedThinning({ axis, extent, groups }: Thinning, from: Shape, to: Shape): Thinning | undefined {
  const before = sizeOf(from.slice(0, axis));
  // The units and what lies behind them become one axis, or stay as they are; so do the rows before them.
  let at = 0;
  for (let size = 1; size < before || at === 0; at++) {
    if (at >= to.length) return undefined;
    size *= to[at];
    if (size > before) return undefined;
  }
  if (to[0] !== from[0] || at >= to.length) return undefined;
  const behind = sizeOf(from.slice(axis + 1));
  if (to[at] === extent && sizeOf(to.slice(at + 1)) === behind) return { axis: at, extent, groups };
  if (to[at] !== extent * behind) return undefined;
  const spread = (units: Int32Array<ArrayBuffer>) => {
    const all = new Int32Array(units.length * behind);
    for (let i = 0; i < all.length; i++) all[i] = units[Math.floor(i / behind)] * behind + i % behind;
    return all;
  };
  return {
    axis: at,
    extent: extent * behind,
    groups: groups.map(({ units, ...rows }) => ({ ...rows, units: spread(units) })),
  };
}

/** The share of the units that are kept, over all rows. */
export function keptShare({ extent, groups }: Thinning): number {
  let kept = 0;
  let rows = 0;
  for (const { from, to, units } of groups) {
    kept += units.length * (to - from);
    rows += to - from;
  }
  return rows * extent === 0 ? 1 : kept / (rows * extent);
}
