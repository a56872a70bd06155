/**
 * Arithmetic on shapes: sizes, strides, axes and NumPy's broadcasting rule. No data is touched here.
 *
 * @module
 */
import type { BroadcastPlan } from "../backend/broadcast_plan.ts";
import { ShapeError, showShape } from "../errors.ts";

/** The extent of a tensor along each axis, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a shape; 1 for a scalar, 0 when any extent is 0. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** Throws unless every extent is a whole number of at least 0. */
export function checkShape(shape: Shape, what = "shape"): void {
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 0) {
      throw new ShapeError(`${what}: expected whole numbers of at least 0, found ${showShape(shape)}.`);
    }
  }
}

/**
 * The axis as a number in `[0, rank)`; negative axes count from the end.
 *
 * @throws {ShapeError} when the axis is outside `[-rank, rank)`
 */
export function normalizeAxis(axis: number, rank: number, what = "axis"): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(`${what}: expected a whole number in [${-rank}, ${rank}), found ${axis}.`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Several axes, normalized, sorted and without repeats. `undefined` means all axes. */
export function normalizeAxes(axes: number | readonly number[] | undefined, rank: number): number[] {
  if (typeof axes === "number") return [normalizeAxis(axes, rank)];
  if (axes !== undefined) return [...new Set(axes.map((axis) => normalizeAxis(axis, rank)))].sort((a, b) => a - b);
  const all: number[] = [];
  for (let axis = 0; axis < rank; axis++) all.push(axis);
  return all;
}

/**
 * The shape that two operands broadcast to: axes are matched from the last, and an extent of 1 stretches.
 *
 * @throws {ShapeError} naming both shapes when they do not fit
 */
export function broadcastShapes(a: Shape, b: Shape, action = "broadcast"): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${action}: shapes ${showShape(a)} and ${showShape(b)} do not fit: ` +
          `extents ${x} and ${y} at axis ${-i} are neither equal nor 1.`,
      );
    }
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** Strides with which `shape` is read as if it had the shape `target`: 0 along stretched axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, axis) => {
    const own = axis - lead;
    return own < 0 || shape[own] === 1 ? 0 : strides[own];
  });
}

/** A plan for `a` and `b` broadcast to `target`; neighbouring axes are merged so that the inner loop is long. */
export function planBroadcast(a: Shape, b: Shape, target: Shape): BroadcastPlan {
  return mergeAxes(target, broadcastStrides(a, target), broadcastStrides(b, target));
}

/** Merges neighbouring axes that both operands walk as one. Extents of 1 vanish. */
export function mergeAxes(dims: Shape, a: readonly number[], b: readonly number[]): BroadcastPlan {
  const outDims: number[] = [];
  const outA: number[] = [];
  const outB: number[] = [];
  for (let axis = 0; axis < dims.length; axis++) {
    if (dims[axis] === 1) continue;
    const last = outDims.length - 1;
    if (last >= 0 && outA[last] === a[axis] * dims[axis] && outB[last] === b[axis] * dims[axis]) {
      outDims[last] *= dims[axis];
      outA[last] = a[axis];
      outB[last] = b[axis];
    } else {
      outDims.push(dims[axis]);
      outA.push(a[axis]);
      outB.push(b[axis]);
    }
  }
  if (outDims.length === 0) return { dims: [1], a: [0], b: [0] };
  return { dims: outDims, a: outA, b: outB };
}
