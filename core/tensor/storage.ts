/**
 * Where numbers live. A training step opens a scope: buffers made inside it come from a pool and go back to it when the
 * step ends, so a step in steady state allocates nothing and nobody frees by hand. Outside a scope buffers are owned by
 * the garbage collector.
 *
 * A tensor whose buffer has gone back to the pool cannot be read any more: it throws, and never shows another tensor's
 * numbers.
 *
 * An array is read from its storage when it is needed and not held across anything that allocates: a backend's memory
 * may grow, and its buffers move.
 *
 * @module
 */
import { RecycledError, ThinnedError } from "../errors.ts";
import { currentBackend } from "../backend/backend.ts";
import { type AnyArray, type Block, buffersOf, type DType, Pool } from "./pool.ts";
import type { PoolStatistics } from "./pool.ts";

export type { AnyArray, DType, PoolStatistics };

let serial = 0;

/** Numbers that are computed when they are first looked at, from storages that hold still until then. */
export interface Deferred {
  /** What they are computed from. */
  readonly from: readonly Storage[];
  /** Writes them. */
  fill(array: AnyArray): void;
}

/** One buffer, shared by all tensors that are views of it. */
export class Storage {
  /** Grows with every buffer made; tells which of two is younger. */
  readonly serial: number = ++serial;
  /** Whether the buffer was made here, so that only tensors hold it; false for an array that somebody handed over. */
  readonly allocated: boolean;
  readonly #length: number;
  #array: AnyArray | null;
  #block: Block | null = null;
  #deferred: Deferred | null = null;
  /** Storages whose deferred numbers are computed from these. */
  #readers: Set<Storage> | null = null;

  /**
   * A storage of an array.
   *
   * @param array the numbers; null for deferred ones
   * @param allocated whether nobody else holds them
   * @param length how many they are
   */
  constructor(array: AnyArray | null, allocated = false, length: number = array!.length) {
    this.#array = array;
    this.#length = length;
    this.allocated = allocated;
  }

  /** A storage whose numbers are computed when they are first looked at. */
  static deferred(length: number, deferred: Deferred): Storage {
    const storage = new Storage(null, true, length);
    storage.#deferred = deferred;
    for (const source of deferred.from) (source.#readers ??= new Set()).add(storage);
    return storage;
  }

  /** A storage on a block of the pool. */
  static on(block: Block): Storage {
    const storage = new Storage(block.view, true);
    storage.#block = block;
    return storage;
  }

  /**
   * The numbers.
   *
   * @throws {RecycledError} once the buffer has gone back to the pool
   * @throws {ThinnedError} when the array was handed over and has been transferred since
   */
  get array(): AnyArray {
    const array = this.#array;
    if (array === null) {
      if (this.#deferred !== null) return this.#compute(this.#deferred);
      throw new RecycledError(
        "This tensor was made inside a training step that has ended, and its buffer is in use again; " +
          "call keep() on it inside the step.",
      );
    }
    // A detached array has no elements.
    if (array.length !== this.#length) {
      throw new ThinnedError(
        "This tensor's numbers are gone: the array that it was made from has been transferred; make it from a copy.",
      );
    }
    return array;
  }

  /** What the numbers will be computed from, until they have been. */
  get pending(): Deferred | null {
    return this.#deferred;
  }

  /** Whether numbers that have not been computed yet depend on these. */
  get isRead(): boolean {
    return this.#readers !== null && this.#readers.size > 0;
  }

  /** Computes all numbers that depend on these, before these change. */
  beforeWrite(): void {
    if (this.#readers !== null) { for (const reader of [...this.#readers]) void reader.array; }
  }

  #compute(deferred: Deferred): AnyArray {
    useCurrentBackend();
    const block = pool.take("float32", this.#length);
    deferred.fill(block.view);
    this.forget();
    this.#block = block;
    return this.#array = block.view;
  }

  /** Gives numbers up that have not been computed: nothing can be read any more. */
  forget(): void {
    for (const source of this.#deferred?.from ?? []) source.#readers!.delete(this);
    this.#deferred = null;
  }

  /** Whether the buffer has gone back to the pool. */
  get recycled(): boolean {
    return this.#array === null && this.#deferred === null;
  }

  /** Whether the array was handed over and has been transferred since. */
  get detached(): boolean {
    return this.#array !== null && this.#array.length !== this.#length;
  }

  /** Takes the buffer away: nothing can be read any more. Gives its block of the pool, if it has one. */
  surrender(): Block | null {
    const block = this.#block;
    this.#array = this.#block = null;
    return block;
  }

  /** Parts the buffer from the pool: it is now the garbage collector's. Gives the block it had, if it had one. */
  part(): Block | null {
    const block = this.#block;
    this.#block = null;
    return block;
  }
}

/** The serial number of the youngest buffer. */
export function latestSerial(): number {
  return serial;
}

let backend = currentBackend();
let source = buffersOf(backend);
const pool = new Pool(source);

/** Storage made in each open scope, the innermost last. */
const scopes: Set<Storage>[] = [];

/** From now on buffers come from the backend that computes. */
function useCurrentBackend(): void {
  if (backend === currentBackend()) return;
  backend = currentBackend();
  source = buffersOf(backend);
  pool.use(source);
}

/** A buffer of the current backend with unspecified content: from the pool inside a scope, new (and zero) outside. */
export function allocate(dtype: DType, size: number): Storage {
  useCurrentBackend();
  const scope = scopes.at(-1);
  if (scope === undefined) return new Storage(source.allocate(dtype, size), true);
  const storage = Storage.on(pool.take(dtype, size));
  scope.add(storage);
  return storage;
}

/** Whether buffers come from the pool now. */
export function isRecycling(): boolean {
  return scopes.length > 0;
}

/** A buffer of float32 numbers, inside a scope, that are computed when they are first looked at. */
export function defer(size: number, deferred: Deferred): Storage {
  const storage = Storage.deferred(size, deferred);
  scopes.at(-1)!.add(storage);
  return storage;
}

/**
 * Gives a buffer of the innermost scope back before the scope ends. All others are left alone, and those that something
 * is still to be computed from.
 */
export function release(storage: Storage): void {
  if (storage.isRead || scopes.at(-1)?.delete(storage) !== true) return;
  storage.forget();
  const block = storage.surrender();
  if (block !== null) pool.give(block);
}

/** Takes a buffer out of its scope: it lasts as long as somebody refers to it. */
export function keepStorage(storage: Storage): void {
  void storage.array; // what is deferred is computed while it can be
  for (const scope of scopes) scope.delete(storage);
  const block = storage.part();
  if (block !== null) pool.part(block);
}

/**
 * Runs `body`, which must not be asynchronous, and then gives every buffer made inside back to the pool, but for those
 * that were kept. Scopes nest.
 */
export function recycling<T>(body: () => T): T {
  if (scopes.length === 0) pool.begin();
  const scope = new Set<Storage>();
  scopes.push(scope);
  try {
    return body();
  } finally {
    for (const storage of scope) storage.forget();
    for (const storage of scope) release(storage);
    scopes.pop();
    if (scopes.length === 0) pool.end();
  }
}

/** Counts of what the pool has done. */
export function poolStatistics(): PoolStatistics {
  return pool.statistics();
}
