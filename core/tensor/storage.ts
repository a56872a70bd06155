/**
 * Where numbers live. A training step opens a scope: buffers made inside it come from a pool and go back to it when the
 * step ends, so a step in steady state allocates nothing and nobody frees by hand. Outside a scope buffers are ordinary
 * arrays that the garbage collector owns.
 *
 * A tensor whose buffer has gone back to the pool cannot be read any more: it throws, and never shows another tensor's
 * numbers.
 *
 * @module
 */
import type { Floats, Ints } from "../backend/backend.ts";
import { RecycledError } from "../errors.ts";

/** The element types: two for numbers with gradients, one for labels and indices. */
export type DType = "float32" | "float64" | "int32";

/** Any array that backs a tensor. */
export type AnyArray = Floats | Ints;

let serial = 0;

/** One buffer, shared by all tensors that are views of it. */
export class Storage {
  /** Grows with every buffer made; tells which of two is younger. */
  readonly serial: number = ++serial;
  /** Whether the buffer was made here, so that nobody holds it but tensors; false for an array given by the caller. */
  readonly allocated: boolean;
  #array: AnyArray | null;

  constructor(array: AnyArray, allocated = false) {
    this.#array = array;
    this.allocated = allocated;
  }

  /** The numbers. Throws {@linkcode RecycledError} once the buffer has gone back to the pool. */
  get array(): AnyArray {
    if (this.#array === null) {
      throw new RecycledError(
        "This tensor was made inside a training step that has ended, and its buffer is in use again; " +
          "call keep() on it inside the step.",
      );
    }
    return this.#array;
  }

  /** Whether the buffer has gone back to the pool. */
  get recycled(): boolean {
    return this.#array === null;
  }

  /** Takes the buffer away. */
  surrender(): AnyArray | null {
    const array = this.#array;
    this.#array = null;
    return array;
  }
}

/** The serial number of the youngest buffer. */
export function latestSerial(): number {
  return serial;
}

/** How the pool is doing. */
export interface PoolStatistics {
  /** Buffers newly allocated inside scopes since the program began. */
  readonly allocated: number;
  /** Requests served from the pool since the program began. */
  readonly reused: number;
  /** Bytes that lie in the pool now. */
  readonly freeBytes: number;
}

/** The pool keeps at most this many bytes for later; more is left to the garbage collector. */
const MAX_FREE_BYTES = 4 * 2 ** 30;

const shelves: Record<DType, Map<number, AnyArray[]>> = {
  float32: new Map(),
  float64: new Map(),
  int32: new Map(),
};
let allocated = 0;
let reused = 0;
let freeBytes = 0;

/** Storage made in each open scope, the innermost last. */
const scopes: Set<Storage>[] = [];

function newArray(dtype: DType, size: number): AnyArray {
  if (dtype === "float32") return new Float32Array(size);
  return dtype === "float64" ? new Float64Array(size) : new Int32Array(size);
}

function dtypeOfArray(array: AnyArray): DType {
  if (array instanceof Float32Array) return "float32";
  return array instanceof Float64Array ? "float64" : "int32";
}

/** A buffer with unspecified content: from the pool inside a scope, new (and zero) outside. */
export function allocate(dtype: DType, size: number): Storage {
  const scope = scopes.at(-1);
  if (scope === undefined) return new Storage(newArray(dtype, size), true);
  const array = shelves[dtype].get(size)?.pop();
  let storage: Storage;
  if (array === undefined) {
    allocated++;
    storage = new Storage(newArray(dtype, size), true);
  } else {
    reused++;
    freeBytes -= array.byteLength;
    storage = new Storage(array, true);
  }
  scope.add(storage);
  return storage;
}

/** Gives a buffer of the innermost scope back before the scope ends. All others are left alone. */
export function release(storage: Storage): void {
  if (scopes.at(-1)?.delete(storage) !== true) return;
  const array = storage.surrender();
  if (array === null || freeBytes + array.byteLength > MAX_FREE_BYTES) return;
  const shelf = shelves[dtypeOfArray(array)];
  const list = shelf.get(array.length);
  if (list === undefined) shelf.set(array.length, [array]);
  else list.push(array);
  freeBytes += array.byteLength;
}

/** Takes a buffer out of its scope: it lasts as long as somebody refers to it. */
export function keepStorage(storage: Storage): void {
  for (const scope of scopes) scope.delete(storage);
}

/**
 * Runs `body`, which must not be asynchronous, and then gives every buffer made inside back to the pool, but for those
 * that were kept. Scopes nest.
 */
export function recycling<T>(body: () => T): T {
  const scope = new Set<Storage>();
  scopes.push(scope);
  try {
    return body();
  } finally {
    for (const storage of scope) release(storage);
    scopes.pop();
  }
}

/** Counts of what the pool has done. */
export function poolStatistics(): PoolStatistics {
  return { allocated, reused, freeBytes };
}
