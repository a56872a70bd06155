/**
 * The tensor: dense, row-major, immutable from the outside. Methods chain and broadcast as NumPy's do; each is a thin
 * door to an op in `ops/`, where forward and gradient stand side by side.
 *
 * @module
 */
import type { Floats, Ints } from "../backend/arrays.ts";
import { displayTensor } from "../display/display_tensor.ts";
import { type DisplayBundle, jupyterDisplay } from "../display/jupyter.ts";
import type { GraphNode } from "./autograd.ts";
import { DataError, OptionError, ShapeError, showShape } from "../errors.ts";
import type { Key } from "../random/key.ts";
import { binary, unary } from "./ops/elementwise.ts";
import { matmul, type MatmulOptions } from "./ops/products.ts";
import { broadcastTo, concat, gather, pad, reshape, slice, take, transpose } from "./ops/movement.ts";
import { bernoulli, dropout, type DropoutOptions, normal, uniform } from "./ops/random.ts";
import { argmax, type Axes, extreme, mean, sum } from "./ops/reductions.ts";
import { softmax } from "./ops/softmax.ts";
import { checkShape, normalizeAxis, sameShape, type Shape, sizeOf } from "./shape.ts";
import { allocate, type AnyArray, defer, type Deferred, type DType, keepStorage, Storage } from "./storage.ts";

/** Numbers nested to any depth, as an array literal. */
export type Nested = number | readonly Nested[];

/** The element types that carry gradients. */
export type FloatType = "float32" | "float64";

/**
 * A dense array of numbers with a shape. Element types are float32 (the default), float64 (computed by the reference
 * backend, for gradient checks) and int32 (labels and indices, without arithmetic).
 *
 * @example
 * ```ts
 * import { gradients, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const x = Tensor.of([[1, 2], [3, 4]]);
 * const w = Tensor.of([[1], [-1]]).withGradient();
 * const y = x.matmul(w).relu().add(1).mean();
 * assertEquals(y.item(), 1);
 * assertEquals(gradients(y, [w])[0].toArray(), [[0], [0]]);
 * ```
 */
export class Tensor {
  /** Extent along each axis, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
  /** The buffer; views share it. */
  readonly storage: Storage;
  #node: GraphNode | null = null;
  #leaf = false;

