/** Matrix products. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, flag, inout, input, output, size, type Sizes } from "./parameters.ts";
import * as twins from "./reference/products.ts";

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

/** Elements from the first matrix of a batch to the end of the last one. */
function reach({ batch }: Readonly<Sizes>, stride: number, elements: number): number {
  return batch === 0 || elements === 0 ? 0 : (batch - 1) * stride + elements;
}

const most = 2 ** 31 - 1; // extents of a BLAS

/** Matrix product; see {@linkcode GemmShape}. */
export const gemm: Kernel<typeof twins.gemm> = defineKernel({
  name: "gemm",
  parameters: [
    input("a", (sizes) => reach(sizes, sizes.strideA, sizes.m * sizes.k)),
    input("b", (sizes) => reach(sizes, sizes.strideB, sizes.k * sizes.n)),
    inout("c", (sizes) => reach(sizes, sizes.strideC, sizes.m * sizes.n)),
    block<GemmShape>("shape", {
      m: field.size(0, most),
      n: field.size(0, most),
      k: field.size(0, most),
      transposeA: field.flag,
      transposeB: field.flag,
      alpha: field.number,
      beta: field.number,
      batch: field.size(),
      strideA: field.size(),
      strideB: field.size(),
      strideC: field.size(),
    }, ({ batch, m, n, strideC }) => {
      return batch > 1 && strideC < m * n
        ? `expected products apart by at least ${m * n} elements, found strideC ${strideC}`
        : undefined;
    }),
  ],
  twin: twins.gemm,
});

/** Elements of a matrix of n columns and k rows in panels: their last columns may be filled up. */
export function panelSize({ n, k }: Readonly<Sizes>): number {
  return Math.ceil(n / twins.panelColumns) * twins.panelColumns * k;
}

/**
 * Lays a matrix `[k, n]`, or `[n, k]` if it is to be transposed, in panels of 32 columns, for {@linkcode panelProduct}: all of
 * a panel's first row, all of its second, and so on; zeros fill up the last panel.
 */
export const packPanels: Kernel<typeof twins.packPanels> = defineKernel({
  name: "packPanels",
  parameters: [input("b", ["n", "k"]), output("packed", panelSize), flag("transpose"), size("n"), size("k")],
  twin: twins.packPanels,
});

/** `C = A B`, or `C = A B + C` with `add`, for `A: [m, k]`, `C: [m, n]` and B in panels. */
export const panelProduct: Kernel<typeof twins.panelProduct> = defineKernel({
  name: "panelProduct",
  parameters: [
    input("a", ["m", "k"]),
    input("packed", panelSize),
    inout("c", ["m", "n"]),
    flag("add"),
    size("m"),
    size("n"),
    size("k"),
  ],
  twin: twins.panelProduct,
});
