/**
 * A weight's gradient as the product that it is the result of, for kernels that update the weight by it piece by piece: the
 * gradient as a whole is never written to memory.
 *
 * @module
 */
import type { Floats, Ints } from "./arrays.ts";
import { type AnyFunction, defineKernel, type Kernel, type KernelDescription } from "./kernel.ts";
import {
  type ArgumentsOf,
  block,
  field,
  type FloatsParameter,
  input,
  type IntsParameter,
  list,
  type Parameter,
} from "./parameters.ts";
import { groupedWeightGradient } from "./reference/thinned_products.ts";

const most = 2 ** 31 - 1;

/** Extents of a {@linkcode GradientProduct}. */
export interface GradientProductShape {
  /** Rows of the weight, columns of `left`. */
  readonly rows: number;
  /** Columns of the weight and of `right`. */
  readonly cols: number;
  /** Rows of `left` and of `right`, over which the sum goes. */
  readonly lines: number;
  /** Whether a BLAS may compute it, where the backend has one. */
  readonly blas: boolean;
}

/**
 * `left^T right`, a gradient of shape `[rows, cols]`. The lines come in groups, and a group counts only in the rows and
 * columns that it keeps; elsewhere the gradient is 0.
 */
export interface GradientProduct {
  /** `[lines, rows]`: the gradient towards the layer's output. */
  readonly left: Floats;
  /** `[lines, cols]`: the layer's input. */
  readonly right: Floats;
  /** The groups' first lines, rising; lines before the first do not count. */
  readonly starts: Ints;
  /** For each group in turn the rows that it keeps, rising: row r of group g as `g rows + r`. */
  readonly keptRows: Ints;
  /** For each group in turn the columns that it keeps, in the same way. */
  readonly keptCols: Ints;
  /** Extents. */
  readonly shape: GradientProductShape;
}

/** The arguments of a kernel that say the product. */
export type ProductArguments = readonly [
  FloatsParameter,
  FloatsParameter,
  IntsParameter,
  IntsParameter,
  IntsParameter,
  Parameter<GradientProductShape>,
];

/** Descriptions of {@linkcode ProductArguments}. */
export const productParameters: ProductArguments = [
  input("left", ["lines", "rows"]),
  input("right", ["lines", "cols"]),
  list("starts", ["groups"], ["lines"]),
  list("keptRows", ["rowCount"], ["groups", "rows"]),
  list("keptCols", ["colCount"], ["groups", "cols"]),
  block<GradientProductShape>("product", {
    rows: field.size(0, most),
    cols: field.size(0, most),
    lines: field.size(0, most),
    blas: field.flag,
  }),
];

/** A kernel that updates a weight by its gradient, and the same with a product in the gradient's place. */
export type UpdateKernel<F extends AnyFunction = AnyFunction> = Kernel<F> & {
  /** Takes the arguments of a {@linkcode GradientProduct} in the gradient's place. */
  readonly byProduct: Kernel;
};

/**
 * Makes a kernel that updates a weight from its description, as `defineKernel` does. Its first two arguments are the weight
 * and its gradient, of length `["n"]`, as all arrays beside the weight are.
 *
 * Its C source has two symbols. That of the kernel itself goes over all elements; `NAME_by_product` takes
 * `PRODUCT_ARGUMENTS` in the gradient's place and `PRODUCT_SIZES` as its last arguments, and hands `run_by_product` a task that
 * updates some elements of the weight: see `kernel.h`.
 *
 * @example
 * ```ts
 * import { defineUpdate, parameters } from "@thinned/dropout";
 *
 * const { inout, input, number } = parameters;
 * const descend = defineUpdate({
 *   name: "descend",
 *   parameters: [inout("weight", ["n"]), input("gradient", ["n"]), number("rate")],
 *   twin: (weight, gradient, rate) => weight.forEach((w, i) => weight[i] = w - rate * gradient[i]),
 * });
 * descend(Float32Array.of(1, 2), Float32Array.of(1, 1), 0.5);
 * ```
 */
export function defineUpdate<const P extends readonly [FloatsParameter, FloatsParameter, ...Parameter[]]>(
  description: KernelDescription<P>,
): UpdateKernel<(...args: ArgumentsOf<P>) => void> {
  const { name, parameters: [weight, , ...rest], twin, source } = description;
  const shaped = (parameter: Parameter): Parameter =>
    parameter.kind === "floats" && typeof parameter.length !== "function" && parameter.length.join() === "n"
      ? { ...parameter, length: ["rows", "cols"] }
      : parameter;
  const byProduct = defineKernel<readonly Parameter[]>({
    name: `${name}ByProduct`,
    parameters: [shaped(weight), ...productParameters, ...rest.map(shaped)] as readonly Parameter[],
    twin: (...args: unknown[]) => {
      const [numbers, left, right, starts, keptRows, keptCols, shape, ...others] = args as [
        Floats,
        ...ArgumentsOf<ProductArguments>,
        ...unknown[],
      ];
      const gradient = numbers.slice();
      groupedWeightGradient(left, right, gradient, starts, keptRows, keptCols, {
        rows: shape.lines,
        allUnits: shape.rows,
        allInputs: shape.cols,
        groups: starts.length,
        keptUnits: keptRows.length,
        keptInputs: keptCols.length,
        from: 0,
        to: shape.rows,
      });
      (twin as (...args: unknown[]) => void)(numbers, gradient, ...others);
    },
    source,
  });
  return Object.assign(defineKernel(description), { byProduct }) as unknown as UpdateKernel<
    (...args: ArgumentsOf<P>) => void
  >;
}
