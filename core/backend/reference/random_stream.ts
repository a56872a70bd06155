/** Random numbers from their addresses, plain. The mapping is written down in `key.ts`. @module */
import type { Floats } from "../arrays.ts";
import type { Address } from "../stream.ts";
import { philox4x32 } from "../../random/philox.ts";
import { normalOfWord } from "./normal.ts";

/** Calls `visit(i, word)` for `n` successive elements from the address on. */
export function words(address: Address, n: number, visit: (i: number, word: number) => void): void {
  const [seedLow, seedHigh, elementLow, elementHigh, step, site] = address;
  const first = elementHigh * 4294967296 + elementLow;
  const block = new Uint32Array(4);
  let have = -1;
  for (let i = 0; i < n; i++) {
    const number = Math.floor((first + i) / 4);
    if (number !== have) {
      philox4x32(number >>> 0, Math.floor(number / 4294967296) >>> 0, step, site, seedLow, seedHigh, block);
      have = number;
    }
    visit(i, block[(first + i) % 4]);
  }
}

/** `out = kept ? x * scale : 0`. */
export function dropout(x: Floats, out: Floats, address: Address, threshold: number, scale: number): void {
  const factor = out instanceof Float32Array ? Math.fround(scale) : scale;
  words(address, out.length, (i, word) => out[i] = word >= threshold ? x[i] * factor : 0);
}

/** `out = kept ? value : 0`. */
export function bernoulli(out: Floats, address: Address, threshold: number, value: number): void {
  words(address, out.length, (i, word) => out[i] = word >= threshold ? value : 0);
}

/** Uniform numbers in (0, 1). */
export function uniform(out: Floats, address: Address): void {
  words(address, out.length, (i, word) => out[i] = ((word >>> 9) + 0.5) / 8388608);
}

/** Standard normal numbers. */
export function normal(out: Floats, address: Address): void {
  words(address, out.length, (i, word) => out[i] = normalOfWord(word));
}
