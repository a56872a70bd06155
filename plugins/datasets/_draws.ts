/** Random numbers read one after the other from an address. @module */
import { type Address, philox4x32 } from "../../core/mod.ts";

/** Reads the random words from an address on, as `key.ts` maps elements to words. */
export class Draws {
  readonly #address: Address;
  readonly #block: Uint32Array = new Uint32Array(4);
  readonly #first: number;
  #read = 0;
  #have = -1;

  /** @param address where the first word stands */
  constructor(address: Address) {
    this.#address = address;
    this.#first = address[3] * 4294967296 + address[2];
  }

  /** The next word, in [0, 2^32). */
  word(): number {
    const element = this.#first + this.#read++;
    const block = Math.floor(element / 4);
    if (block !== this.#have) {
      const [seedLow, seedHigh, , , step, site] = this.#address;
      philox4x32(block >>> 0, Math.floor(block / 4294967296), step, site, seedLow, seedHigh, this.#block);
      this.#have = block;
    }
    return this.#block[element % 4];
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
