/**
 * Matrix products in which each group of rows keeps some inner places and some columns, and the rest is left out: what stands
 * between masks that groups of examples share.
 *
 * A list says for all groups what they keep: place p of group g is the number `g * extent + p`, so a list rises as a whole.
 *
 * @module
 */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, input, list, output } from "./parameters.ts";
import * as twins from "./reference/thinned_products.ts";

const most = 2 ** 31 - 1;

/** Extents of a product of groups, and how much they keep. */
export interface GroupedGemmShape {
  /** Rows of A and of C. */
  readonly allRows: number;
  /** Columns of `op(B)` and of C. */
  readonly allCols: number;
  /** Columns of A, rows of `op(B)`. */
  readonly allInners: number;
  /** How many groups the rows make. */
  readonly groups: number;
  /** How many inner places all groups keep together. */
  readonly keptInners: number;
  /** How many columns all groups keep together. */
  readonly keptCols: number;
  /** B is stored `[allCols, allInners]` when true, else `[allInners, allCols]`. */
  readonly transposeB: boolean;
}

/**
 * `C[rows, cols] = A[rows, inners] op(B)[inners, cols]` for each group, and 0 elsewhere. A group's rows begin where `starts`
 * says and end where the next ones begin. What is not kept of A and B is not used.
 */
export const groupedGemm: Kernel<typeof twins.groupedGemm> = defineKernel({
  name: "groupedGemm",
  parameters: [
    input("a", ["allRows", "allInners"]),
    input("b", ["allInners", "allCols"]),
    output("c", ["allRows", "allCols"]),
    list("starts", ["groups"], ["allRows"]),
    list("inners", ["keptInners"], ["groups", "allInners"]),
    list("cols", ["keptCols"], ["groups", "allCols"]),
    block<GroupedGemmShape>("shape", {
      allRows: field.size(0, most),
      allCols: field.size(0, most),
      allInners: field.size(0, most),
      groups: field.size(0, most),
      keptInners: field.size(0, most),
      keptCols: field.size(0, most),
      transposeB: field.flag,
    }, ({ groups, allInners, allCols }) => placesFit(groups, Math.max(allInners, allCols))),
  ],
  twin: twins.groupedGemm,
});

/** Extents of a weight's gradient from groups of rows, how much they keep, and which rows of it are computed. */
export interface GroupedWeightShape {
  /** Rows of dY and of X. */
  readonly rows: number;
  /** Columns of dY, rows of the gradient. */
  readonly allUnits: number;
  /** Columns of X and of the gradient. */
  readonly allInputs: number;
  /** How many groups the rows make. */
  readonly groups: number;
  /** How many units all groups keep together. */
  readonly keptUnits: number;
  /** How many inputs all groups keep together. */
  readonly keptInputs: number;
  /** The first row of the gradient that is computed. */
  readonly from: number;
  /** One more than the last one. */
  readonly to: number;
}

/**
 * The sum over groups of `dY[rows, units]^T X[rows, inputs]`, and 0 elsewhere: `[to - from, allInputs]`, the rows of the whole
 * gradient from `from` to `to`, which have the same bits in whatever pieces they are computed.
 */
export const groupedWeightGradient: Kernel<typeof twins.groupedWeightGradient> = defineKernel({
  name: "groupedWeightGradient",
  parameters: [
    input("dy", ["rows", "allUnits"]),
    input("x", ["rows", "allInputs"]),
    output("out", ({ from, to, allInputs }) => Math.max(0, to - from) * allInputs),
    list("starts", ["groups"], ["rows"]),
    list("units", ["keptUnits"], ["groups", "allUnits"]),
    list("inputs", ["keptInputs"], ["groups", "allInputs"]),
    block<GroupedWeightShape>("shape", {
      rows: field.size(0, most),
      allUnits: field.size(0, most),
      allInputs: field.size(0, most),
      groups: field.size(0, most),
      keptUnits: field.size(0, most),
      keptInputs: field.size(0, most),
      from: field.size(0, most),
      to: field.size(0, most),
    }, ({ from, to, groups, allUnits, allInputs }) => {
      if (from > to || to > allUnits) return `expected rows within [0, ${allUnits}], found ${from} to ${to}`;
      return placesFit(groups, Math.max(allUnits, allInputs));
    }),
  ],
  twin: twins.groupedWeightGradient,
});

/** What is wrong with lists whose numbers do not fit into an int. */
function placesFit(groups: number, extent: number): string | undefined {
  return groups * extent > most ? `expected groups times places up to ${most}, found ${groups} x ${extent}` : undefined;
}
