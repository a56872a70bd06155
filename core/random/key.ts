/**
 * Randomness is an address, not a stream. Which number is drawn depends only on where it is used, so a mask is the same
 * on every backend, with any number of threads, for any split or gathering of the batch, for any number of passes that are
 * run at once, after a resume, and when it is computed a second time in the backward pass.
 *
 * ## The mapping, in one place
 *
 * Philox4x32-10 (`philox.ts`) is called with the seed as its key (64 bits, low word first) and a counter of 128 bits:
 *
 * | bits | width | meaning |
 * | --- | --- | --- |
 * | 0-25 | 26 | the block in the example's row: 2^28 words, or 2^29 decisions of 16 bits |
 * | 26-39 | 14 | the pass: further passes of one step, Monte Carlo passes |
 * | 40-63 | 24 | the sample: the example's global index within its step |
 * | 64-95 | 32 | the training step |
 * | 96-127 | 32 | the site: a hash of the path of the layer and the label of the draw |
 *
 * Counter words 0 and 1 are thus the number `block + 2^26 pass + 2^40 sample`, word 2 is the step and word 3 the site.
 *
 * A draw fills a tensor `[rows, ...rest]`. Row r is an example; what sample, pass and step it is says `Rows`. Element j of
 * a row stands at position `p = time * size(rest) + j`, where `time` is the step of a sequence, 0 where there is none. A
 * weight is one row, of sample 0; so is what a batch shares.
 *
 * - **Words**: position p has word `p mod 4` of block `floor(p / 4)`.
 * - **Decisions** (Bernoulli): a rate in [2^-8, 1 - 2^-8] is rounded to `t / 2^16`; position p has half-word `p mod 8` of
 *   block `floor(p / 8)`, the low half of each word first, and is dropped iff it is below t. A rate outside is rounded to
 *   `t / 2^32` and compared with the position's word. Kept values are scaled by the keep probability that t really gives, so
 *   the mean has no bias. Rates of exactly 0 and 1 are decided before any number is drawn.
 * - **Uniform**: `(floor(word / 2^9) + 1/2) * 2^-23`, in the open interval (0, 1): the odd multiples of 2^-24, exact in
 *   float32, symmetric about 1/2.
 * - **Normal**: the inverse of the normal distribution function at `(word + 1/2) * 2^-32`, in (-6.4, 6.4).
 *
 * @module
 */
import { type DrawAddress, rowPositions } from "../backend/draw.ts";
import { OptionError, ThinnedError } from "../errors.ts";
import { Rows } from "./rows.ts";

/** Two sites whose paths hash to one number, so that their masks would be equal. */
export class SiteCollisionError extends ThinnedError {}

/** 32-bit hash of a site's path: FNV-1a over its UTF-16 code units, finished with MurmurHash3's mixer. */
export function siteHash(path: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}

/** The sites of one root key, so that two paths with one hash are refused instead of sharing masks. */
class SiteTable {
  readonly #hashes = new Map<string, number>();
  readonly #paths = new Map<number, string>();

  hash(path: string): number {
    let hash = this.#hashes.get(path);
    if (hash === undefined) {
      hash = siteHash(path);
      const other = this.#paths.get(hash);
      if (other !== undefined) {
        throw new SiteCollisionError(
          `Random sites ${JSON.stringify(other)} and ${JSON.stringify(path)} hash to one number; rename one of them.`,
        );
      }
      this.#hashes.set(path, hash);
      this.#paths.set(hash, path);
    }
    return hash;
  }
}

/** A decision of 2^-16 lies between these thresholds, of 2^-32 outside them: rates of 2^-8 and 1 - 2^-8. */
const COARSE = [2 ** 24, 2 ** 32 - 2 ** 24] as const;

/** Bits that a decision takes: 16 for ordinary thresholds, 32 for those within 2^-8 of 0 or 1. */
export function decisionBits(threshold: number): 16 | 32 {
  return threshold >= COARSE[0] && threshold <= COARSE[1] ? 16 : 32;
}

/**
 * The threshold of a rate in units of 2^-32, of which a decision of 16 bits uses the upper half: see the mapping.
 *
 * @param rate the probability of dropping, in [0, 1]; 1 is decided before any number is drawn
 */
export function rateThreshold(rate: number): number {
  const fine = Math.min(Math.round(rate * 4294967296), 0xffffffff);
  return decisionBits(fine) === 32 ? fine : Math.round(rate * 65536) * 65536;
}

/** The probability of keeping that a threshold really gives. */
export function keepProbability(threshold: number): number {
  return (4294967296 - threshold) / 4294967296;
}

/** What a key is made of, beside its path. */
interface Parts {
  readonly low: number;
  readonly high: number;
  readonly sites: SiteTable;
  readonly rows: Rows;
  readonly time: number;
  readonly whole: boolean;
}

/**
 * An address from which random numbers are drawn. Keys are immutable: each method returns another key. A draw takes a
 * key as an argument, and the same key always gives the same bits.
 *
 * @example
 * ```ts
 * import { Key, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const key = Key.seed(1).at("my experiment");
 * const whole = Tensor.uniform([4, 3], key);
 * const second = Tensor.uniform([2, 3], key.sample(2)); // rows 2 and 3 of the same batch
 * assertEquals(whole.slice([2, 0], [4, 3]).toArray(), second.toArray());
 * ```
 */
