/** A bias and an activation in one pass, plain. @module */
import type { Floats } from "../arrays.ts";
import type { Epilogue } from "../epilogue.ts";
import { unary, unaryGradient } from "./elementwise.ts";

/** In place `x = f(x + bias)`. */
export function biasActivation(
  x: Floats,
  bias: Floats | null,
  epilogue: Epilogue,
  rows: number,
  cols: number,
): void {
  if (bias !== null) {
    for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) x[r * cols + c] += bias[c];
  }
  if (epilogue !== "none") unary(epilogue, x, x, 0, 0);
}

/** `dx = dy f'(y)` and the bias's gradient. */
export function biasActivationGradient(
  dy: Floats,
  y: Floats,
  dx: Floats,
  dBias: Floats | null,
  epilogue: Epilogue,
  rows: number,
  cols: number,
): void {
  unaryGradient(epilogue === "none" ? "copy" : epilogue, y, y, dy, dx, 0, 0);
  sumRows(dx, dBias, rows, cols);
}

/** `dx = y > 0 ? a dy : 0` and the bias's gradient. */
export function rectifyMaskGradient(
  dy: Floats,
  y: Floats,
  dx: Floats,
  dBias: Floats | null,
  a: number,
  rows: number,
  cols: number,
): void {
  const factor = dx instanceof Float32Array ? Math.fround(a) : a;
  for (let i = 0; i < rows * cols; i++) dx[i] = y[i] > 0 ? factor * dy[i] : 0;
  sumRows(dx, dBias, rows, cols);
}

function sumRows(dx: Floats, dBias: Floats | null, rows: number, cols: number): void {
  if (dBias === null) return;
  for (let c = 0; c < cols; c++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += dx[r * cols + c];
    dBias[c] = sum;
  }
}
