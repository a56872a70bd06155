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
