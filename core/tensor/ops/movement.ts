/** Ops that move numbers without changing them: reshape, transpose, slice, concatenation, rows by index. @module */
import * as kernels from "../../backend/kernels.ts";
import { record } from "../autograd.ts";
import { DataError, ShapeError, showShape } from "../../errors.ts";
import {
  broadcastShapes,
  broadcastStrides,
  normalizeAxis,
  sameShape,
  type Shape,
  sizeOf,
  stridesOf,
} from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { reshapedThinning, thinned, thinningOf } from "../thinning.ts";
import { checkTypes, sumTo } from "./elementwise.ts";

/** The same numbers under another shape; one extent may be -1. Shares the buffer. */
export function reshape(x: Tensor, to: Shape): Tensor {
  const shape = resolveShape(x, to);
  if (sameShape(shape, x.shape)) return x;
  const y = record("reshape", [x], Tensor.view(x, shape), (dy) => [Tensor.view(dy, x.shape)]);
  const thinning = thinningOf(x);
  return thinning === undefined ? y : thinned(y, reshapedThinning(thinning, x.shape, shape));
}

function resolveShape(x: Tensor, to: Shape): Shape {
  const open = to.indexOf(-1);
  let shape = to;
  if (open >= 0) {
    const rest = to.reduce((size, extent, axis) => axis === open ? size : size * extent, 1);
    shape = to.map((extent, axis) => axis === open ? x.size / rest : extent);
  }
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0) || sizeOf(shape) !== x.size) {
    throw new ShapeError(`reshape: ${showShape(x.shape)} has ${x.size} elements and cannot become ${showShape(to)}.`);
  }
  return shape;
}

/** Copies `x` from `offset` on with the given extents and strides. */
function gatherStrided(x: Tensor, offset: number, shape: Shape, strides: readonly number[]): Tensor {
  const out = Tensor.empty(shape, x.dtype);
  if (out.size > 0) kernels.copyStrided(x.floats, out.floats, { dims: shape, x: strides }, offset);
  return out;
}

/** The adjoint: zeros of `shape`, with `dy` added in at the strided places. */
function scatterStrided(dy: Tensor, shape: Shape, offset: number, strides: readonly number[]): Tensor {
  const out = Tensor.zeros(shape, dy.dtype);
  if (dy.size > 0) kernels.addStrided(dy.floats, out.floats, { dims: dy.shape, out: strides }, offset);
  return out;
}

/** Axes in another order; reversed when none is given. */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const order = (axes ?? Array.from({ length: x.rank }, (_, i) => x.rank - 1 - i))
    .map((axis) => normalizeAxis(axis, x.rank, "transpose"));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError(
      `transpose: expected each axis of ${showShape(x.shape)} once, found ${showShape(axes ?? [])}.`,
    );
  }
  const strides = stridesOf(x.shape);
  const out = gatherStrided(x, 0, order.map((axis) => x.shape[axis]), order.map((axis) => strides[axis]));
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return record("transpose", [x], out, (dy) => [transpose(dy, inverse)]);
}

/** Stretches to a larger shape by NumPy's rule. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes(x.shape, shape, "broadcastTo"), shape)) {
    throw new ShapeError(`broadcastTo: ${showShape(x.shape)} cannot be stretched to ${showShape(shape)}.`);
  }
  const out = gatherStrided(x, 0, shape, broadcastStrides(x.shape, shape));
  return record("broadcastTo", [x], out, (dy) => [sumTo(dy, x.shape)]);
}

/** The box from `start` (included) to `end` (excluded); ends left out mean the full extent. */
export function slice(x: Tensor, start: readonly number[], end: readonly number[] = []): Tensor {
  const bound = (values: readonly number[], axis: number, otherwise: number) => {
    const value = values[axis] ?? otherwise;
    return value < 0 ? value + x.shape[axis] : value;
  };
  const from = x.shape.map((_, axis) => bound(start, axis, 0));
  const to = x.shape.map((extent, axis) => bound(end, axis, extent));
  for (let axis = 0; axis < x.rank; axis++) {
    const legal = Number.isInteger(from[axis]) && Number.isInteger(to[axis]) && from[axis] >= 0 &&
      from[axis] <= to[axis] && to[axis] <= x.shape[axis];
    if (!legal) {
      throw new ShapeError(
        `slice: axis ${axis} of shape ${showShape(x.shape)} has no range [${from[axis]}, ${to[axis]}).`,
      );
    }
  }
  if (start.length > x.rank || end.length > x.rank) {
    throw new ShapeError(`slice: shape ${showShape(x.shape)} has ${x.rank} axes, more ranges were given.`);
  }
  const strides = stridesOf(x.shape);
  const offset = from.reduce((sum, at, axis) => sum + at * strides[axis], 0);
  const out = gatherStrided(x, offset, to.map((at, axis) => at - from[axis]), strides);
  return record("slice", [x], out, (dy) => [scatterStrided(dy, x.shape, offset, strides)]);
}

