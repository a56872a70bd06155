/** Products of groups of rows, plain: every entry is summed in float64, in the order of the inner index. @module */
import { BackendError } from "../../errors.ts";
import type { Floats, Ints } from "../arrays.ts";
import type { GroupedGemmShape, GroupedWeightShape } from "../thinned_products.ts";

/** Rows of a group with the places that it keeps of two kinds. */
interface Group {
  readonly from: number;
  readonly to: number;
  readonly first: readonly number[];
  readonly second: readonly number[];
}

/** Throws unless a list rises within [0, bound). */
function checkList(kernel: string, name: string, list: Ints, count: number, bound: number): void {
  for (let i = 0; i < count; i++) {
    if (list[i] >= (i === 0 ? 0 : list[i - 1] + 1) && list[i] < bound) continue;
    throw new BackendError(`The kernel ${kernel} expected ${name} that rise within [0, ${bound}), found ${list[i]}.`);
  }
}

/** What each group keeps, of a list in which group g's place p is `g extent + p`. */
function placesOf(list: Ints, count: number, groups: number, extent: number): number[][] {
  const places: number[][] = Array.from({ length: groups }, () => []);
  for (let i = 0; i < count; i++) places[Math.floor(list[i] / extent)].push(list[i] % extent);
  return places;
}

function groupsOf(starts: Ints, groups: number, rows: number, first: number[][], second: number[][]): Group[] {
  return first.map((places, g) => ({
    from: starts[g],
    to: g + 1 < groups ? starts[g + 1] : rows,
    first: places,
    second: second[g],
  }));
}

/** `C[rows, cols] = A[rows, inners] op(B)[inners, cols]` for each group, and 0 elsewhere. */
export function groupedGemm(
  a: Floats,
  b: Floats,
  c: Floats,
  starts: Ints,
  inners: Ints,
  cols: Ints,
  shape: GroupedGemmShape,
): void {
  const { allRows, allCols, allInners, groups, keptInners, keptCols, transposeB } = shape;
  checkList("groupedGemm", "starts", starts, groups, allRows);
  checkList("groupedGemm", "inners", inners, keptInners, groups * allInners);
  checkList("groupedGemm", "cols", cols, keptCols, groups * allCols);
  c.fill(0, 0, allRows * allCols);
  const [first, second] = [
    placesOf(inners, keptInners, groups, allInners),
    placesOf(cols, keptCols, groups, allCols),
  ];
  for (const group of groupsOf(starts, groups, allRows, first, second)) {
    for (let row = group.from; row < group.to; row++) {
      for (const col of group.second) {
        let sum = 0;
        for (const p of group.first) {
          sum += a[row * allInners + p] * b[transposeB ? col * allInners + p : p * allCols + col];
        }
        c[row * allCols + col] = sum;
      }
    }
  }
}

/** The sum over groups of `dY[rows, units]^T X[rows, inputs]`, and 0 elsewhere, for the units from `from` to `to`. */
export function groupedWeightGradient(
  dy: Floats,
  x: Floats,
  out: Floats,
  starts: Ints,
  units: Ints,
  inputs: Ints,
  shape: GroupedWeightShape,
): void {
  const { rows, allUnits, allInputs, groups, keptUnits, keptInputs, from, to } = shape;
  checkList("groupedWeightGradient", "starts", starts, groups, rows);
  checkList("groupedWeightGradient", "units", units, keptUnits, groups * allUnits);
  checkList("groupedWeightGradient", "inputs", inputs, keptInputs, groups * allInputs);
  const sums = new Float64Array((to - from) * allInputs);
  const [first, second] = [
    placesOf(units, keptUnits, groups, allUnits),
    placesOf(inputs, keptInputs, groups, allInputs),
  ];
  for (const group of groupsOf(starts, groups, rows, first, second)) {
    for (let row = group.from; row < group.to; row++) {
      for (const unit of group.first) {
        if (unit < from || unit >= to) continue;
        const factor = dy[row * allUnits + unit];
        for (const input of group.second) {
          sums[(unit - from) * allInputs + input] += factor * x[row * allInputs + input];
        }
      }
    }
  }
  out.set(sums);
}
