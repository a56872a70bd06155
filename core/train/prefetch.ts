/**
 * Batches made ahead by a worker: while one step trains, the batch of the next lies ready or is being made. Two buffers
 * are shared with the worker; a step's batch is copied out of its buffer, which is then free for the step after the
 * next.
 *
 * @module
 */
import * as errors from "../errors.ts";
import type { AugmentationOptions, AugmentationPart, BatchMaker, BatchSource } from "./prepare.ts";
import { sizeOf } from "../tensor/shape.ts";

/** What the worker is told first. */
export interface PrefetchStart {
  /** What the batches are made of. */
  readonly source: BatchSource;
  /** The augmentations: where each can be loaded, its plugin's name, and the label of its random site. */
  readonly augmentations: readonly { readonly module: string; readonly name: string; readonly label: string }[];
  /** The two buffers. */
  readonly slots: readonly Slot[];
  /** One number for each buffer; see the states. */
  readonly states: Int32Array<SharedArrayBuffer>;
}

/** One buffer, for the largest batch. */
export interface Slot {
  /** Inputs. */
  readonly inputs: Float32Array<SharedArrayBuffer>;
  /** Labels or numbers. */
  readonly targets: Float32Array<SharedArrayBuffer> | Int32Array<SharedArrayBuffer>;
}

/** What the worker is told for each batch. */
export interface PrefetchRequest {
  /** The step. */
  readonly step: number;
  /** Which buffer to fill. */
  readonly slot: number;
  /** The options of each augmentation. */
  readonly options: AugmentationOptions;
}

/** What the worker says when a batch cannot be made. */
export interface PrefetchFailure {
  /** The step. */
  readonly step: number;
  /** The class of the error. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** For an `OptionError`, the path of the wrong value. */
  readonly path: string | undefined;
}

/** States of a buffer. */
export const PENDING = 0;
/** See {@linkcode PENDING}. */
export const READY = 1;
/** See {@linkcode PENDING}. */
export const FAILED = 2;

const SLOTS = 2;

/** Milliseconds that the thread sleeps before it looks whether the worker has something to say. */
const NAP_MS = 5;

/** Gives the options of a step's augmentations; null for a step that will not come. */
export type AskOptions = (step: number) => AugmentationOptions | null;

/** Makes batches ahead, in a worker that starts with the first request. */
export class Prefetcher {
  readonly #start: PrefetchStart;
  readonly #maker: BatchMaker;
  readonly #size: number;
  /** The step that each buffer was last asked for. */
  readonly #asked: number[] = new Array(SLOTS).fill(-1);
  readonly #failures = new Map<number, Error>();
  #broken: Error | null = null;
  #worker: Worker | null = null;

  /** @param maker tells the sizes of batches */
  constructor(source: BatchSource, parts: readonly AugmentationPart[], maker: BatchMaker) {
    this.#maker = maker;
    this.#size = sizeOf(source.split.shape);
    const count = Math.min(source.batchSize, source.split.count);
    const targets = maker.targets(count);
    const size = sizeOf(targets.shape);
    this.#start = {
      source,
      augmentations: parts.map(({ definition: { module, name }, label }) => ({ module: module!, name, label })),
      slots: Array.from({ length: SLOTS }, () => ({
        inputs: new Float32Array(new SharedArrayBuffer(4 * count * this.#size)),
        targets: targets.dtype === "int32"
          ? new Int32Array(new SharedArrayBuffer(4 * size))
          : new Float32Array(new SharedArrayBuffer(4 * size)),
      })),
      states: new Int32Array(new SharedArrayBuffer(4 * SLOTS)),
    };
  }

  /**
   * Waits until a step's batch lies in its buffer.
   *
   * @throws what making the batch threw; PermissionError when the worker's source may not be read
   */
  async ready(step: number, options: AskOptions): Promise<void> {
    if (this.#worker === null) await this.#open();
    for (let ahead = 0; ahead < SLOTS; ahead++) this.#ask(step + ahead, options);
    const { states } = this.#start;
    for (;;) {
      if (this.#broken !== null) throw this.#broken;
      const state = Atomics.load(states, step % SLOTS);
      if (state === READY) return;
      const failure = this.#failures.get(step);
      if (failure !== undefined) throw failure;
      if (state === PENDING) Atomics.wait(states, step % SLOTS, PENDING, NAP_MS);
      // The worker's messages arrive only when the event loop has its turn.
      if (Atomics.load(states, step % SLOTS) !== READY) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** Copies a step's batch, which is ready, and lets its buffer be filled again. */
  take(step: number, inputs: Float32Array, targets: Float32Array | Int32Array, options: AskOptions): void {
    const slot = this.#start.slots[step % SLOTS];
    const count = this.#maker.count(step);
    inputs.set(slot.inputs.subarray(0, count * this.#size));
    targets.set(slot.targets.subarray(0, targets.length));
    this.#ask(step + SLOTS, options);
  }

  /** Ends the worker. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#asked.fill(-1);
    this.#failures.clear();
  }

  #ask(step: number, options: AskOptions): void {
    const slot = step % SLOTS;
    if (this.#asked[slot] === step) return;
    const given = options(step);
    if (given === null) return;
    this.#asked[slot] = step;
    Atomics.store(this.#start.states, slot, PENDING);
    const request: PrefetchRequest = { step, slot, options: given };
    this.#worker!.postMessage(request);
  }

  async #open(): Promise<void> {
    const url = new URL("./_prefetch_worker.ts", import.meta.url);
    if (url.protocol === "file:") {
      const { state } = await Deno.permissions.query({ name: "read", path: url });
      if (state !== "granted") {
        const folder = decodeURIComponent(new URL("..", import.meta.url).pathname);
        throw new errors.PermissionError(
          `prefetch starts a worker, whose source this program may not read: run it with --allow-read=${folder}.`,
        );
      }
    }
    this.#broken = null;
    this.#worker = new Worker(url, { type: "module", name: "thinned-prefetch" });
    this.#worker.onmessage = ({ data }: MessageEvent<PrefetchFailure>) => this.#failures.set(data.step, revive(data));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken = new errors.ThinnedError(
        `prefetch: the worker that makes the batches has failed: ${event.message}`,
      );
    };
    this.#worker.postMessage(this.#start);
  }
}

/** An error of the worker as an error of this thread, of the same class where it is one that people can mend. */
function revive({ name, message, path }: PrefetchFailure): Error {
  const Class = (errors as Record<string, unknown>)[name];
  let error = new Error(message);
  if (path !== undefined) error = new errors.OptionError(path, "", undefined);
  else if (typeof Class === "function" && Class.prototype instanceof errors.ThinnedError) {
    error = new (Class as new (message: string) => Error)(message);
  }
  error.message = message;
  return error;
}
