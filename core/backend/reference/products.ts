/** Matrix products, plain: every entry is summed in float64, in the order of the inner index. @module */
import { BackendError } from "../../errors.ts";
import type { Floats, Ints } from "../arrays.ts";
import type { GemmShape, PartShape } from "../products.ts";

/** `C = alpha op(A) op(B) + beta C`. */
export function gemm(a: Floats, b: Floats, c: Floats, shape: GemmShape): void {
  for (let i = 0; i < shape.batch; i++) {
    product(a, i * shape.strideA, b, i * shape.strideB, c, i * shape.strideC, shape);
  }
}

function product(a: Floats, aAt: number, b: Floats, bAt: number, c: Floats, cAt: number, shape: GemmShape): void {
  const { m, n, k, transposeA, transposeB, alpha, beta } = shape;
  const row = new Float64Array(n);
  const aRow = transposeA ? 1 : k;
  const aStep = transposeA ? m : 1;
  for (let i = 0; i < m; i++) {
    row.fill(0);
    const aStart = aAt + i * aRow;
    if (transposeB) {
      for (let j = 0; j < n; j++) {
        const bStart = bAt + j * k;
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[aStart + p * aStep] * b[bStart + p];
        row[j] = sum;
      }
    } else {
      for (let p = 0; p < k; p++) {
        const factor = a[aStart + p * aStep];
        const bStart = bAt + p * n;
        for (let j = 0; j < n; j++) row[j] += factor * b[bStart + j];
      }
    }
    const cStart = cAt + i * n;
    if (beta === 0) { for (let j = 0; j < n; j++) c[cStart + j] = alpha * row[j]; }
    else for (let j = 0; j < n; j++) c[cStart + j] = alpha * row[j] + beta * c[cStart + j];
  }
}

/** Throws unless a list rises within [0, bound). */
function checkList(name: string, list: Ints, count: number, bound: number): void {
  for (let i = 0; i < count; i++) {
    if (list[i] >= (i === 0 ? 0 : list[i - 1] + 1) && list[i] < bound) continue;
    throw new BackendError(`The kernel partGemm expected ${name} that rise within [0, ${bound}), found ${list[i]}.`);
  }
}

/** `C[rows, cols] = alpha op(A)[rows, inners] op(B)[inners, cols] + beta C[rows, cols]`. */
export function partGemm(
  a: Floats,
  b: Floats,
  c: Floats,
  rows: Ints,
  cols: Ints,
  inners: Ints,
  shape: PartShape,
): void {
  const { allRows, allCols, allInners, m, n, k, transposeA, transposeB, alpha, beta } = shape;
  checkList("rows", rows, m, allRows);
  checkList("cols", cols, n, allCols);
  checkList("inners", inners, k, allInners);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) {
        const [row, col, inner] = [rows[i], cols[j], inners[p]];
        const left = a[transposeA ? inner * allRows + row : row * allInners + inner];
        sum += left * b[transposeB ? col * allInners + inner : inner * allCols + col];
      }
      const at = rows[i] * allCols + cols[j];
      c[at] = alpha * sum + (beta === 0 ? 0 : beta * c[at]);
    }
  }
}

/** Columns of a panel. */
export const panelColumns = 32;

/** Lays `[k, n]`, or `[n, k]` transposed, in panels of columns. */
export function packPanels(b: Floats, packed: Floats, transpose: boolean, n: number, k: number): void {
  const whole = Math.ceil(n / panelColumns) * panelColumns;
  for (let col = 0; col < whole; col++) {
    const [panel, place] = [Math.floor(col / panelColumns), col % panelColumns];
    for (let p = 0; p < k; p++) {
      const value = col < n ? b[transpose ? col * k + p : p * n + col] : 0;
      packed[(panel * k + p) * panelColumns + place] = value;
    }
  }
}

/** `C = A B`, or `C = A B + C`, with B in panels. */
export function panelProduct(
  a: Floats,
  packed: Floats,
  c: Floats,
  add: boolean,
  m: number,
  n: number,
  k: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const [panel, place] = [Math.floor(j / panelColumns), j % panelColumns];
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p] * packed[(panel * k + p) * panelColumns + place];
      c[i * n + j] = sum + (add ? c[i * n + j] : 0);
    }
  }
}
