/** Elementwise ops of one and two operands, each with its gradient. @module */
import * as kernels from "../../backend/kernels.ts";
import type { BinaryOp, UnaryOp } from "../../backend/elementwise.ts";
import { record } from "../autograd.ts";
import { OptionError } from "../../errors.ts";
import { broadcastShapes, planBroadcast, sameShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { thinned, thinningOf } from "../thinning.ts";
import { sum } from "./reductions.ts";
import { reshape } from "./movement.ts";

/** `f(x)` elementwise, with f's parameters. */
export function unary(op: UnaryOp, x: Tensor, p = 0, q = 0): Tensor {
  const out = Tensor.empty(x.shape, x.dtype);
  kernels.unary(op, x.floats, out.floats, p, q);
  const y = record(op, [x], out, (dy) => {
    const dx = Tensor.empty(x.shape, x.dtype);
    kernels.unaryGradient(op, x.floats, out.floats, dy.floats, dx.floats, p, q);
    return [dx];
  });
  return keepsZero.has(op) ? thinned(y, thinningOf(x)) : y;
}

/** Functions of which 0 is 0, so that zeros that are known of stay known. */
const keepsZero: ReadonlySet<UnaryOp> = new Set<UnaryOp>([
  "relu",
  "leaky-relu",
  "elu",
  "selu",
  "tanh",
  "gelu",
  "silu",
  "abs",
  "square",
]);

/** A number as a tensor beside `like`. */
export function asTensor(value: Tensor | number, like: Tensor): Tensor {
  return value instanceof Tensor ? value : Tensor.full([], value, like.dtype);
}

/** Throws unless two operands have one element type. */
export function checkTypes(op: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) throw new OptionError(op, `operands of one type, the first is ${a.dtype}`, b.dtype);
}

/** `f(a, b)` elementwise with broadcasting, without a gradient. */
export function applyBinary(op: BinaryOp, a: Tensor, b: Tensor): Tensor {
  checkTypes(op, a, b);
  const shape = broadcastShapes(a.shape, b.shape, op);
  const out = Tensor.empty(shape, a.dtype);
  kernels.binary(op, a.floats, b.floats, out.floats, planBroadcast(a.shape, b.shape, shape));
  return out;
}

/** Sums a gradient over the axes that broadcasting stretched, back to `shape`. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.rank - shape.length;
  const axes: number[] = [];
  for (let axis = 0; axis < gradient.rank; axis++) {
    if (axis < lead || (shape[axis - lead] === 1 && gradient.shape[axis] !== 1)) axes.push(axis);
  }
  return reshape(sum(gradient, axes), shape);
}

/** Gradients towards a and b, before they are summed over stretched axes. */
type Slopes = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => [() => Tensor, () => Tensor];

const slopes: Partial<Record<BinaryOp, Slopes>> = {
  add: (dy) => [() => dy, () => dy],
  subtract: (dy) => [() => dy, () => unary("affine", dy, -1)],
  multiply: (dy, a, b) => [() => applyBinary("multiply", dy, b), () => applyBinary("multiply", dy, a)],
  divide: (dy, _a, b, y) => [
    () => applyBinary("divide", dy, b),
    () => unary("affine", applyBinary("divide", applyBinary("multiply", dy, y), b), -1),
  ],
  // Where both are equal, each gets half, so that the sum is right and neither order matters.
  maximum: (dy, a, b) => [() => share(dy, a, b), () => share(dy, b, a)],
  minimum: (dy, a, b) => [() => share(dy, b, a), () => share(dy, a, b)],
  power: (dy, a, b, y) => [
    // b a^(b - 1), and 0 where b is 0: x^0 is flat, also at 0.
    () => applyBinary("multiply", dy, applyBinary("mask", applyBinary("power", a, unary("affine", b, 1, -1)), b)),
    // a^b log a, and 0 where a is 0.
    () => applyBinary("multiply", dy, applyBinary("mask", applyBinary("multiply", y, unary("log", a)), nonzero(a))),
  ],
  mask: (dy, a, b) => [
    () => applyBinary("mask", dy, b),
    () => applyBinary("mask", applyBinary("multiply", dy, a), nonzero(b)),
  ],
};

/** 1 where a tensor is not 0, else 0. */
function nonzero(x: Tensor): Tensor {
  return unary("affine", applyBinary("equal", x, asTensor(0, x)), -1, 1);
}

function share(dy: Tensor, winner: Tensor, other: Tensor): Tensor {
  const wins = applyBinary("greater", winner, other);
  const ties = unary("affine", applyBinary("equal", winner, other), 0.5);
  return applyBinary("multiply", dy, applyBinary("add", wins, ties));
}

/** `f(a, b)` elementwise with broadcasting. */
export function binary(op: BinaryOp, left: Tensor, right: Tensor | number): Tensor {
  const a = left;
  const b = asTensor(right, a);
  const out = applyBinary(op, a, b);
  const slope = slopes[op];
  if (slope === undefined) return out;
  return record(op, [a, b], out, (dy, needs) => {
    const [towardsA, towardsB] = slope(dy, a, b, out);
    return [needs[0] ? sumTo(towardsA(), a.shape) : null, needs[1] ? sumTo(towardsB(), b.shape) : null];
  });
}
