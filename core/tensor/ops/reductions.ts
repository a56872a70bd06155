/** Sums, means and extremes over axes, each with its gradient. @module */
import * as kernels from "../../backend/kernels.ts";
import type { ReduceOp } from "../../backend/reductions.ts";
import { record } from "../autograd.ts";
import { ShapeError, showShape } from "../../errors.ts";
import { normalizeAxes, normalizeAxis, type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { applyBinary } from "./elementwise.ts";
import { broadcastTo, reshape } from "./movement.ts";

/** Axes to reduce over: one, several, or all when undefined. */
export type Axes = number | readonly number[] | undefined;

function keptShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((extent, axis) => axes.includes(axis) ? 1 : extent);
}

/** Reduces runs of neighbouring axes, last run first; the result keeps the axes with extent 1. */
function run(op: ReduceOp, x: Tensor, axes: readonly number[], scale: number): Tensor {
  if (axes.length === 0) {
    const copy = Tensor.empty(x.shape, x.dtype);
    kernels.unary("affine", x.floats, copy.floats, scale, 0);
    return copy;
  }
  let current = x;
  let shape = [...x.shape];
  for (let last = axes.length - 1; last >= 0;) {
    let first = last;
    while (first > 0 && axes[first - 1] === axes[first] - 1) first--;
    const [from, to] = [axes[first], axes[last]];
    const outer = sizeOf(shape.slice(0, from));
    const n = sizeOf(shape.slice(from, to + 1));
    const inner = sizeOf(shape.slice(to + 1));
    shape = shape.map((extent, axis) => axis >= from && axis <= to ? 1 : extent);
    const out = Tensor.empty(shape, x.dtype);
    kernels.reduce(op, current.floats, out.floats, outer, n, inner, first === 0 ? scale : 1);
    current = out;
    last = first - 1;
  }
  return current;
}

function finish(kept: Tensor, axes: readonly number[], keepAxes: boolean): Tensor {
  return keepAxes ? kept : reshape(kept, kept.shape.filter((_, axis) => !axes.includes(axis)));
}

function scaledSum(op: string, x: Tensor, axesIn: Axes, keepAxes: boolean, scaleOf: (n: number) => number): Tensor {
  const axes = normalizeAxes(axesIn, x.rank);
  const kept = keptShape(x.shape, axes);
  const scale = scaleOf(axes.reduce((n, axis) => n * x.shape[axis], 1));
  const out = finish(run("sum", x, axes, scale), axes, keepAxes);
  return record(op, [x], out, (dy) => {
    const spread = broadcastTo(reshape(dy, kept), x.shape);
    return [scale === 1 ? spread : spread.mul(scale)];
  });
}

/** Sum over axes. */
export function sum(x: Tensor, axes?: Axes, keepAxes = false): Tensor {
  return scaledSum("sum", x, axes, keepAxes, () => 1);
}

/** Mean over axes; NaN over no elements. */
export function mean(x: Tensor, axes?: Axes, keepAxes = false): Tensor {
  return scaledSum("mean", x, axes, keepAxes, (n) => 1 / n);
}

/** Largest or smallest entry over axes; equal ones share the gradient. */
export function extreme(op: "max" | "min", x: Tensor, axesIn?: Axes, keepAxes = false): Tensor {
  const axes = normalizeAxes(axesIn, x.rank);
  if (axes.some((axis) => x.shape[axis] === 0)) {
    throw new ShapeError(`${op}: an empty axis of shape ${showShape(x.shape)} has no ${op}imum.`);
  }
  const kept = run(op, x, axes, 1);
  return record(op, [x], finish(kept, axes, keepAxes), (dy) => {
    const hits = applyBinary("equal", x, kept);
    const shares = applyBinary("divide", hits, run("sum", hits, axes, 1));
    return [applyBinary("multiply", shares, reshape(dy, kept.shape))];
  });
}

/** Index of the largest entry along the last axis, the first among equals, as int32. */
export function argmax(x: Tensor): Tensor {
  const axis = normalizeAxis(-1, x.rank, "argmax");
  const cols = x.shape[axis];
  if (cols === 0) throw new ShapeError(`argmax: the last axis of shape ${showShape(x.shape)} is empty.`);
  const out = Tensor.empty(x.shape.slice(0, -1), "int32");
  kernels.argmax(x.floats, out.ints, out.size, cols);
  return out;
}