export class Key {
  /** Where the draw stands: `train/model.3/mask`. */
  readonly path: string;
  /** What sample, pass and step each row of a draw is. */
  readonly rows: Rows;
  /** Step of a sequence; 0 where there is none. */
  readonly time: number;
  /** Whether a draw has no batch axis: all of it is one row, as for a weight. */
  readonly isWhole: boolean;
  readonly #parts: Parts;
  readonly #header: Uint32Array<ArrayBuffer>;

  private constructor(path: string, parts: Parts, header?: Uint32Array<ArrayBuffer>) {
    this.path = path;
    this.rows = parts.rows;
    this.time = parts.time;
    this.isWhole = parts.whole;
    this.#parts = parts;
    this.#header = header ?? Uint32Array.of(parts.low, parts.high, parts.sites.hash(path));
  }

  #with(parts: Parts): Key {
    return new Key(this.path, parts, this.#header);
  }

  /**
   * The root key of a seed.
   *
   * @param seed a whole number in [0, 2^53), or a bigint in [0, 2^64)
   * @throws {OptionError} for any other seed
   */
  static seed(seed: number | bigint): Key {
    if (typeof seed === "bigint" ? seed < 0n || seed >= 1n << 64n : !Number.isSafeInteger(seed) || seed < 0) {
      throw new OptionError("seed", "a whole number in [0, 2^53), or a bigint in [0, 2^64)", seed);
    }
    const big = BigInt(seed);
    const [low, high] = [Number(big & 0xffffffffn), Number(big >> 32n)];
    return new Key("", { low, high, sites: new SiteTable(), rows: Rows.range(), time: 0, whole: false });
  }

  /** Low word of the seed. */
  get seedLow(): number {
    return this.#parts.low;
  }

  /** High word of the seed. */
  get seedHigh(): number {
    return this.#parts.high;
  }

  /** The 32-bit site number: counter word 3. */
  get site(): number {
    return this.#header[2];
  }

  /** The first row's training step. */
  get step(): number {
    return this.rows.first.step;
  }

  /** The first row's pass. */
  get pass(): number {
    return this.rows.first.pass;
  }

  /** The first row's sample. */
  get first(): number {
    return this.rows.first.sample;
  }

  /**
   * The key of another site: `key.at("cell")` is independent of `key.at("hidden")` and of `key` itself.
   *
   * @param label any text without a slash, at least one character
   * @throws {OptionError} for any other label
   */
  at(label: string): Key {
    if (label === "" || label.includes("/")) throw new OptionError("label", "text without a slash", label);
    return new Key(this.path === "" ? label : `${this.path}/${label}`, this.#parts);
  }

  /** The key of the same site in another training step, a whole number in [0, 2^32). */
  atStep(step: number): Key {
    return this.#with({ ...this.#parts, rows: this.rows.atStep(step) });
  }

  /** The key of the same site in another pass of the step, a whole number in [0, 2^14). */
  atPass(pass: number): Key {
    return this.#with({ ...this.#parts, rows: this.rows.atPass(pass) });
  }

  /**
   * The key of the same site for rows that begin at the global sample index `first`, a whole number in [0, 2^24), and
   * follow each other.
   *
   * @throws {OptionError} when this key's rows belong to several passes or steps, of which none is the range's
   */
  sample(first: number): Key {
    const common = this.rows.common;
    if (common === undefined) {
      throw new OptionError("sample", "rows of one pass and step; shared() is what a batch of several shares", first);
    }
    return this.#with({ ...this.#parts, rows: Rows.range({ first, ...common }) });
  }

  /** The key of the same site for other rows. */
  withRows(rows: Rows): Key {
    return this.#with({ ...this.#parts, rows });
  }

  /** The key of a draw that the whole batch shares: each row has sample 0, and its own pass and step. */
  shared(): Key {
    return this.#with({ ...this.#parts, rows: this.rows.shared() });
  }

  /** The key of a draw that each `size` consecutive examples share. */
  grouped(size: number): Key {
    return this.#with({ ...this.#parts, rows: this.rows.grouped(size) });
  }

  /** The key of a draw without a batch axis, as for a weight: all of it is one row, of sample 0. */
  whole(): Key {
    return this.#with({ ...this.#parts, whole: true, rows: this.rows.shared() });
  }

  /**
   * The key of the same site at another step of a sequence: each has draws of its own, which stand behind each other in the
   * example's row. So draws at different times must have rows of the same size.
   *
   * @param time a whole number in [0, 2^29)
   * @throws {OptionError} for any other number
   */
  later(time: number): Key {
    if (!Number.isInteger(time) || time < 0 || time >= 2 ** 29) {
      throw new OptionError("time", "a whole number in [0, 2^29)", time);
    }
    return time === this.time ? this : this.#with({ ...this.#parts, time });
  }

  /**
   * Where the numbers of a draw `[rows, cols]` lie; for kernels.
   *
   * @param bits what one number takes: 32, or 16 for an ordinary decision
   * @throws {OptionError} when the draw has other rows than this key, or a row does not fit into its 2^26 blocks
   */
  draw(rows: number, cols: number, bits: 16 | 32 = 32): DrawAddress {
    const offset = this.time * cols;
    const most = rowPositions(bits);
    if (offset + cols > most) {
      throw new OptionError(
        `a draw at ${JSON.stringify(this.path)}`,
        `at most ${most} numbers in an example's row`,
        offset + cols,
      );
    }
    return { header: this.#header, table: this.rows.table(rows, this.isWhole), offset };
  }
}
