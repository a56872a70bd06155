/**
 * Randomness is an address, not a stream. Which number is drawn depends only on where it is used, so a mask is the same
 * on every backend, with any number of threads, for any split of the batch, after a resume, and when it is computed a
 * second time in the backward pass.
 *
 * ## The mapping, in one place
 *
 * Philox4x32-10 (`philox.ts`) is called with
 *
 * | word | meaning |
 * | --- | --- |
 * | key 0, 1 | the seed, low word first: 64 bits |
 * | counter 0, 1 | the element block: `floor(element / 4)`, low word first |
 * | counter 2 | the training step in `train`, the Monte Carlo pass in `sample` |
 * | counter 3 | the site: a hash of the path and label of the draw |
 *
 * and element e uses word `e mod 4` of its block. For a tensor `[batch, ...rest]` the element number is
 * `(sample + row) * size(rest) + position`, where `sample` is the global index of the tensor's first row. Hence:
 *
 * - **Bernoulli**: with `threshold = round(rate * 2^32)`, an element is dropped iff its word is below the threshold.
 *   The resolution of a rate is 2^-32, and the kept values are scaled by `1 / (1 - threshold / 2^32)`, the probability
 *   that is really used, so that the mean has no bias.
 * - **Uniform**: `(floor(word / 2^9) + 1/2) * 2^-23`, in the open interval (0, 1): the odd multiples of 2^-24, exact in
 *   float32, symmetric about 1/2.
 * - **Normal**: the inverse of the normal distribution function at `(word + 1/2) * 2^-32`, in (-6.4, 6.4); see
 *   `reference/normal.ts`.
 *
 * @module
 */
import { OptionError, ThinnedError } from "../errors.ts";
import type { Address } from "../backend/stream.ts";

/** Two sites whose paths hash to one number, so that their masks would be equal. */
export class SiteCollisionError extends ThinnedError {
  override name = "SiteCollisionError";
}

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

/** Samples from one step of a sequence to the next: more than any batch has. */
const STEP_STRIDE = 2 ** 24;

/** The largest rate's threshold: a rate of exactly 1 is decided before any number is drawn. */
const MAX_THRESHOLD = 0xffffffff;

/**
 * The threshold of a rate: an element is dropped iff its word is below it.
 *
 * @param rate the probability of dropping, in [0, 1]
 */
export function rateThreshold(rate: number): number {
  return Math.min(Math.round(rate * 4294967296), MAX_THRESHOLD);
}

/** The probability of keeping that a threshold really gives. */
export function keepProbability(threshold: number): number {
  return (4294967296 - threshold) / 4294967296;
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
  /** Low word of the seed. */
  readonly seedLow: number;
  /** High word of the seed. */
  readonly seedHigh: number;
  /** Where the draw stands: `train/model.3/mask`. */
  readonly path: string;
  /** Training step, or Monte Carlo pass. */
  readonly step: number;
  /** Global index of the first sample (row) that is drawn for. */
  readonly first: number;
  readonly #sites: SiteTable;
  readonly #site: number;

  private constructor(low: number, high: number, path: string, step: number, first: number, sites: SiteTable) {
    this.seedLow = low;
    this.seedHigh = high;
    this.path = path;
    this.step = step;
    this.first = first;
    this.#sites = sites;
    this.#site = sites.hash(path);
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
    return new Key(Number(big & 0xffffffffn), Number(big >> 32n), "", 0, 0, new SiteTable());
  }

  /** The 32-bit site number: counter word 3. */
  get site(): number {
    return this.#site;
  }

  /**
   * The key of another site: `key.at("cell")` is independent of `key.at("hidden")` and of `key` itself.
   *
   * @param label any text without a slash, at least one character
   * @throws {OptionError} for any other label
   */
  at(label: string): Key {
    if (label === "" || label.includes("/")) throw new OptionError("label", "text without a slash", label);
    const path = this.path === "" ? label : `${this.path}/${label}`;
    return new Key(this.seedLow, this.seedHigh, path, this.step, this.first, this.#sites);
  }

  /** The key of the same site in another training step or Monte Carlo pass, a whole number in [0, 2^32). */
  atStep(step: number): Key {
    if (!Number.isInteger(step) || step < 0 || step > 0xffffffff) {
      throw new OptionError("step", "a whole number in [0, 2^32)", step);
    }
    return new Key(this.seedLow, this.seedHigh, this.path, step, this.first, this.#sites);
  }

  /** The key of the same site for rows that begin at the global sample index `first`. */
  sample(first: number): Key {
    if (!Number.isSafeInteger(first) || first < 0) {
      throw new OptionError("sample", "a whole number in [0, 2^53)", first);
    }
    return new Key(this.seedLow, this.seedHigh, this.path, this.step, first, this.#sites);
  }

  /**
   * The key of the same site at another step of a sequence, a whole number in [0, 2^24): each step has draws of its own.
   * It stands 2^24 samples further for each step. A draw that the batch shares says `key.sample(0).later(time)`.
   */
  later(time: number): Key {
    if (!Number.isInteger(time) || time < 0 || time >= 0x1000000) {
      throw new OptionError("time", "a whole number in [0, 2^24)", time);
    }
    return time === 0 ? this : this.sample(this.first + time * STEP_STRIDE);
  }

  /**
   * The address of the numbers for rows of `rowSize` elements each, from this key's first sample on.
   *
   * @param rowSize elements drawn per sample; 0 when one draw is shared by all samples
   * @param offset further elements to skip
   */
  address(rowSize: number, offset = 0): Address {
    const element = this.first * rowSize + offset;
    if (!Number.isSafeInteger(element)) {
      throw new OptionError("sample", "an element number below 2^53", element);
    }
    return Uint32Array.of(
      this.seedLow,
      this.seedHigh,
      element >>> 0,
      Math.floor(element / 4294967296),
      this.step,
      this.#site,
    );
  }
}
