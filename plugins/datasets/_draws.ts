/** Random numbers read one after the other from an example's row. @module */
import { type DrawAddress, type Key, philox4x32 } from "../../core/mod.ts";

/** Reads the random words of a row, as the mapping of addresses says. */
export class Draws {
  readonly #address: DrawAddress;
  readonly #block: Uint32Array = new Uint32Array(4);
  #read = 0;
  #have = -1;

  /**
   * @param key whose first row it is
   * @param words at most how many are read
   */
  constructor(key: Key, words: number) {
    this.#address = key.draw(1, words);
  }

  /** The next word, in [0, 2^32). */
  word(): number {
    const position = this.#address.offset + this.#read++;
    const block = Math.floor(position / 4);
    if (block !== this.#have) {
      const { header: [seedLow, seedHigh, site], table: [low, high, step] } = this.#address;
      philox4x32(low + block, high, step, site, seedLow, seedHigh, this.#block);
      this.#have = block;
    }
    return this.#block[position % 4];
  }

  /** A uniform number in (low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * ((this.word() + 0.5) / 4294967296);
  }

  /** A whole number in [0, n), each equally likely to within n / 2^32. */
  below(n: number): number {
    return Math.floor(this.word() / 4294967296 * n);
  }
}
