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
  #negative = false;
  /** From the lower edge to the upper; one more for what rounding would put beyond it. */
  #counts: Float64Array = new Float64Array(2 * BINS + 1);

  /** Counts numbers. */
  add(values: Float32Array | Float64Array): void {
    // Bare loops without branches: they run over each output of each unit.
    let [least, most, wrong] = [0, 0, 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      least = value < least ? value : least;
      most = value > most ? value : most;
      wrong += value - value; // 0, or NaN for what is not finite
    }
    if (wrong !== 0) return this.add(values.filter(Number.isFinite));
    const size = Math.max(most, -least);
    if (size >= this.#range && size > 0) this.#grow(size);
    this.#negative ||= least < 0;
    const counts = this.#counts;
    const scale = BINS / (this.#range || 1);
    let zeros = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      counts[(value * scale + BINS) | 0]++;
      zeros += value === 0 ? 1 : 0;
    }
    this.#zeros += zeros;
    counts[BINS] -= zeros;
    counts[2 * BINS - 1] += counts[2 * BINS];
    counts[2 * BINS] = 0;
  }

  #grow(size: number): void {
    this.#range ||= 2 ** Math.max(-126, Math.floor(Math.log2(size)));
    while (!(size < this.#range)) {
      const before = this.#counts;
      this.#counts = before.map((_, i) => {
        const from = 2 * i - BINS; // of twice the width, around the same middle
        return from >= 0 && from < 2 * BINS ? before[from] + before[from + 1] : 0;
      });
      this.#range *= 2;
    }
  }

  /** How many numbers were exactly 0. */
  get zeros(): number {
    return this.#zeros;
  }

  /** The counts of all numbers but zeros. */
  histogram(): Histogram {
    const to = this.#range || 1;
    if (!this.#negative) return { from: 0, to, counts: [...this.#counts.subarray(BINS, 2 * BINS)] };
    return { from: -to, to, counts: [...this.#counts.subarray(0, 2 * BINS)] };
  }

  /** The counts of all numbers, zeros in the first bin above 0. */
  withZeros(): Histogram {
    const { counts, ...edges } = this.histogram();
    return { ...edges, counts: counts.map((count, i) => i === counts.length - BINS ? count + this.#zeros : count) };
  }
}
