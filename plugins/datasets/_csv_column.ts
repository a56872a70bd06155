/** A column of a table while it is read, and after. @module */
import { Chunked } from "./_chunked.ts";

/** How the cells of a column are taken: `auto` is decided by the first, and `text` takes numbers for words, too. */
export type Reading = "auto" | "number" | "word" | "text";

/** A column of numbers, or of words. */
export interface Column {
  /** Numbers, NaN for a missing one; or for words their places in `words`, -1 for a missing one. */
  readonly values: Chunked<Float64Array> | Chunked<Int32Array>;
  /** The words, in the order in which they came; undefined for numbers. */
  readonly words: readonly string[] | undefined;
}

/** A number as people write it in a table: no hexadecimal, no Infinity, no empty text. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** What is neither a number nor a word. */
const NO_NUMBER = /^[+-]?(nan|inf|infinity)$/i;

/** The number a cell holds, or NaN. */
export function numberOf(cell: string): number {
  const text = cell.trim();
  return NUMBER.test(text) ? Number(text) : NaN;
}

/** Takes up the cells of a column. */
export class ColumnReader {
  readonly #missing: ReadonlySet<string>;
  #reading: Reading;
  #decided = false;
  /** Missing cells before the first that is not. */
  #before = 0;
  #numbers: Chunked<Float64Array> | undefined;
  #codes: Chunked<Int32Array> | undefined;
  readonly #words: string[] = [];
  readonly #places = new Map<string, number>();

  /**
   * @param reading how cells are taken
   * @param missing cells that stand for a missing value; an empty one always does
   */
  constructor(reading: Reading, missing: ReadonlySet<string>) {
    this.#reading = reading;
    this.#missing = missing;
    this.#begin();
  }

  /** The column; undefined when `auto` has met nothing but missing cells. */
  get column(): Column | undefined {
    if (this.#numbers !== undefined) return { values: this.#numbers, words: undefined };
    return this.#codes === undefined ? undefined : { values: this.#codes, words: this.#words };
  }

  /**
   * Takes up a cell.
   *
   * @returns what was expected instead, if it is refused; "missing" for a missing value, which is taken up
   */
  push(
    cell: string,
  ): undefined | "missing" | "a number" | "a word" | "a number as in other rows" | "a word as in other rows" {
    const text = cell.trim();
    if (text === "" || this.#missing.has(text)) {
      if (this.#numbers !== undefined) this.#numbers.push(NaN);
      else if (this.#codes !== undefined) this.#codes.push(-1);
      else this.#before++;
      return "missing";
    }
    const number = this.#reading === "text" ? NaN : numberOf(text);
    if (this.#reading === "auto") {
      if (NO_NUMBER.test(text)) return "a number";
      this.#reading = Number.isNaN(number) ? "word" : "number";
      this.#decided = true;
      this.#begin();
    }
    const others = this.#decided ? " as in other rows" as const : "";
    if (this.#numbers !== undefined) {
      if (!Number.isFinite(Math.fround(number))) return `a number${others}`;
      this.#numbers.push(number);
    } else {
      if (!Number.isNaN(number)) return `a word${others}`;
      this.#codes!.push(this.#place(text));
    }
    return undefined;
  }

  #begin(): void {
    if (this.#reading === "auto") return;
    if (this.#reading === "number") {
      this.#numbers = new Chunked((length) => new Float64Array(length));
      for (let i = 0; i < this.#before; i++) this.#numbers.push(NaN);
    } else {
      this.#codes = new Chunked((length) => new Int32Array(length));
      for (let i = 0; i < this.#before; i++) this.#codes.push(-1);
    }
  }

  #place(word: string): number {
    const known = this.#places.get(word);
    if (known !== undefined) return known;
    this.#places.set(word, this.#words.length);
    return this.#words.push(word) - 1;
  }
}
