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

/** Index of the largest entry of each row. */
export function argmax(x: Floats, out: Ints, rows: number, cols: number): void {
  for (let r = 0; r < rows; r++) {
    let best = 0;
    for (let c = 1; c < cols; c++) if (x[r * cols + c] > x[r * cols + best]) best = c;
    out[r] = best;
  }
}
