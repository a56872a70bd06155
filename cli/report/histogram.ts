/** Counting numbers in bins of equal width, piece by piece, without knowing beforehand how large they get. @module */
import type { Histogram } from "./report_data.ts";

/** Bins on either side of 0. */
const BINS = 32;

/**
 * Counts numbers in bins from 0 to a power of two, or on both sides of 0 where some are negative. The range doubles when a
 * number lies beyond it, so the same numbers give the same bins in whatever pieces they come. Numbers that are not finite
 * are not counted.
 */
export class GrowingHistogram {
  /** The upper edge; 0 before the first number that is not 0. */
  #range = 0;
  #zeros = 0;
  readonly #above = new Float64Array(BINS);
  readonly #below = new Float64Array(BINS);

  /** Counts a number. */
  add(value: number): void {
    if (value === 0) {
      this.#zeros++;
      return;
    }
    const size = Math.abs(value);
    if (!(size < this.#range)) {
      if (!(size < Infinity)) return;
      this.#grow(size);
    }
    (value < 0 ? this.#below : this.#above)[Math.floor(size / this.#range * BINS)]++;
  }

  #grow(size: number): void {
    this.#range ||= 2 ** Math.max(-126, Math.floor(Math.log2(size)));
    while (!(size < this.#range)) {
      for (const bins of [this.#above, this.#below]) {
        for (let i = 0; i < BINS; i++) bins[i] = i < BINS / 2 ? bins[2 * i] + bins[2 * i + 1] : 0;
      }
      this.#range *= 2;
    }
  }

  /** The counts; zeros are in the first bin above 0. */
  histogram(): Histogram {
    const range = this.#range || 1;
    const above = Array.from(this.#above);
    above[0] += this.#zeros;
    if (this.#below.every((count) => count === 0)) return { from: 0, to: range, counts: above };
    return { from: -range, to: range, counts: [...Array.from(this.#below).reverse(), ...above] };
  }
}
