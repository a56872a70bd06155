/** Draws for choosing cases. @module */

/** Small repeatable random numbers for choosing cases (mulberry32). */
export class Draws {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** A whole number in [low, high]. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  /** One of the choices. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)];
  }
  /** Numbers in [-range, range). */
  floats(n: number, range = 3): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: n }, () => (this.next() * 2 - 1) * range);
  }
}
