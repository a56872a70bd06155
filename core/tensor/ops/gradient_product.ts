/**
 * Gradients of weights as products that are not done yet. Whoever looks at the numbers of such a gradient has them computed;
 * an optimizer whose kernel can takes the product in their place, and the whole gradient is never written to memory.
 *
 * @module
 */
import { backendGeneration, currentBackend } from "../../backend/backend.ts";
import type { GradientProduct, UpdateKernel } from "../../backend/gradient_product.ts";
import type { AnyFunction, Kernel } from "../../backend/kernel.ts";
import * as kernels from "../../backend/kernels.ts";
import type { Floats } from "../../backend/arrays.ts";
import { type AnyArray, type Deferred, isRecycling, type Storage } from "../storage.ts";
import { Tensor } from "../tensor.ts";

/** Groups of lines, and what each keeps of the weight: see `GradientProduct`. */
export type GradientGroups = Pick<GradientProduct, "starts" | "keptRows" | "keptCols">;

/** Weights below this size stay in the cache, and so do their gradients. */
const LEAST_SIZE = 2 ** 18;
/** With more lines the product takes so long that what is saved beside it does not count. */
const MOST_LINES = 1024;

const counted = new Map<number, Int32Array<ArrayBuffer>>();

/** The numbers below `count`. */
function allBelow(count: number): Int32Array<ArrayBuffer> {
  let list = counted.get(count);
  if (list === undefined) {
    if (counted.size > 256) counted.clear();
    counted.set(count, list = Int32Array.from({ length: count }, (_, i) => i));
  }
  return list;
}

const first = Int32Array.of(0);

/** A gradient `left^T right`, of lines that count in all rows and columns or in groups. */
class PendingProduct implements Deferred {
  readonly from: readonly Storage[];
  readonly #left: Tensor;
  readonly #right: Tensor;
  readonly #groups: GradientGroups | null;

  constructor(left: Tensor, right: Tensor, groups: GradientGroups | null) {
    this.from = [left.storage, right.storage];
    this.#left = left;
    this.#right = right;
    this.#groups = groups;
  }

  /** The product as kernels take it. */
  get product(): GradientProduct {
    const [lines, rows] = this.#left.shape;
    const cols = this.#right.shape[1];
    const groups = this.#groups ?? { starts: first, keptRows: allBelow(rows), keptCols: allBelow(cols) };
    return { left: this.#left.floats, right: this.#right.floats, ...groups, shape: { rows, cols, lines, blas: true } };
  }

  fill(array: AnyArray): void {
    const [left, right, out] = [this.#left.floats, this.#right.floats, array as Floats];
    const [lines, rows] = this.#left.shape;
    const cols = this.#right.shape[1];
    if (this.#groups !== null) {
      const { starts, keptRows, keptCols } = this.#groups;
      kernels.groupedWeightGradient(left, right, out, starts, keptRows, keptCols, {
        rows: lines,
        allUnits: rows,
        allInputs: cols,
        groups: starts.length,
        keptUnits: keptRows.length,
        keptInputs: keptCols.length,
        from: 0,
        to: rows,
      });
    } else if (lines === 0) kernels.fill(out, 0);
    else if (out.length > 0) {
      const plain = { alpha: 1, beta: 0, batch: 1, strideA: 0, strideB: 0, strideC: 0 };
      kernels.gemm(left, right, out, { m: rows, n: cols, k: lines, transposeA: true, transposeB: false, ...plain });
    }
  }

  /** Whether no number of the gradient can be other than finite: from the largest of the operands alone. */
  get isBounded(): boolean {
    return largest(this.#left) * largest(this.#right) * this.#left.shape[0] < 1e37;
  }
}

const found = new Float32Array(1);

/** The largest magnitude of a tensor's numbers; NaN where one is. */
function largest({ floats }: Tensor): number {
  kernels.reduce("magnitude", floats, found, 1, floats.length, 1, 1);
  return found[0];
}

let generation = -1;
const implemented = new Map<Kernel, boolean>();

/** Whether the current backend has a kernel of its own, in place of the twin. */
function isImplemented(kernel: Kernel): boolean {
  if (generation !== backendGeneration()) {
    generation = backendGeneration();
    implemented.clear();
  }
  let found = implemented.get(kernel);
  if (found === undefined) implemented.set(kernel, found = currentBackend().implement(kernel) !== undefined);
  return found;
}

/**
 * The gradient `left^T right` of a weight, computed when it is looked at where that may save something.
 *
 * @param weight the weight
 * @param left `[lines, rows]`
 * @param right `[lines, cols]`
 * @param groups what groups of the lines keep; null where all lines count in all rows and columns
 */
export function gradientProduct(
  weight: Tensor,
  left: Tensor,
  right: Tensor,
  groups: GradientGroups | null = null,
): Tensor {
  const pending = new PendingProduct(left, right, groups);
  const shape = [left.shape[1], right.shape[1]];
  const defers = weight.node === null && weight.size >= LEAST_SIZE && left.shape[0] <= MOST_LINES &&
    left.shape[0] <= Math.max(...shape) && left.dtype === "float32" && isRecycling() &&
    isImplemented(kernels.groupedWeightGradient as unknown as Kernel);
  if (defers) return Tensor.deferred(shape, pending);
  const out = Tensor.empty(shape, left.dtype);
  pending.fill(out.storage.array);
  return out;
}

/** Whether a gradient that has not been computed yet is certainly finite. */
export function isSurelyFinite({ storage: { pending } }: Tensor): boolean {
  return pending instanceof PendingProduct && pending.isBounded;
}

/** The arguments of an update's kernel behind the weight and its gradient. */
export type UpdateArguments<F extends AnyFunction> = Parameters<F> extends [unknown, unknown, ...infer Rest] ? Rest
  : never;

/**
 * Updates a weight by its gradient. Where the gradient is a product that is not done yet and the backend has the kernel, both
 * are done at once, piece by piece; the numbers are those of one after the other.
 *
 * @param kernel a kernel by `defineUpdate`
 * @param weight what is updated
 * @param gradient its gradient
 * @param others the kernel's other arguments
 *
 * @example
 * ```ts
 * import { applyUpdate, defineUpdate, parameters, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { inout, input, number } = parameters;
 * const descend = defineUpdate({
 *   name: "descend",
 *   parameters: [inout("weight", ["n"]), input("gradient", ["n"]), number("rate")],
 *   twin: (weight, gradient, rate) => weight.forEach((w, i) => weight[i] = w - rate * gradient[i]),
 * });
 * const weight = Tensor.of([1, 2]);
 * applyUpdate(descend, weight, Tensor.of([1, 1]), 0.5);
 * assertEquals(weight.toArray(), [0.5, 1.5]);
 * ```
 */
export function applyUpdate<F extends AnyFunction>(
  kernel: UpdateKernel<F>,
  weight: Tensor,
  gradient: Tensor,
  ...others: UpdateArguments<F>
): void {
  const { pending } = gradient.storage;
  if (pending instanceof PendingProduct && isImplemented(kernel.byProduct)) {
    const { left, right, starts, keptRows, keptCols, shape } = pending.product;
    kernel.byProduct(weight.floats, left, right, starts, keptRows, keptCols, shape, ...others);
  } else {
    const run: AnyFunction = kernel;
    run(weight.floats, gradient.floats, ...others);
  }
}
