/**
 * Buffers that are used again. A request is rounded up to a size class, so that a sequence a little longer than the last
 * one finds its buffers too; a block hands out a view of the length asked for.
 *
 * What lies here is bounded by what is needed: a round (a training step) works on a set of blocks, and the pool holds at
 * most twice the largest working set of late. Beyond that, the blocks that have not been used for longest are given
 * back, but never one that the round at hand has used: a round that does the same as the one before finds all its
 * blocks.
 *
 * @module
 */
import type { Backend, Floats, Ints } from "../backend/backend.ts";
import { ThinnedError } from "../errors.ts";

/** The element types: two for numbers with gradients, one for labels and indices. */
export type DType = "float32" | "float64" | "int32";

/** Any array that backs a tensor. */
export type AnyArray = Floats | Ints;

/** Where buffers come from and go back to. */
export interface BufferSource {
  /** A buffer of that many elements, all zero. */
  allocate(dtype: DType, length: number): AnyArray;
  /** Takes a buffer back that nobody reads any more. */
  free(array: AnyArray): void;
}

/** A buffer of the pool. */
export interface Block {
  /** All of it. */
  readonly whole: AnyArray;
  /** Its length in bytes. */
  readonly bytes: number;
  /** Its beginning, as long as was last asked for. */
  view: AnyArray;
  /** The round that it was last used in. */
  round: number;
  /** Where it came from. */
  readonly source: BufferSource;
}

/** How a pool is doing. */
export interface PoolStatistics {
  /** Buffers newly allocated inside scopes since the program began. */
  readonly allocated: number;
  /** Requests served from the pool since the program began. */
  readonly reused: number;
  /** Bytes that lie in the pool now. */
  readonly freeBytes: number;
  /** Bytes that lie in the pool or are in use by a scope now; buffers that were kept are no more among them. */
  readonly heldBytes: number;
  /** The largest number of bytes that one scope has worked on of late; at most twice as many are held. */
  readonly highWater: number;
  /** Bytes that the last scope has worked on, or, inside of one, that this one has so far; without buffers that were kept. */
  readonly workingBytes: number;
}

/** Held bytes are at most this many times the high-water mark: room for two kinds of rounds that take turns. */
const ROOM = 2;

/** The share of its distance to a round's working set that the high-water mark sinks by after each. */
const EBB = 1 / 32;

/** Size classes to an octave: a block is less than a quarter longer than what was asked for. */
const CLASSES = 4;

/** The number of elements that a request is rounded up to. */
export function capacityFor(size: number): number {
  const octave = size < 2 ** 31 ? 1 << 31 - Math.clz32(size) : 2 ** Math.floor(Math.log2(size));
  const step = Math.max(1, octave / CLASSES);
  return Math.ceil(size / step) * step;
}

/**
 * Buffers of a backend; float64 is computed by the reference, in ordinary arrays. Memory that belongs to one buffer alone
 * is given back at once rather than when the garbage collector comes.
 */
export function buffersOf(backend: Pick<Backend, "allocate">): BufferSource {
  return {
    allocate(dtype, length) {
      try {
        return dtype === "float64" ? new Float64Array(length) : backend.allocate(dtype, length);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new ThinnedError(`Allocating a buffer for ${length} numbers of type ${dtype} failed: ${error.message}.`);
      }
    },
    free({ buffer, byteLength }) {
      if (!buffer.detached && byteLength === buffer.byteLength) buffer.transfer(0);
    },
  };
}

/** The first `length` elements of an array, over the same memory. */
function beginning(whole: AnyArray, length: number): AnyArray {
  if (whole.length === length) return whole;
  const { buffer, byteOffset } = whole;
  if (whole instanceof Float32Array) return new Float32Array(buffer, byteOffset, length);
  return whole instanceof Float64Array
    ? new Float64Array(buffer, byteOffset, length)
    : new Int32Array(buffer, byteOffset, length);
}

