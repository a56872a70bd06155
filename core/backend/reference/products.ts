/** Matrix products, plain: every entry is summed in float64, in the order of the inner index. @module */
import type { Floats } from "../arrays.ts";
import type { GemmShape } from "../products.ts";

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
