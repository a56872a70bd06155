/** Strided copies, and rows by index, plain. @module */
import type { Floats, Ints } from "../arrays.ts";
import { walk } from "./elementwise.ts";

/** Gathers with strides. */
export function copyStrided(
  x: Floats,
  out: Floats,
  box: { readonly dims: readonly number[]; readonly x: readonly number[] },
  offset: number,
): void {
  walk(box.dims, [box.x], (at, [start], n, [step]) => {
    for (let i = 0; i < n; i++) out[at + i] = x[offset + start + i * step];
  });
}

/** Adds into a strided box. */
export function addStrided(
  x: Floats,
  out: Floats,
  box: { readonly dims: readonly number[]; readonly out: readonly number[] },
  offset: number,
): void {
  walk(box.dims, [box.out], (at, [start], n, [step]) => {
    for (let i = 0; i < n; i++) out[offset + start + i * step] += x[at + i];
  });
}

/** `out[i, :] = table[index[i], :]`. */
export function gatherRows(table: Floats, index: Ints, out: Floats, cols: number): void {
  for (let i = 0; i < index.length; i++) {
    out.set(table.subarray(index[i] * cols, (index[i] + 1) * cols) as Float32Array, i * cols);
  }
}

/** `out[index[i], :] += x[i, :]`. */
export function scatterAddRows(x: Floats, index: Ints, out: Floats, cols: number): void {
  for (let i = 0; i < index.length; i++) {
    for (let c = 0; c < cols; c++) out[index[i] * cols + c] += x[i * cols + c];
  }
}
