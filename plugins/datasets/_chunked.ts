/** Numbers that come one by one, in pieces of a typed array: no copy when it grows. @module */

/** The typed arrays that hold them. */
type Values = Float64Array | Int32Array | Uint32Array;

const BITS = 16;
const PIECE = 2 ** BITS;

/** A list of numbers that grows without being copied. */
export class Chunked<A extends Values> {
  readonly #make: (length: number) => A;
  readonly #pieces: A[] = [];
  #length = 0;

  /** An empty list; `make` gives its pieces. */
  constructor(make: (length: number) => A) {
    this.#make = make;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds a number. */
  push(value: number): void {
    const place = this.#length++ & (PIECE - 1);
    // The first piece is small, for small tables.
    if (place === 0) this.#pieces.push(this.#make(this.#pieces.length === 0 ? 256 : PIECE));
    const last = this.#pieces.length - 1;
    if (place === this.#pieces[last].length) {
      const larger = this.#make(Math.min(PIECE, 4 * place));
      larger.set(this.#pieces[last]);
      this.#pieces[last] = larger;
    }
    this.#pieces[last][place] = value;
  }

  /** The number at a place in [0, length). */
  at(index: number): number {
    return this.#pieces[index >>> BITS][index & (PIECE - 1)];
  }
}
