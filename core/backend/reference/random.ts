/** Random numbers from their addresses, plain. The mapping is written down in `core/random/key.ts`. @module */
import type { Floats } from "../arrays.ts";
import type { DrawAddress } from "../draw.ts";
import { philox4x32 } from "../../random/philox.ts";
import { normalOfWord } from "./normal.ts";

/**
 * Calls `visit(i, number)` for the elements `[rows, cols]` of a draw in their order, with a word of 32 bits or a half-word
 * of 16.
 */
export function drawn(
  { header, table, offset }: DrawAddress,
  rows: number,
  cols: number,
  bits: 16 | 32,
  visit: (i: number, number: number) => void,
): void {
  const [seedLow, seedHigh, site] = header;
  const block = new Uint32Array(4);
  const halves = new Uint16Array(8);
  const perBlock = 128 / bits;
  for (let row = 0; row < rows; row++) {
    const [low, high, step] = table.subarray(3 * row, 3 * row + 3);
    let have = -1;
    for (let col = 0; col < cols; col++) {
      const position = offset + col;
      const number = Math.floor(position / perBlock);
      if (number !== have) {
        // A row's entry has block 0, and its blocks are fewer than 2^26: there is nothing to carry.
        philox4x32((low + number) >>> 0, high, step, site, seedLow, seedHigh, block);
        for (let half = 0; half < 8; half++) halves[half] = block[half >> 1] >>> (16 * (half % 2));
        have = number;
      }
      visit(row * cols + col, bits === 16 ? halves[position % 8] : block[position % 4]);
    }
  }
}

/** A number as the arrays of a call hold it. */
function rounded(value: number, like: Floats): number {
  return like instanceof Float32Array ? Math.fround(value) : value;
}

/** `out = kept ? a x + b : c`. Every step is rounded as the arrays are. */
export function mask(
  x: Floats,
  out: Floats,
  draw: DrawAddress,
  rows: number,
  cols: number,
  threshold: number,
  bits: 16 | 32,
  a: number,
  b: number,
  c: number,
): void {
  const factor = rounded(a, out);
  const shift = rounded(b, out);
  drawn(draw, rows, cols, bits, (i, number) => {
    const product = rounded(factor * x[i], out);
    out[i] = number < threshold ? c : shift === 0 ? product : product + shift;
  });
}

/** `out = kept ? a x : other`. */
export function select(
  x: Floats,
  other: Floats,
  out: Floats,
  draw: DrawAddress,
  rows: number,
  cols: number,
  threshold: number,
  bits: 16 | 32,
  a: number,
): void {
  const factor = rounded(a, out);
  drawn(draw, rows, cols, bits, (i, number) => out[i] = number < threshold ? other[i] : factor * x[i]);
}

/** In place `x = kept ? a max(x + bias, 0) : 0`. */
export function rectifyMask(
  x: Floats,
  bias: Floats | null,
  draw: DrawAddress,
  rows: number,
  steps: number,
  units: number,
  threshold: number,
  bits: 16 | 32,
  a: number,
): void {
  const factor = rounded(a, x);
  drawn(draw, rows, steps * units, bits, (i, number) => {
    const sum = bias === null ? x[i] : rounded(x[i] + bias[i % units], x);
    x[i] = number < threshold ? 0 : factor * (sum <= 0 ? 0 : sum);
  });
}

/** `out = other + (kept ? a x : 0)`. */
export function maskAdd(
  x: Floats,
  other: Floats,
  out: Floats,
  draw: DrawAddress,
  rows: number,
  cols: number,
  threshold: number,
  bits: 16 | 32,
  a: number,
): void {
  const factor = rounded(a, out);
  drawn(draw, rows, cols, bits, (i, number) => {
    out[i] = number < threshold ? other[i] : other[i] + rounded(factor * x[i], out);
  });
}

/** `out = kept ? value : 0`. */
export function bernoulli(
  out: Floats,
  draw: DrawAddress,
  rows: number,
  cols: number,
  threshold: number,
  bits: 16 | 32,
  value: number,
): void {
  drawn(draw, rows, cols, bits, (i, number) => out[i] = number < threshold ? 0 : value);
}

/** Uniform numbers in (0, 1): odd multiples of 2^-24. */
export function uniform(out: Floats, draw: DrawAddress, rows: number, cols: number): void {
  drawn(draw, rows, cols, 32, (i, word) => out[i] = ((word >>> 9) + 0.5) / 8388608);
}

/** Standard normal numbers in (-6.4, 6.4), by inversion of a uniform with 32 bits. */
export function normal(out: Floats, draw: DrawAddress, rows: number, cols: number): void {
  drawn(draw, rows, cols, 32, (i, word) => out[i] = normalOfWord(word));
}
