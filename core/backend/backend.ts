/**
 * The one interface between the tensors and what computes on them. A backend is a set of kernels over plain typed
 * arrays: it knows nothing of tensors, gradients or plugins. Shapes are checked before a kernel is called, so a kernel
 * may trust its arguments; outputs are always given by the caller, and no kernel allocates.
 *
 * Two are built in: `reference` (plain TypeScript, slow and obvious, float32 and float64) and `native` (C, float32).
 * Every kernel of the second is tested against the first.
 *
 * @module
 */
import type { BroadcastPlan } from "../tensor/shape.ts";
import type { Floats, Ints } from "./arrays.ts";
import type { Kernel } from "./kernel.ts";
import type { SpatialKernels } from "./spatial.ts";

export type {
  ConvolutionShape,
  NormalizationShape,
  PoolShape,
  Spatial,
  SpatialKernels,
  WindowShape,
} from "./spatial.ts";

export type { Floats, Ints } from "./arrays.ts";

/**
 * Where a run of random numbers lies, as six 32-bit words: seed low, seed high, first element low, first element
 * high, step, site. See `key.ts` for the meaning.
 */
export type Address = Uint32Array<ArrayBuffer>;

/** Elementwise functions of one operand, in the order of their native codes. Some take parameters `p` and `q`. */
export const unaryOps = [
  "copy",
  "affine", // p x + q
  "abs",
  "exp",
  "log",
  "sqrt",
  "square",
  "reciprocal",
  "power", // x^p
  "clamp", // min(max(x, p), q)
  "sign",
  "relu",
  "leaky-relu", // slope p
  "elu", // alpha p
  "selu",
  "gelu", // x Phi(x)
  "gelu-tanh",
  "silu",
  "sigmoid",
  "tanh",
  "softplus",
  "sin",
  "cos",
  "erf",
  "log1p",
] as const;

/** The name of an elementwise function of one operand. */
export type UnaryOp = typeof unaryOps[number];

/**
 * Elementwise functions of two operands, in the order of their native codes. Comparisons give 1 or 0. `mask` is
 * `b === 0 ? 0 : a * b`: it selects, so that a dropped infinity or NaN gives 0.
 */
export const binaryOps = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "maximum",
  "minimum",
  "power",
  "mask",
  "greater",
  "greater-equal",
  "equal",
] as const;

/** The name of an elementwise function of two operands. */
export type BinaryOp = typeof binaryOps[number];

/** Reductions along one axis, in the order of their native codes. */
export const reduceOps = ["sum", "max", "min"] as const;

/** The name of a reduction. */
export type ReduceOp = typeof reduceOps[number];

/** Activations that can be fused behind a bias, in the order of their native codes. Their gradient needs `y` alone. */
export const epilogues = ["none", "relu", "sigmoid", "tanh"] as const;

/** The name of an activation that can be fused behind a bias. */
export type Epilogue = typeof epilogues[number];

/** One matrix product, or a batch of equally shaped ones: `C = alpha op(A) op(B) + beta C`, all row-major and dense. */
export interface GemmShape {
  /** Rows of `op(A)` and of C. */
  readonly m: number;
  /** Columns of `op(B)` and of C. */
  readonly n: number;
  /** Columns of `op(A)`, rows of `op(B)`. */
  readonly k: number;
  /** A is stored `[k, m]` when true, else `[m, k]`. */
  readonly transposeA: boolean;
  /** B is stored `[n, k]` when true, else `[k, n]`. */
  readonly transposeB: boolean;
  /** Factor of the product. */
  readonly alpha: number;
  /** Factor of what C held before; 0 means that C is not read. */
  readonly beta: number;
  /** Number of products, 1 or more; each next one starts the strides below further. */
  readonly batch: number;
  /** Elements from one A to the next; 0 uses one A for all. */
  readonly strideA: number;
  /** Elements from one B to the next; 0 uses one B for all. */
  readonly strideB: number;
  /** Elements from one C to the next. */
  readonly strideC: number;
}

/** What cross-entropy is taken of; see {@linkcode Backend.crossEntropy}. */
export interface CrossEntropyShape {
  /** Number of rows (examples). */
  readonly rows: number;
  /** Number of columns (classes). */
  readonly cols: number;
  /** Label smoothing in [0, 1]. */
  readonly smoothing: number;
  /** Rows with this label count nothing; null when there is none. */
  readonly ignore: number | null;
}

/** Products whose weights are dropped for each example anew; see {@linkcode Backend.dropConnect}. */
export interface DropConnectShape {
  /** Number of examples, each with a mask of its own. */
  readonly batch: number;
  /** Rows of an example, which share its mask. */
  readonly rows: number;
  /** Columns of x and of the weight. */
  readonly inputs: number;
  /** Rows of the weight, columns of the output. */
  readonly units: number;
  /** A connection is kept iff its random word is at least this. */
  readonly threshold: number;
  /** Factor of the connections that are kept. */
  readonly scale: number;
}

