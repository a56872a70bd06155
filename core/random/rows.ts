/**
 * Which example, pass and step each row of a draw belongs to. Usually a batch is a plain range: row r is example
 * `first + r` of one step. But rows may be gathered, split over processes, or belong to different passes of one batch; a
 * table then says of each row what it is, and its random numbers are the same wherever it stands.
 *
 * @module
 */
import { OptionError } from "../errors.ts";

/** What a row of a batch is, and so where its random numbers lie. */
export interface RowAddress {
  /** Global index of the example within its step, a whole number in [0, 2^24). */
  readonly sample: number;
  /** Training step, a whole number in [0, 2^32). Default 0. */
  readonly step?: number;
  /** Further pass of the step, or Monte Carlo pass, a whole number in [0, 2^14). Default 0. */
  readonly pass?: number;
}

/** One more than the largest sample, pass and step: the widths that the counter gives them. */
const limits = { sample: 2 ** 24, pass: 2 ** 14, step: 2 ** 32 } as const;

function check(what: keyof typeof limits, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < limits[what]) return value;
  throw new OptionError(what, `a whole number in [0, 2^${Math.log2(limits[what])})`, value);
}

/**
 * Told when somebody looks at what rows are, as a draw does. `alone`: it took rows to be of one pass and step, as a draw
 * without a batch axis does.
 */
export type RowsWatch = (alone: boolean) => void;

/** The table before anybody has asked for one: most rows never draw, and a typed array costs much. */
const noTable = new Uint32Array(0);

const nobody: Required<RowAddress> = { sample: 0, step: 0, pass: 0 };

/** Who shares a row's numbers: nobody, `groups` of so many consecutive samples, or all (Infinity). */
type Group = number;

/**
 * The rows of a draw: immutable.
 *
 * @example
 * ```ts
 * import { Key, Rows, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const key = Key.seed(1).at("mask");
 * const whole = Tensor.uniform([4, 3], key.withRows(Rows.range({ first: 0, step: 7 })));
 * const some = Tensor.uniform([2, 3], key.withRows(Rows.of([{ sample: 3, step: 7 }, { sample: 1, step: 7 }])));
 * const rows = whole.toArray() as number[][];
 * assertEquals(some.toArray(), [rows[3], rows[1]]);
 * ```
 */
export class Rows {
  /** Number of rows; null for a range, which goes on for as long as it is asked. */
  readonly count: number | null;
  readonly #entries: readonly Required<RowAddress>[];
  readonly #group: Group;
  #table: Uint32Array<ArrayBuffer> = noTable;
  #shared: Rows | undefined;
  readonly #watch: RowsWatch | undefined;

  private constructor(
    entries: readonly Required<RowAddress>[],
    count: number | null,
    group: Group,
    watch?: RowsWatch,
  ) {
    this.#entries = entries;
    this.count = count;
    this.#group = group;
    this.#watch = watch;
  }

  /**
   * Consecutive examples of one pass and step.
   *
   * @throws {OptionError} for a number outside its range
   */
  static range(from: { first?: number; step?: number; pass?: number } = {}): Rows {
    const sample = check("sample", from.first ?? 0);
    return new Rows([{ sample, step: check("step", from.step ?? 0), pass: check("pass", from.pass ?? 0) }], null, 1);
  }

  /**
   * Rows one by one, in any order.
   *
   * @throws {OptionError} for a number outside its range
   */
  static of(rows: readonly RowAddress[]): Rows {
    const entries = rows.map(({ sample, step = 0, pass = 0 }) => ({
      sample: check("sample", sample),
      step: check("step", step),
      pass: check("pass", pass),
    }));
    return new Rows(entries, entries.length, 1);
  }