/** Joins tensors along an axis along which alone they may differ. */
export function concat(parts: readonly Tensor[], axisIn = 0): Tensor {
  if (parts.length === 0) throw new ShapeError("concat: expected at least one tensor, found none.");
  const first = parts[0];
  const axis = normalizeAxis(axisIn, first.rank, "concat");
  for (const part of parts) {
    checkTypes("concat", first, part);
    const fits = part.rank === first.rank && part.shape.every((extent, i) => i === axis || extent === first.shape[i]);
    if (!fits) {
      throw new ShapeError(
        `concat: shapes ${showShape(first.shape)} and ${showShape(part.shape)} differ outside axis ${axis}.`,
      );
    }
  }
  const total = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const shape = first.shape.map((extent, i) => i === axis ? total : extent);
  const out = Tensor.zeros(shape, first.dtype);
  const strides = stridesOf(shape);
  const starts: number[] = [];
  let at = 0;
  for (const part of parts) {
    starts.push(at);
    if (part.size > 0) {
      kernels.addStrided(part.floats, out.floats, { dims: part.shape, out: strides }, at * strides[axis]);
    }
    at += part.shape[axis];
  }
  return record("concat", parts, out, (dy, needs) =>
    parts.map((part, i) => {
      if (!needs[i]) return null;
      return gatherStrided(dy, starts[i] * strides[axis], part.shape, strides);
    }));
}

/** Surrounds with a constant: `pads[axis] = [before, after]`. */
export function pad(x: Tensor, pads: readonly (readonly [number, number])[], value = 0): Tensor {
  if (pads.length !== x.rank || pads.flat().some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`pad: expected [before, after] of at least 0 for each axis of ${showShape(x.shape)}.`);
  }
  const shape = x.shape.map((extent, axis) => extent + pads[axis][0] + pads[axis][1]);
  const strides = stridesOf(shape);
  const offset = pads.reduce((sum, [before], axis) => sum + before * strides[axis], 0);
  let out = scatterStrided(x, shape, offset, strides);
  if (value !== 0) {
    // 1 on the border and 0 inside; masking selects, so that an infinite value leaves the inside alone.
    const border = scatterStrided(Tensor.ones(x.shape, x.dtype), shape, offset, strides).mul(-1).add(1);
    out = out.add(Tensor.full([], value, x.dtype).mask(border));
  }
  return record("pad", [x], out, (dy) => [gatherStrided(dy, offset, x.shape, strides)]);
}

/** Throws unless all indices are in [0, count). */
export function checkIndices(index: Tensor, count: number, what: string): void {
  const values = index.ints;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < 0 || values[i] >= count) {
      throw new DataError(`${what}: expected an index in [0, ${count}), found ${values[i]} at position ${i}.`);
    }
  }
}

/** Rows of a table by index: `table: [n, ...rest]`, `index` int32 of any shape, result `[...index.shape, ...rest]`. */
export function take(table: Tensor, index: Tensor): Tensor {
  if (table.rank === 0) throw new ShapeError("take: expected a table with rows, found a scalar.");
  const rest = table.shape.slice(1);
  const cols = sizeOf(rest);
  checkIndices(index, table.shape[0], "take");
  const out = Tensor.empty([...index.shape, ...rest], table.dtype);
  kernels.gatherRows(table.floats, index.ints, out.floats, cols);
  return record("take", [table], out, (dy) => {
    const dTable = Tensor.zeros(table.shape, table.dtype);
    kernels.scatterAddRows(dy.floats, index.ints, dTable.floats, cols);
    return [dTable];
  });
}

/** One entry from each row: `x: [rows..., n]`, `index: [rows...]`, result `[rows...]`. */
export function gather(x: Tensor, index: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  if (x.rank === 0 || !sameShape(index.shape, x.shape.slice(0, -1))) {
    throw new ShapeError(
      `gather: expected one index for each row of ${showShape(x.shape)}, found shape ${showShape(index.shape)}.`,
    );
  }
  checkIndices(index, n, "gather");
  const flat = Tensor.empty(index.shape, "int32");
  for (let row = 0; row < index.size; row++) flat.ints[row] = row * n + index.ints[row];
  return take(reshape(x, [x.size]), flat);
}
