/** How often something may be done that costs time which training pays. @module */

/** What pace a kind of work is held to. */
export interface PaceOptions {
  /** The part of the time that it may take, such as 0.005. */
  readonly share: number;
  /** Milliseconds that it may take beside that, once: what is done first takes longest. Default 0. */
  readonly allowanceMs?: number;
  /** Milliseconds between two times, however little they cost. Default 0. */
  readonly leastMs?: number;
}

/** Holds a kind of work to a part of the time. */
export class Pace {
  readonly #options: Required<PaceOptions>;
  #started: number | undefined;
  #last = -Infinity;
  #spentMs = 0;

  constructor({ share, allowanceMs = 0, leastMs = 0 }: PaceOptions) {
    this.#options = { share, allowanceMs, leastMs };
  }

  /** Milliseconds until it is time again; 0 when it is. */
  wait(now: number): number {
    const { share, allowanceMs, leastMs } = this.#options;
    if (this.#started === undefined) return 0;
    const earned = this.#started + (this.#spentMs - allowanceMs) / share;
    return Math.max(0, this.#last + leastMs - now, earned - now);
  }

  /** Says that it was done, and what it has cost. */
  done(now: number, costMs: number): void {
    this.#started ??= now;
    this.#last = now;
    this.#spentMs += costMs;
  }
}
