/** Reductions, strided copies, and rows by index, plain. @module */
import type { Floats, Ints, ReduceOp } from "../backend.ts";
import { walk } from "./elementwise.ts";

/** Reduces the middle axis of `[outer, n, inner]`; see `Backend.reduce`. */
export function reduce(
  op: ReduceOp,
  x: Floats,
  out: Floats,
  outer: number,
  n: number,
  inner: number,
  scale: number,
): void {
  const start = op === "sum" ? 0 : op === "max" ? -Infinity : Infinity;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let value = start;
      let at = o * n * inner + i;
      for (let j = 0; j < n; j++, at += inner) {
        if (op === "sum") value += x[at];
        else value = op === "max" ? Math.max(value, x[at]) : Math.min(value, x[at]);
      }
      out[o * inner + i] = value * scale;
    }
  }
}

/** Index of the largest entry of each row; see `Backend.argmax`. */
export function argmax(x: Floats, out: Ints, rows: number, cols: number): void {
  for (let r = 0; r < rows; r++) {
    let best = 0;
    for (let c = 1; c < cols; c++) if (x[r * cols + c] > x[r * cols + best]) best = c;
    out[r] = best;
  }
}

/** Gathers with strides; see `Backend.copyStrided`. */
export function copyStrided(
  x: Floats,
  offset: number,
  out: Floats,
  dims: readonly number[],
  strides: readonly number[],
): void {
  walk(dims, [strides], (at, [start], n, [step]) => {
    for (let i = 0; i < n; i++) out[at + i] = x[offset + start + i * step];
  });
}

/** Adds into a strided box; see `Backend.addStrided`. */
export function addStrided(
  x: Floats,
  out: Floats,
  offset: number,
  dims: readonly number[],
  strides: readonly number[],
): void {
  walk(dims, [strides], (at, [start], n, [step]) => {
    for (let i = 0; i < n; i++) out[offset + start + i * step] += x[at + i];
  });
}

/** `out[i, :] = table[index[i], :]`; see `Backend.gatherRows`. */
export function gatherRows(table: Floats, index: Ints, out: Floats, cols: number): void {
  for (let i = 0; i < index.length; i++) {
    out.set(table.subarray(index[i] * cols, (index[i] + 1) * cols) as Float32Array, i * cols);
  }
}

/** `out[index[i], :] += x[i, :]`; see `Backend.scatterAddRows`. */
export function scatterAddRows(x: Floats, index: Ints, out: Floats, cols: number): void {
  for (let i = 0; i < index.length; i++) {
    for (let c = 0; c < cols; c++) out[index[i] * cols + c] += x[i * cols + c];
  }
}