  private constructor(storage: Storage, shape: Shape, dtype: DType) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.size = sizeOf(shape);
  }

  // ---- making ----

  /**
   * A tensor from nested numbers.
   *
   * @throws {ShapeError} when rows differ in length
   * @throws {OptionError} when an entry is neither a number nor an array, or no whole number for int32
   */
  static of(values: Nested, dtype: DType = "float32"): Tensor {
    const shape: number[] = [];
    // Axis by axis, so that depth costs no stack.
    let level: readonly Nested[] = [values];
    while (level.some((row) => Array.isArray(row))) {
      const rows = level as readonly (readonly Nested[])[];
      const extent = rows[0].length;
      if (!rows.every((row) => Array.isArray(row) && row.length === extent)) {
        throw new ShapeError("Tensor.of: expected rows of one length.");
      }
      shape.push(extent);
      level = rows.flat();
    }
    for (const entry of level) {
      if (typeof entry !== "number") throw new OptionError("Tensor.of", "numbers nested in arrays", entry);
    }
    return Tensor.from(level as readonly number[], shape, dtype);
  }

  /**
   * A tensor from numbers in row-major order. A typed array of the element type is kept, not copied: from then on it
   * belongs to the tensor, and must be neither written to nor transferred to another thread. Once it has been
   * transferred, reading the tensor throws. Anything else is copied.
   *
   * @throws {ShapeError} when the count does not fit the shape
   * @throws {OptionError} when an array to be kept is shared between threads or lies in a resizable buffer, or when
   * numbers for int32 are not whole
   */
  static from(values: ArrayLike<number>, shape: Shape, dtype?: DType): Tensor {
    checkShape(shape, "Tensor.from");
    const type = dtype ??
      (values instanceof Float64Array ? "float64" : values instanceof Int32Array ? "int32" : "float32");
    if (values.length !== sizeOf(shape)) {
      throw new ShapeError(
        `Tensor.from: shape ${showShape(shape)} needs ${sizeOf(shape)} numbers, found ${values.length}.`,
      );
    }
    const fits = type === "float32"
      ? values instanceof Float32Array
      : type === "float64"
      ? values instanceof Float64Array
      : values instanceof Int32Array;
    if (fits) {
      checkBuffer((values as AnyArray).buffer);
      return new Tensor(new Storage(values as AnyArray), [...shape], type);
    }
    if (type === "int32") { for (let i = 0; i < values.length; i++) checkWhole(values[i], "Tensor.from"); }
    const tensor = Tensor.empty([...shape], type);
    tensor.storage.array.set(values);
    return tensor;
  }

  /** A tensor whose content is unspecified until it is written: for ops that fill it. */
  static empty(shape: Shape, dtype: DType = "float32"): Tensor {
    return new Tensor(allocate(dtype, sizeOf(shape)), shape, dtype);
  }

  /** A float32 tensor, inside a step, whose numbers are computed when they are first looked at: for ops. */
  static deferred(shape: Shape, deferred: Deferred): Tensor {
    return new Tensor(defer(sizeOf(shape), deferred), shape, "float32");
  }

  /**
   * A tensor that shares another's buffer under a shape of the same size, without a history. For ops.
   *
   * @throws {ShapeError} when the sizes differ
   */
  static view(x: Tensor, shape: Shape): Tensor {
    const view = new Tensor(x.storage, shape, x.dtype);
    if (view.size === x.size) return view;
    throw new ShapeError(`Tensor.view: expected a shape with ${x.size} elements, found ${showShape(shape)}.`);
  }

  /**
   * All entries equal.
   *
   * @throws {OptionError} when the value for int32 is not whole
   */
  static full(shape: Shape, value: number, dtype: DType = "float32"): Tensor {
    checkShape(shape, "Tensor.full");
    if (dtype === "int32") checkWhole(value, "Tensor.full");
    const tensor = Tensor.empty([...shape], dtype);
    tensor.storage.array.fill(value);
    return tensor;
  }

  /** All zeros. */
  static zeros(shape: Shape, dtype: DType = "float32"): Tensor {
    return Tensor.full(shape, 0, dtype);
  }

  /** All ones. */
  static ones(shape: Shape, dtype: DType = "float32"): Tensor {
    return Tensor.full(shape, 1, dtype);
  }

  /** Uniform numbers in the open interval (0, 1). The first axis is the batch; see `Key`. */
  static uniform(shape: Shape, key: Key, dtype: FloatType = "float32"): Tensor {
    checkShape(shape, "Tensor.uniform");
    return uniform([...shape], key, dtype);
  }

  /** Standard normal numbers. The first axis is the batch; see `Key`. */
  static normal(shape: Shape, key: Key, dtype: FloatType = "float32"): Tensor {
    checkShape(shape, "Tensor.normal");
    return normal([...shape], key, dtype);
  }

  /** A mask: 0 with probability `rate` in [0, 1], else `value`. The first axis is the batch; see `Key`. */
  static bernoulli(shape: Shape, key: Key, rate: number, value = 1, dtype: FloatType = "float32"): Tensor {
    checkShape(shape, "Tensor.bernoulli");
    return bernoulli([...shape], key, rate, value, dtype);
  }

  /** Joins tensors along an axis along which alone they may differ. */
  static concat(parts: readonly Tensor[], axis = 0): Tensor {
    return concat(parts, axis);
  }

  /** Stacks tensors of one shape along a new axis. */
  static stack(parts: readonly Tensor[], axis = 0): Tensor {
    return concat(parts.map((part) => part.expandAxis(axis)), axis);
  }

  // ---- reading ----

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** The numbers of a float tensor, in row-major order. They belong to the tensor: read, do not write. */
  get floats(): Floats {
    if (this.dtype === "int32") throw new OptionError("tensor", "float32 or float64", "int32");
    return this.storage.array as Floats;
  }

  /** The numbers of an int32 tensor. They belong to the tensor: read, do not write. */
  get ints(): Ints {
    if (this.dtype !== "int32") throw new OptionError("tensor", "int32 labels or indices", this.dtype);
    return this.storage.array as Ints;
  }

  /** The only number of a tensor with one element. */
  item(): number {
    if (this.size !== 1) throw new ShapeError(`item: expected one element, found shape ${showShape(this.shape)}.`);
    return this.storage.array[0];
  }

  /** The numbers as nested arrays; a number for a scalar. */
  toArray(): Nested {
    let level: Nested[] = Array.from(this.storage.array);
    // From the last axis to the first, so that depth costs no stack.
    for (let axis = this.rank - 1; axis >= 0; axis--) {
      const [entries, extent] = [level, this.shape[axis]];
      const rows = sizeOf(this.shape.slice(0, axis));
      level = Array.from({ length: rows }, (_, row) => entries.slice(row * extent, (row + 1) * extent));
    }
    return level[0];
  }

  /** Type and shape, and the first numbers. */
  toString(): string {
    const { recycled, detached } = this.storage;
    const values = recycled ? "recycled" : detached ? "transferred" : this.storage.array.slice(0, 6).join(", ");
    return `Tensor(${this.dtype} ${showShape(this.shape)}: ${values}${this.size > 6 ? ", ..." : ""})`;
  }

  /** What a notebook shows: type and shape, and the numbers; as a picture where they are a matrix, or images. */
  [jupyterDisplay](): Promise<DisplayBundle> {
    return displayTensor(this);
  }

  // ---- history ----

  /** Whether gradients flow to this tensor. */
  get requiresGradient(): boolean {
    return this.#leaf || this.#node !== null;
  }

  /** The op that made this tensor, if it was remembered. */
  get node(): GraphNode | null {
    return this.#node;
  }

  /** Attaches the op that made this tensor. For `record`. */
  attach(node: GraphNode): void {
    this.#node = node;
  }

  /** The same numbers as a tensor that gradients can be asked for. Shares the buffer. */
  withGradient(): Tensor {
    if (this.dtype === "int32") throw new OptionError("withGradient", "float32 or float64", "int32");
    const leaf = Tensor.view(this, this.shape);
    leaf.#leaf = true;
    return leaf;
  }

  /** The same numbers without a history. Shares the buffer. */
  detach(): Tensor {
    return Tensor.view(this, this.shape);
  }

  /**
   * Makes this tensor outlive the training step it was made in, and returns it.
   *
   * @throws {RecycledError} when the step has ended
   */
  keep(): Tensor {
    void this.storage.array; // throws when it is too late
    keepStorage(this.storage);
    return this;
  }

  /**
   * Overwrites this tensor's numbers: for parameters and running state, which live on from step to step.
   *
   * @throws {ShapeError} when the shapes differ
   * @throws {OptionError} when one of the two is int32 and the other is not; float64 is rounded to float32
   */
  assign(values: Tensor): void {
    if ((values.dtype === "int32") !== (this.dtype === "int32")) {
      throw new OptionError("assign", this.dtype, values.dtype);
    }
    if (!sameShape(values.shape, this.shape)) {
      throw new ShapeError(`assign: expected shape ${showShape(this.shape)}, found ${showShape(values.shape)}.`);
    }
    this.storage.beforeWrite();
    this.storage.array.set(values.storage.array);
  }

  /** A copy with a buffer of its own and no history. */
  clone(): Tensor {
    const copy = Tensor.empty(this.shape, this.dtype);
    copy.storage.array.set(this.storage.array);
    return copy;
  }

  /**
   * A copy of another element type, without a history. Towards int32 fractions are cut off.
   *
   * @throws {OptionError} when a number does not fit in an int32
   */
  cast(dtype: DType): Tensor {
    if (dtype === "int32") { for (const value of this.storage.array) checkWhole(Math.trunc(value), "cast"); }
    const copy = Tensor.empty(this.shape, dtype);
    copy.storage.array.set(this.storage.array);
    return copy;
  }

  // ---- arithmetic, broadcasting ----

  /** Sum. */
  add(other: Tensor | number): Tensor {
    return typeof other === "number" ? unary("affine", this, 1, other) : binary("add", this, other);
  }
  /** Difference. */
  sub(other: Tensor | number): Tensor {
    return typeof other === "number" ? unary("affine", this, 1, -other) : binary("subtract", this, other);
  }
  /** Product. */
  mul(other: Tensor | number): Tensor {
    return typeof other === "number" ? unary("affine", this, other, 0) : binary("multiply", this, other);
  }
  /** Quotient. */
  div(other: Tensor | number): Tensor {
    // The reciprocal of a number that small is not finite in float32.
    const scales = typeof other === "number" && !(Math.abs(other) < 2 ** -126);
    return scales ? unary("affine", this, 1 / other, 0) : binary("divide", this, other);
  }
  /** Power. */
  pow(other: Tensor | number): Tensor {
    return typeof other === "number" ? unary("power", this, other) : binary("power", this, other);
  }
  /** The larger of two; equal ones share the gradient. */
  maximum(other: Tensor | number): Tensor {
    return binary("maximum", this, other);
  }
  /** The smaller of two; equal ones share the gradient. */
  minimum(other: Tensor | number): Tensor {
    return binary("minimum", this, other);
  }
  /** `this * mask` where the mask is not 0, and exactly 0 where it is, also for an infinity or NaN. */
  mask(mask: Tensor): Tensor {
    return binary("mask", this, mask);
  }
  /** 1 where this is greater, else 0. Has no gradient. */
  greater(other: Tensor | number): Tensor {
    return binary("greater", this, other);
  }
  /** 1 where this is greater or equal, else 0. Has no gradient. */
  greaterEqual(other: Tensor | number): Tensor {
    return binary("greater-equal", this, other);
  }
  /** 1 where equal, else 0. Has no gradient. */
  equal(other: Tensor | number): Tensor {
    return binary("equal", this, other);
  }

  // ---- elementwise functions ----

  /** Minus this. */
  neg(): Tensor {
    return unary("affine", this, -1, 0);
  }
  /** Absolute value. */
  abs(): Tensor {
    return unary("abs", this);
  }
  /** e to the power of this. */
  exp(): Tensor {
    return unary("exp", this);
  }
  /** Natural logarithm. */
  log(): Tensor {
    return unary("log", this);
  }
  /** Natural logarithm of 1 + this. */
  log1p(): Tensor {
    return unary("log1p", this);
  }
  /** Square root. */
  sqrt(): Tensor {
    return unary("sqrt", this);
  }
  /** Square. */
  square(): Tensor {
    return unary("square", this);
  }
  /** 1 over this. */
  reciprocal(): Tensor {
    return unary("reciprocal", this);
  }
  /** Sine, of radians. */
  sin(): Tensor {
    return unary("sin", this);
  }
  /** Cosine, of radians. */
  cos(): Tensor {
    return unary("cos", this);
  }
  /** The error function. */
  erf(): Tensor {
    return unary("erf", this);
  }
  /** -1, 0 or 1. */
  sign(): Tensor {
    return unary("sign", this);
  }
  /** Limited to [low, high]; the gradient is 0 outside. */
  clamp(low: number, high: number): Tensor {
    return unary("clamp", this, low, high);
  }
  /** max(x, 0). */
  relu(): Tensor {
    return unary("relu", this);
  }
  /** x where positive, else slope x. */
  leakyRelu(slope = 0.01): Tensor {
    return unary("leaky-relu", this, slope);
  }
  /** x where positive, else alpha (e^x - 1). */
  elu(alpha = 1): Tensor {
    return unary("elu", this, alpha);
  }
  /** Scaled ELU with the constants of Klambauer et al. (2017). */
  selu(): Tensor {
    return unary("selu", this);
  }
  /** x Phi(x), or its tanh form. */
  gelu(approximate: "none" | "tanh" = "none"): Tensor {
    return unary(approximate === "tanh" ? "gelu-tanh" : "gelu", this);
  }
  /** x sigmoid(x). */
  silu(): Tensor {
    return unary("silu", this);
  }
  /** 1 / (1 + e^-x). */
  sigmoid(): Tensor {
    return unary("sigmoid", this);
  }
  /** Hyperbolic tangent. */
  tanh(): Tensor {
    return unary("tanh", this);
  }
  /** log(1 + e^x). */
  softplus(): Tensor {
    return unary("softplus", this);
  }
  /** Softmax along an axis, by default the last. */
  softmax(axis = -1): Tensor {
    return softmax(this, axis);
  }
  /** Logarithm of softmax along an axis, by default the last. */
  logSoftmax(axis = -1): Tensor {
    return softmax(this, axis, true);
  }

  // ---- products and reductions ----

  /** Matrix product over the last two axes; axes before them broadcast. */
  matmul(other: Tensor, options: MatmulOptions = {}): Tensor {
    return matmul(this, other, options);
  }
  /** Sum over axes, by default all. */
  sum(axes?: Axes, keepAxes = false): Tensor {
    return sum(this, axes, keepAxes);
  }
  /** Mean over axes, by default all. */
  mean(axes?: Axes, keepAxes = false): Tensor {
    return mean(this, axes, keepAxes);
  }
  /** Largest entry over axes, by default all. */
  max(axes?: Axes, keepAxes = false): Tensor {
    return extreme("max", this, axes, keepAxes);
  }
  /** Smallest entry over axes, by default all. */
  min(axes?: Axes, keepAxes = false): Tensor {
    return extreme("min", this, axes, keepAxes);
  }
  /** Index of the largest entry along the last axis, the first among equals, as int32. */
  argmax(): Tensor {
    return argmax(this);
  }

  // ---- movement ----

  /** The same numbers under another shape; one extent may be -1. */
  reshape(shape: Shape): Tensor {
    return reshape(this, [...shape]);
  }
  /** A new axis of extent 1 at the given place. */
  expandAxis(axis: number): Tensor {
    const at = normalizeAxis(axis, this.rank + 1, "expandAxis");
    return reshape(this, [...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
  /** Axes in another order; reversed when none is given. */
  transpose(axes?: readonly number[]): Tensor {
    return transpose(this, axes);
  }
  /** Stretched to a larger shape by NumPy's rule. */
  broadcastTo(shape: Shape): Tensor {
    return broadcastTo(this, [...shape]);
  }
  /** The box from `start` (included) to `end` (excluded); negative bounds count from the end. */
  slice(start: readonly number[], end: readonly number[] = []): Tensor {
    return slice(this, start, end);
  }
  /** Surrounded with a constant: `pads[axis] = [before, after]`. */
  pad(pads: readonly (readonly [number, number])[], value = 0): Tensor {
    return pad(this, pads, value);
  }
  /** Rows by index: this is a table `[n, ...rest]`, `index` is int32 of any shape. */
  take(index: Tensor): Tensor {
    return take(this, index);
  }
  /** One entry from each row along the last axis. */
  gather(index: Tensor): Tensor {
    return gather(this, index);
  }

  // ---- randomness ----

  /**
   * Zeroes each entry with probability `rate` in [0, 1] and divides the others by the probability of keeping. The first
   * axis is the batch. Which entries are zeroed depends on the key alone, and the mask is drawn again, not stored, for
   * the gradient.
   */
  dropout(key: Key, rate: number, options: DropoutOptions = {}): Tensor {
    return dropout(this, key, rate, options);
  }

  /** A float tensor's type, for making another beside it. */
  get floatType(): FloatType {
    if (this.dtype === "int32") throw new DataError("A tensor of labels or indices has no float type.");
    return this.dtype;
  }
}

/** Throws unless a number can be a label or index. */
function checkWhole(value: number, what: string): void {
  if (value !== (value | 0)) throw new OptionError(what, "whole numbers in [-2^31, 2^31) for int32", value);
}

/** Throws unless an array over this buffer keeps its length and its numbers as long as its owner leaves it alone. */
function checkBuffer(buffer: ArrayBufferLike): void {
  const found = !(buffer instanceof ArrayBuffer)
    ? "a SharedArrayBuffer"
    : buffer.resizable
    ? "a resizable ArrayBuffer"
    : buffer.detached
    ? "a transferred ArrayBuffer"
    : null;
  if (found !== null) {
    throw new OptionError("Tensor.from", "an array over a plain ArrayBuffer, such as a copy by slice()", found);
  }
}
