/** Reductions, plain. @module */
import type { Floats, Ints } from "../arrays.ts";
import type { ReduceOp } from "../reductions.ts";

/** Reduces the middle axis of `[outer, n, inner]`. */
export function reduce(
  op: ReduceOp,
  x: Floats,
  out: Floats,
  outer: number,
  n: number,
  inner: number,
  scale: number,
): void {
  const start = { sum: 0, max: -Infinity, min: Infinity, magnitude: 0 }[op];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let value = start;
      let at = o * n * inner + i;
      for (let j = 0; j < n; j++, at += inner) {
        if (op === "sum") value += x[at];
        else if (op === "min") value = Math.min(value, x[at]);
        else value = Math.max(value, op === "magnitude" ? Math.abs(x[at]) : x[at]);
      }
      out[o * inner + i] = value * scale;
    }
  }
}

/** Index of the largest entry of each row. */
export function argmax(x: Floats, out: Ints, rows: number, cols: number): void {
  for (let r = 0; r < rows; r++) {
    let best = 0;
    for (let c = 1; c < cols; c++) if (x[r * cols + c] > x[r * cols + best]) best = c;
    out[r] = best;
  }
}