/** A pool of buffers of all types and sizes. */
export class Pool {
  /** Free blocks of each class, those that were used last on top. */
  readonly #shelves: Record<DType, Map<number, Block[]>> = { float32: new Map(), float64: new Map(), int32: new Map() };
  #source: BufferSource;
  #round = 0;
  #working = 0;
  #highWater = 0;
  #free = 0;
  #held = 0;
  #allocated = 0;
  #reused = 0;

  /** @param source where buffers come from */
  constructor(source: BufferSource) {
    this.#source = source;
  }

  /** Counts of what it has done. */
  statistics(): PoolStatistics {
    return {
      allocated: this.#allocated,
      reused: this.#reused,
      freeBytes: this.#free,
      heldBytes: this.#held,
      highWater: this.#highWater,
      workingBytes: this.#working,
    };
  }

  /** Buffers come from here from now on; those of another source go back there when they are free. */
  use(source: BufferSource): void {
    if (source === this.#source) return;
    this.#source = source;
    for (const shelves of Object.values(this.#shelves)) {
      for (const shelf of shelves.values()) for (const block of shelf) this.#discard(block);
      shelves.clear();
    }
  }

  /** A round begins. */
  begin(): void {
    this.#round++;
    this.#working = 0;
  }

  /** A round has ended: gives back what is held above the limit. */
  end(): void {
    this.#highWater = Math.max(this.#working, this.#highWater - EBB * (this.#highWater - this.#working));
    this.#shrink(ROOM * this.#highWater);
  }

  /** A block for `size` elements with unspecified content, whose `view` is as long as that. */
  take(dtype: DType, size: number): Block {
    const capacity = capacityFor(size);
    let block = this.#shelves[dtype].get(capacity)?.pop();
    if (block !== undefined) {
      this.#reused++;
      this.#free -= block.bytes;
      if (block.view.length !== size) block.view = beginning(block.whole, size);
    } else {
      const bytes = capacity * (dtype === "float64" ? 8 : 4);
      this.#shrink(Math.max(ROOM * this.#highWater - bytes, this.#working));
      const whole = this.#source.allocate(dtype, capacity);
      block = { whole, bytes, view: beginning(whole, size), round: -1, source: this.#source };
      this.#allocated++;
      this.#held += bytes;
    }
    if (block.round !== this.#round) {
      block.round = this.#round;
      this.#working += block.bytes;
    }
    return block;
  }

  /** A block that nobody reads any more. */
  give(block: Block): void {
    this.#free += block.bytes;
    const { whole } = block;
    // An array that somebody has transferred is of no use any more.
    if (block.source !== this.#source || whole.byteLength !== block.bytes) return this.#discard(block);
    const dtype = whole instanceof Float32Array ? "float32" : whole instanceof Float64Array ? "float64" : "int32";
    const shelf = this.#shelves[dtype].get(whole.length);
    if (shelf === undefined) this.#shelves[dtype].set(whole.length, [block]);
    else shelf.push(block);
  }

  /** A block that stays with those who read it, until the garbage collector finds that nobody does. */
  part(block: Block): void {
    this.#held -= block.bytes;
    if (block.round === this.#round) this.#working -= block.bytes;
  }

  /** Gives back free blocks, the longest unused first, until at most `limit` bytes are held. */
  #shrink(limit: number): void {
    while (this.#held > limit) {
      let oldest: Block[] | undefined;
      for (const shelves of Object.values(this.#shelves)) {
        for (const shelf of shelves.values()) {
          // What was used last lies on top, so the first is the oldest of its class.
          if (shelf.length > 0 && (oldest === undefined || shelf[0].round < oldest[0].round)) oldest = shelf;
        }
      }
      // What is held beyond this round's working set lies free, so there is one, and it is of an earlier round.
      if (oldest === undefined) return;
      this.#discard(oldest.shift()!);
    }
  }

  #discard(block: Block): void {
    this.#free -= block.bytes;
    this.#held -= block.bytes;
    block.source.free(block.whole);
  }
}
