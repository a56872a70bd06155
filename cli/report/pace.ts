/** The pace of work that takes long: the event loop gets its turns, a person sees how far it is, and it can be ended. @module */
import { note } from "../arguments/deliver.ts";

/** Thrown where work is to end before it is done. */
export class Enough extends Error {}

/** Milliseconds between turns of the event loop, and between lines of progress. */
const TURN_MS = 50;
const NOTE_MS = 2000;

/** How work is watched. */
export interface PaceOptions {
  /** What is done, for the lines that say how far it is. */
  readonly what: string;
  /** Ends the work when it is aborted. */
  readonly signal?: AbortSignal;
  /** Milliseconds that the work may take. Default: any. */
  readonly most?: number;
}

/** Watches over work that is done piece by piece. */
export class Pace {
  readonly #options: PaceOptions;
  readonly #started = performance.now();
  #turned = performance.now();
  #noted = performance.now();

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /**
   * Called after each piece.
   *
   * @throws {Enough} when the work is to end
   */
  async turn(done: number, of: number): Promise<void> {
    const { what, signal, most = Infinity } = this.#options;
    const now = performance.now();
    if (now - this.#turned > TURN_MS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#turned = performance.now();
    }
    if (signal?.aborted || now - this.#started > most) throw new Enough(what);
    if (now - this.#noted < NOTE_MS || done === of) return;
    this.#noted = now;
    note(`${what}: ${done.toLocaleString("en")} of ${of.toLocaleString("en")} test examples`);
  }
}
