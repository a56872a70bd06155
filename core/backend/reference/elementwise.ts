/** Elementwise functions and their gradients, plain. @module */
import type { Floats } from "../arrays.ts";
import type { BinaryOp, UnaryOp } from "../elementwise.ts";
import type { BroadcastPlan } from "../broadcast_plan.ts";

/** lambda of SELU (Klambauer et al., 2017). */
export const SELU_SCALE = 1.0507009873554805;
/** alpha of SELU (Klambauer et al., 2017). */
export const SELU_ALPHA = 1.6732632423543772;

const SQRT_HALF = Math.SQRT1_2;
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

/** The error function, to about 1e-16: its Maclaurin series near 0, its continued fraction in the tails. */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (z > 6) return x > 0 ? 1 : -1;
  if (z < 2.5) {
    // erf z = 2/sqrt(pi) exp(-z^2) sum_n 2^n z^(2n+1) / (2n+1)!!: all terms positive, so nothing cancels.
    let term = z;
    let sum = z;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= 2 * z * z / (2 * n + 1);
      sum += term;
    }
    const value = 2 / Math.sqrt(Math.PI) * Math.exp(-z * z) * sum;
    return x > 0 ? value : -value;
  }
  let fraction = z;
  for (let n = 60; n >= 1; n--) fraction = z + n / 2 / fraction;
  const value = 1 - Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI));
  return x > 0 ? value : -value;
}

/** 1 / (1 + e^-x), without overflow. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

type Scalar = (x: number, p: number, q: number) => number;

const forward: Record<UnaryOp, Scalar> = {
  copy: (x) => x,
  affine: (x, p, q) => p * x + q,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  power: (x, p) => x ** p,
  clamp: (x, p, q) => x < p ? p : x > q ? q : x,
  sign: Math.sign,
  relu: (x) => x > 0 ? x : x <= 0 ? 0 : x, // a NaN stays a NaN
  "leaky-relu": (x, p) => x > 0 ? x : p * x,
  elu: (x, p) => x > 0 ? x : p * Math.expm1(x),
  selu: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  gelu: (x) => 0.5 * x * (1 + erf(x * SQRT_HALF)),
  "gelu-tanh": (x) => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x))),
  silu: (x) => x * sigmoid(x),
  sigmoid,
  tanh: Math.tanh,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  sin: Math.sin,
  cos: Math.cos,
  erf,
  log1p: Math.log1p,
};

/** f'(x), given also y = f(x). */
type Slope = (x: number, y: number, p: number, q: number) => number;

const slope: Record<UnaryOp, Slope> = {
  copy: () => 1,
  affine: (_x, _y, p) => p,
  abs: Math.sign,
  exp: (_x, y) => y,
  log: (x) => 1 / x,
  sqrt: (_x, y) => 0.5 / y,
  square: (x) => 2 * x,
  reciprocal: (_x, y) => -y * y,
  power: (x, _y, p) => p === 0 ? 0 : p * x ** (p - 1),
  clamp: (x, _y, p, q) => x < p || x > q ? 0 : 1,
  sign: () => 0,
  relu: (_x, y) => y > 0 ? 1 : 0,
  "leaky-relu": (x, _y, p) => x > 0 ? 1 : p,
  elu: (x, _y, p) => x > 0 ? 1 : p * Math.exp(x),
  selu: (x) => SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * Math.exp(x)),
  gelu: (x) => 0.5 * (1 + erf(x * SQRT_HALF)) + x * INV_SQRT_2PI * Math.exp(-0.5 * x * x),
  "gelu-tanh": (x) => {
    const t = Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x);
  },
  silu: (x) => {
    const s = sigmoid(x);
    return s * (1 + x * (1 - s));
  },
  sigmoid: (_x, y) => y * (1 - y),
  tanh: (_x, y) => 1 - y * y,
  softplus: (x) => sigmoid(x),
  sin: Math.cos,
  cos: (x) => -Math.sin(x),
  erf: (x) => 2 / Math.sqrt(Math.PI) * Math.exp(-x * x),
  log1p: (x) => 1 / (1 + x),
};

/** Sets every element. */
export function fill(out: Floats, value: number): void {
  out.fill(value);
}

/** `y += alpha x`. */
export function accumulate(x: Floats, y: Floats, alpha: number): void {
  for (let i = 0; i < y.length; i++) y[i] += alpha * x[i];
}

/** `out = f(x)`. */
export function unary(op: UnaryOp, x: Floats, out: Floats, p: number, q: number): void {
  const f = forward[op];
  for (let i = 0; i < out.length; i++) out[i] = f(x[i], p, q);
}

/** `dx = dy f'(x)`. */
export function unaryGradient(
  op: UnaryOp,
  x: Floats,
  y: Floats,
  dy: Floats,
  dx: Floats,
  p: number,
  q: number,
): void {
  const f = slope[op];
  for (let i = 0; i < dx.length; i++) dx[i] = dy[i] * f(x[i], y[i], p, q);
}

const two: Record<BinaryOp, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  power: (a, b) => a ** b,
  mask: (a, b) => b === 0 ? 0 : a * b,
  greater: (a, b) => a > b ? 1 : 0,
  "greater-equal": (a, b) => a >= b ? 1 : 0,
  equal: (a, b) => a === b ? 1 : 0,
};

/** `out = f(a, b)` with broadcasting. */
export function binary(op: BinaryOp, a: Floats, b: Floats, out: Floats, plan: BroadcastPlan): void {
  const f = two[op];
  walk(plan.dims, [plan.a, plan.b], (at, [aAt, bAt], n, [aStep, bStep]) => {
    for (let i = 0; i < n; i++) out[at + i] = f(a[aAt + i * aStep], b[bAt + i * bStep]);
  });
}

/**
 * Walks a dense box row by row. For each innermost row, `visit` is given the dense position, the position in each
 * strided operand, the row's length, and each operand's step along it.
 */
export function walk(
  dims: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (dense: number, starts: readonly number[], length: number, steps: readonly number[]) => void,
): void {
  const rank = dims.length;
  if (dims.some((extent) => extent === 0)) return;
  if (rank === 0) return visit(0, strides.map(() => 0), 1, strides.map(() => 0));
  const length = dims[rank - 1];
  const steps = strides.map((s) => s[rank - 1]);
  const index = new Array<number>(rank - 1).fill(0);
  const starts = strides.map(() => 0);
  for (let dense = 0;; dense += length) {
    visit(dense, starts, length, steps);
    let axis = rank - 2;
    for (; axis >= 0; axis--) {
      index[axis]++;
      for (let s = 0; s < starts.length; s++) starts[s] += strides[s][axis];
      if (index[axis] < dims[axis]) break;
      for (let s = 0; s < starts.length; s++) starts[s] -= strides[s][axis] * dims[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