  /** The same rows; these, and all that are made of them, tell whenever somebody looks at what they are. */
  watched(watch: RowsWatch): Rows {
    return new Rows(this.#entries, this.count, this.#group, watch);
  }

  /** The first of these rows in several passes, one pass behind the other: `count` rows for each, from one pass to another. */
  inPasses(count: number, from: number, to: number): Rows {
    const entries = [];
    for (let pass = from; pass < to; pass++) {
      check("pass", pass);
      for (let row = 0; row < count; row++) {
        const { sample, step } = this.#entryOf(row);
        entries.push({ sample: check("sample", sample), step, pass });
      }
    }
    return new Rows(entries, entries.length, this.#group);
  }

  /** What the first row is, for who takes it for what all rows are; zeros where there is none. */
  get first(): Required<RowAddress> {
    this.#watch?.(true);
    return this.count === 0 ? { sample: 0, step: 0, pass: 0 } : this.#at(0);
  }

  /** What row r is. */
  at(row: number): Required<RowAddress> {
    this.#watch?.(false);
    return this.#at(row);
  }

  #at(row: number): Required<RowAddress> {
    if (this.count === null) {
      const { sample, step, pass } = this.#entries[0];
      return { sample: this.#sampleOf(check("sample", sample + row)), step, pass };
    }
    const entry = this.#entries[row];
    if (entry === undefined) throw new OptionError("row", `a row in [0, ${this.count})`, row);
    return { ...entry, sample: this.#sampleOf(entry.sample) };
  }

  #sampleOf(sample: number): number {
    return this.#group === 1 ? sample : this.#group === Infinity ? 0 : Math.floor(sample / this.#group);
  }

  /** The same rows in another order, some of them left out or repeated. */
  gather(index: ArrayLike<number>): Rows {
    const entries = Array.from(index, (row) => this.#entryOf(row));
    return new Rows(entries, entries.length, this.#group, this.#watch);
  }

  #entryOf(row: number): Required<RowAddress> {
    if (this.count !== null) return this.#entries[row];
    const [{ sample, step, pass }] = this.#entries;
    return { sample: sample + row, step, pass };
  }

  /** These rows as if they shared one example's numbers: what the whole batch shares. Steps and passes stay. */
  shared(): Rows {
    return this.grouped(Infinity);
  }

  /**
   * These rows with one example's numbers for each `size` consecutive samples: 0 to size - 1, and so on. Of rows that are
   * grouped already, `size` consecutive groups become one; what all rows share stays shared.
   */
  grouped(size: number): Rows {
    if (size === 1) return this;
    if (size !== Infinity && !(Number.isSafeInteger(size) && size >= 1)) {
      throw new OptionError("group", "a whole number of at least 1", size);
    }
    if (size === Infinity) return this.#shared ??= new Rows(this.#entries, this.count, size, this.#watch);
    return new Rows(this.#entries, this.count, this.#group * size, this.#watch);
  }

  /** The pass and step that all rows have; undefined where they differ. */
  get common(): { readonly pass: number; readonly step: number } | undefined {
    this.#watch?.(true);
    return this.#common;
  }

  get #common(): { readonly pass: number; readonly step: number } | undefined {
    const [first] = this.#entries;
    if (first === undefined) return { pass: 0, step: 0 };
    const { pass, step } = first;
    return this.#entries.every((entry) => entry.pass === pass && entry.step === step) ? { pass, step } : undefined;
  }

  /** Whether all rows have the same numbers, since the batch shares them and is of one pass and step. */
  get alike(): boolean {
    this.#watch?.(false);
    return this.#alike;
  }

  get #alike(): boolean {
    return this.#group === Infinity && this.#common !== undefined;
  }

  /**
   * Three words for each of `count` rows: counter words 0 and 1 with block 0, and the step. It may be longer, and belongs to
   * these rows: read it, do not write.
   *
   * @param whole whether the draw has no batch axis: one row stands for all
   * @throws {OptionError} when these rows are not `count`, or a range would leave [0, 2^24)
   */
  table(count: number, whole = false): Uint32Array<ArrayBuffer> {
    this.#watch?.(whole);
    if (this.count !== null && this.count !== count && !(this.#alike && count <= 1)) {
      throw new OptionError("rows", `a draw for ${this.count} rows, as this key's table has`, count);
    }
    if (this.#table.length < 3 * count) {
      const table = new Uint32Array(3 * count);
      // The last row of a range is the first to leave what a sample may be.
      if (this.count === null) check("sample", this.#entries[0].sample + count - 1);
      for (let row = 0; row < count; row++) {
        // A batch without examples has no row to tell its step; what it shares is drawn, and used by nobody.
        const { sample, step, pass } = this.count === 0 ? nobody : this.#entries[this.count === null ? 0 : row];
        const own = this.#sampleOf(this.count === null ? sample + row : sample);
        // block + 2^26 pass + 2^40 sample, in two words.
        table[3 * row] = (pass & 0x3f) * 0x4000000;
        table[3 * row + 1] = (pass >>> 6) + own * 0x100;
        table[3 * row + 2] = step;
      }
      this.#table = table;
    }
    return this.#table;
  }

  /** These rows at another step. */
  atStep(step: number): Rows {
    check("step", step);
    return new Rows(this.#entries.map((entry) => ({ ...entry, step })), this.count, this.#group, this.#watch);
  }

  /** These rows in another pass. */
  atPass(pass: number): Rows {
    check("pass", pass);
    return new Rows(this.#entries.map((entry) => ({ ...entry, pass })), this.count, this.#group, this.#watch);
  }
}