/** Settings of one SGD update. */
export interface SgdSettings {
  /** Learning rate. */
  readonly learningRate: number;
  /** Momentum in [0, 1); the velocity is `v = momentum v + (1 - dampening) g`. */
  readonly momentum: number;
  /** Dampening of the gradient in the velocity. */
  readonly dampening: number;
  /** Nesterov's form: step along `g + momentum v`. */
  readonly nesterov: boolean;
  /** L2 penalty: `g += weightDecay w` first. */
  readonly weightDecay: number;
  /** Whether this is the parameter's first update: the velocity starts as the gradient itself, undampened. */
  readonly first: boolean;
}

/** Settings of one Adam or AdamW update. */
export interface AdamSettings {
  /** Learning rate. */
  readonly learningRate: number;
  /** Decay of the first moment. */
  readonly beta1: number;
  /** Decay of the second moment. */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** Weight decay. */
  readonly weightDecay: number;
  /** AdamW: the decay acts on the weight, not through the gradient. */
  readonly decoupled: boolean;
  /** Number of this update, from 1. */
  readonly iteration: number;
}

/** What a backend says of itself. */
export interface BackendInfo {
  /** `native` or `reference`, or the name of a backend of one's own. */
  readonly name: string;
  /** The BLAS library and its version, or what stands in for it. */
  readonly blas: string;
  /** Threads used for matrix products and large kernels. */
  readonly threads: number;
  /** Instruction set of the kernels in use: `avx2`, `neon`, `portable` or `javascript`. */
  readonly instructions: string;
  /** Why this backend was chosen, in one line. */
  readonly reason: string;
}

/**
 * The kernels. Arrays of one call share one element type, unless they are labels. `x` and `out` may be the same array
 * in elementwise kernels, `dropout` included; in all others they must not overlap.
 */
export interface Backend extends SpatialKernels {
  /** What this backend is, for reports. */
  info(): BackendInfo;

  /**
   * The implementation of a kernel for float32, which may trust its arguments: they have been checked. Undefined where
   * there is none, so that the twin runs.
   */
  // deno-lint-ignore no-explicit-any -- the one type that all functions have in common
  implement(kernel: Kernel): ((...args: any[]) => void) | undefined;

  /** Matrix product; see {@linkcode GemmShape}. */
  gemm(a: Floats, b: Floats, c: Floats, shape: GemmShape): void;

  /** Sets every element of `out`. */
  fill(out: Floats, value: number): void;
  /** `out[i] = f(x[i])`, with the parameters that some functions take. */
  unary(op: UnaryOp, x: Floats, out: Floats, p: number, q: number): void;
  /** `dx[i] = dy[i] f'(x[i])`, where `y` is what the forward call gave. `dx` may be `dy`. */
  unaryGradient(op: UnaryOp, x: Floats, y: Floats, dy: Floats, dx: Floats, p: number, q: number): void;
  /** `out = f(a, b)` with both operands stretched as the plan says; `out` is dense in the plan's order. */
  binary(op: BinaryOp, a: Floats, b: Floats, out: Floats, plan: BroadcastPlan): void;
  /** `y += alpha x`, elementwise. */
  accumulate(x: Floats, y: Floats, alpha: number): void;

  /** Reduces the middle axis of `x: [outer, n, inner]` to `out: [outer, inner]` and multiplies by `scale`. */
  reduce(op: ReduceOp, x: Floats, out: Floats, outer: number, n: number, inner: number, scale: number): void;
  /** Index of the largest entry of each row; the first among equals. */
  argmax(x: Floats, out: Ints, rows: number, cols: number): void;
  /** Gathers with strides: `out` is dense with extents `dims`, and reads `x` from `offset` on. */
  copyStrided(x: Floats, offset: number, out: Floats, dims: readonly number[], strides: readonly number[]): void;
  /** The adjoint of `copyStrided`: adds the dense `x` into `out` at `offset` with strides. */
  addStrided(x: Floats, out: Floats, offset: number, dims: readonly number[], strides: readonly number[]): void;
  /** `out[i, :] = table[index[i], :]`. Indices have been checked. */
  gatherRows(table: Floats, index: Ints, out: Floats, cols: number): void;
  /** `out[index[i], :] += x[i, :]`, in the order of i. */
  scatterAddRows(x: Floats, index: Ints, out: Floats, cols: number): void;

  /** In place: `x = f(x + bias)` for `x: [rows, cols]`, `bias: [cols]` or null. */
  biasActivation(x: Floats, bias: Floats | null, epilogue: Epilogue, rows: number, cols: number): void;
  /** `dx = dy f'(y)`, and `dBias = sum of dx over rows` unless null. `dx` may be `dy`. */
  biasActivationGradient(
    dy: Floats,
    y: Floats,
    dx: Floats,
    dBias: Floats | null,
    epilogue: Epilogue,
    rows: number,
    cols: number,
  ): void;
  /** Softmax or its logarithm along rows. */
  softmax(x: Floats, out: Floats, rows: number, cols: number, log: boolean): void;
  /** Gradient of the above from its output `y`. */
  softmaxGradient(y: Floats, dy: Floats, dx: Floats, rows: number, cols: number, log: boolean): void;
  /**
   * Cross-entropy of softmax(logits) for each row, and its gradient towards the logits, in one pass.
   * With class weights w, smoothing s and label y: `-(1 - s) w[y] log p[y] - s / cols sum_c w[c] log p[c]`.
   */
  crossEntropy(
    logits: Floats,
    labels: Ints,
    weights: Floats | null,
    losses: Floats,
    gradient: Floats,
    shape: CrossEntropyShape,
  ): void;

