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
  if (dBias === null) return;
  for (let c = 0; c < cols; c++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += dx[r * cols + c];
    dBias[c] = sum;
  }
}
