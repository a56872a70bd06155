/** How often something may be done that costs time which training pays. @module */

/** Holds a kind of work to a part of the time. */
export class Pace {
  readonly #share: number;
  readonly #leastMs: number;
  #last = -Infinity;
  #costMs = 0;

  /**
   * @param share the part of the time that it may take, such as 0.005
   * @param leastMs milliseconds between two times, however little they cost
   */
  constructor(share: number, leastMs: number) {
    this.#share = share;
    this.#leastMs = leastMs;
  }

  /** Milliseconds until it is time again; 0 when it is. */
  wait(now: number): number {
    return Math.max(0, this.#last + Math.max(this.#leastMs, this.#costMs / this.#share) - now);
  }

  /** Says that it was done, and what it has cost. */
  done(now: number, costMs: number): void {
    this.#last = now;
    this.#costMs = costMs;
  }
}
