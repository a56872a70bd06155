/** Splits side by side: each in a worker of one thread, as nets this small leave nothing for a second. @module */
import * as library from "../../mod.ts";
import type { BackendInfo } from "../../mod.ts";
import type { SplitRows } from "./_part.ts";
import type { Protocol, SplitResult } from "./_protocol.ts";

/** What a worker is told. */
export type Order =
  | { readonly kind: "open"; readonly backend: string | undefined }
  | { readonly kind: "run"; readonly protocol: Protocol; readonly split: number; readonly rows: SplitRows };

/** What it answers. */
export type Answer =
  | { readonly kind: "open"; readonly backend: BackendInfo; readonly reason: string }
  | { readonly kind: "steps"; readonly split: number; readonly steps: number }
  | { readonly kind: "done"; readonly result: SplitResult }
  | { readonly kind: "failed"; readonly name: string; readonly message: string; readonly stack: string };

/** What the workers do. */
export interface Work {
  /** What all splits have in common. */
  readonly protocol: Protocol;
  /** The splits, in their order. */
  readonly splits: readonly number[];
  /** The rows of a split. */
  readonly rowsOf: (split: number) => SplitRows;
  /** How many workers. */
  readonly workers: number;
  /** What computes: `native`, `reference`, or the best there is. */
  readonly backend: string | undefined;
  /** Ends all workers at once. */
  readonly signal: AbortSignal;
  /** Told, once, what computes. */
  readonly opened: (backend: BackendInfo, reason: string) => void;
  /** Told the steps that a split has done so far. */
  readonly steps: (split: number, steps: number) => void;
  /** Told a finished split. */
  readonly done: (result: SplitResult) => Promise<void>;
}

/** A worker as promises. */
class Hand {
  readonly #worker = new Worker(new URL("./_worker.ts", import.meta.url), { type: "module", name: "thinned-study" });
  readonly #work: Work;
  #answered: PromiseWithResolvers<Answer> = Promise.withResolvers();

  constructor(work: Work) {
    this.#work = work;
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.kind === "steps") work.steps(data.split, data.steps);
      else if (data.kind === "failed") this.#answered.reject(revive(data));
      else this.#answered.resolve(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#answered.reject(new Error(`A worker of the study has failed: ${event.message}`));
    };
  }

  /** Gives an order and waits for the answer. */
  async ask<K extends Answer["kind"]>(order: Order, kind: K): Promise<Extract<Answer, { kind: K }>> {
    this.#answered = Promise.withResolvers();
    this.#worker.postMessage(order);
    const answer = await Promise.race([this.#answered.promise, stopped(this.#work.signal)]);
    if (answer.kind !== kind) throw new Error(`A worker of the study answered ${answer.kind} for ${kind}.`);
    return answer as Extract<Answer, { kind: K }>;
  }

  close(): void {
    this.#worker.terminate();
  }
}

/** Thrown where the study is stopped. */
class Stopped extends Error {}

const waiting = new WeakMap<AbortSignal, Promise<never>>();

/** Fails when the signal is given. */
function stopped(signal: AbortSignal): Promise<never> {
  let promise = waiting.get(signal);
  if (promise === undefined) {
    promise = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(new Stopped());
      else signal.addEventListener("abort", () => reject(new Stopped()), { once: true });
    });
    promise.catch(() => {}); // heard where somebody waits
    waiting.set(signal, promise);
  }
  return promise;
}

/**
 * Runs splits in workers. A split's result does not depend on how many there are.
 *
 * @throws {ThinnedError} what a split has thrown
 */
export async function runSplits(work: Work): Promise<void> {
  const hands: Hand[] = [];
  const open = work.splits.slice();
  try {
    // One after the other: the first compiles or fetches what all of them then find.
    for (let i = 0; i < Math.min(work.workers, open.length); i++) {
      const hand = new Hand(work);
      hands.push(hand);
      const { backend, reason } = await hand.ask({ kind: "open", backend: work.backend }, "open");
      if (i === 0) work.opened(backend, reason);
    }
    await Promise.all(hands.map(async (hand) => {
      for (let split = open.shift(); split !== undefined; split = open.shift()) {
        const rows = work.rowsOf(split);
        const { result } = await hand.ask({ kind: "run", protocol: work.protocol, split, rows }, "done");
        await work.done(result);
      }
    }));
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  } finally {
    for (const hand of hands) hand.close();
  }
}

/** An error of a worker as an error of this thread, of the same class where it is one that people can mend. */
function revive({ name, message, stack }: Extract<Answer, { kind: "failed" }>): Error {
  const Class = (library as Record<string, unknown>)[name];
  if (
    typeof Class !== "function" || !(Class === library.ThinnedError || Class.prototype instanceof library.ThinnedError)
  ) {
    return new Error(`${message}\n${stack}`);
  }
  // Its sentence is made: not every class takes one.
  const error = new library.ThinnedError(message);
  error.name = name;
  return error;
}