  /**
   * One step of an LSTM. `gates: [rows, 4 units]` holds the sums of i, f, g, o and receives their activations;
   * `cell = f previous + i g` and `hidden = o tanh(cell)`, each `[rows, units]`.
   */
  lstmCell(gates: Floats, previous: Floats, cell: Floats, hidden: Floats, rows: number, units: number): void;
  /**
   * Gradient of the above, from what it left in `gates` and `cell`. `dCell` holds the gradient towards `cell` and
   * receives that towards `previous`; `dGates` receives that towards the sums.
   */
  lstmCellGradient(
    gates: Floats,
    previous: Floats,
    cell: Floats,
    dHidden: Floats,
    dCell: Floats,
    dGates: Floats,
    rows: number,
    units: number,
  ): void;
  /**
   * One step of a GRU. `gates: [rows, 3 units]` holds the input's share of the sums of r, z, n and receives their
   * activations; `product` is the state's share, to which `bias` (`[3 units]` or null) is added. `candidate` receives
   * the state's share of n; `hidden = (1 - z) n + z previous`.
   */
  gruCell(
    gates: Floats,
    product: Floats,
    bias: Floats | null,
    previous: Floats,
    hidden: Floats,
    candidate: Floats,
    rows: number,
    units: number,
  ): void;
  /**
   * Gradient of the above, from what it left in `gates` and `candidate`. `dHidden` holds the gradient towards `hidden`
   * and receives that towards `previous` but for its way through the product; `dGates` and `dProduct` receive those
   * towards the input's and the state's share.
   */
  gruCellGradient(
    gates: Floats,
    candidate: Floats,
    previous: Floats,
    dHidden: Floats,
    dGates: Floats,
    dProduct: Floats,
    rows: number,
    units: number,
  ): void;

  /** `out = kept ? x * scale : 0`; element i is kept iff its random word is at least `threshold`. */
  dropout(x: Floats, out: Floats, address: Address, threshold: number, scale: number): void;
  /** `out = kept ? value : 0` by the same rule. */
  bernoulli(out: Floats, address: Address, threshold: number, value: number): void;
  /** Uniform in (0, 1): odd multiples of 2^-24. */
  uniform(out: Floats, address: Address): void;
  /** Standard normal in (-6.4, 6.4), by inversion of a uniform with 32 bits. */
  normal(out: Floats, address: Address): void;

  /**
   * `out[b, r, u] = sum_i kept(b, u, i) ? scale weight[u, i] x[b, r, i] : 0`, for `x: [batch, rows, inputs]` and
   * `weight: [units, inputs]`, without masks in memory. Connection (b, u, i) has the random word of element
   * `(b units + u) inputs + i`.
   */
  dropConnect(x: Floats, weight: Floats, out: Floats, address: Address, shape: DropConnectShape): void;
  /** Gradient of the above towards x: overwrites `dx`. */
  dropConnectInputGradient(weight: Floats, dy: Floats, dx: Floats, address: Address, shape: DropConnectShape): void;
  /** Gradient of the above towards the weight, over all examples: overwrites `dWeight`. */
  dropConnectWeightGradient(x: Floats, dy: Floats, dWeight: Floats, address: Address, shape: DropConnectShape): void;

  /** SGD in place; `velocity` is null without momentum. */
  sgd(weight: Floats, gradient: Floats, velocity: Floats | null, settings: SgdSettings): void;
  /** Adam in place on the weight and both moments. */
  adam(weight: Floats, gradient: Floats, first: Floats, second: Floats, settings: AdamSettings): void;
  /** In place: each row of `weight: [rows, cols]` is shrunk to length `max` if it is longer. */
  maxNorm(weight: Floats, rows: number, cols: number, max: number): void;
}

let current: Backend | undefined;
let doubles: Backend | undefined;

/** Makes a backend the one that float32 tensors are computed on, and returns the one it replaces. */
export function useBackend(backend: Backend): Backend {
  const before = currentBackend();
  current = backend;
  return before;
}

/** The backend that float32 tensors are computed on now. */
export function currentBackend(): Backend {
  if (current === undefined) throw new Error("core/mod.ts has not been loaded: no backend is set.");
  return current;
}

/** The kernels for one element type: float64 is always computed by the reference. */
export function kernels(array: Floats): Backend {
  return array instanceof Float64Array ? doubles! : current!;
}

/** Sets the reference backend, once, when the core is loaded. */
export function installReference(backend: Backend): void {
  doubles = backend;
  current ??= backend;
}
