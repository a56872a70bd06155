/**
 * How things are timed here: contestants take turns, A B C A B C, so that a machine whose speed drifts is fair to all, and
 * medians and ratios of medians are quoted, never a lone time.
 *
 * @module
 */

/** What can be timed, by name. */
export type Contestants = Readonly<Record<string, () => void>>;

/** Milliseconds of one contestant. */
export interface Timing {
  /** Median over the rounds. */
  readonly median: number;
  /** Smallest. */
  readonly min: number;
  /** Largest. */
  readonly max: number;
  /** Every round's time, in order. */
  readonly rounds: readonly number[];
}

/**
 * Times contestants in turn.
 *
 * @param contestants what is timed
 * @param rounds rounds counted, after one quarter as many that are not
 */
export function measure<C extends Contestants>(contestants: C, rounds: number): Record<keyof C, Timing> {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, [] as number[]]));
  for (let round = -Math.ceil(rounds / 4); round < rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      const start = performance.now();
      run();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, rounds]) => {
      const sorted = [...rounds].sort((a, b) => a - b);
      return [name, { median: median(rounds), min: sorted[0], max: sorted[sorted.length - 1], rounds }];
    }),
  ) as unknown as Record<keyof C, Timing>;
}

/** Median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median of the ratios of two contestants, round by round. */
export function ratio(a: Timing, b: Timing): number {
  return median(a.rounds.map((time, i) => time / b.rounds[i]));
}

/** What a workload gives. */
export interface Result {
  /** The workload's name. */
  readonly name: string;
  /** What is measured, in a sentence. */
  readonly what: string;
  /** The figures, each with its meaning and, where there is one, the goal it is held against. */
  readonly figures: readonly Figure[];
}

/** One figure of a workload. */
export interface Figure {
  /** What it says. */
  readonly name: string;
  /** The number. */
  readonly value: number;
  /** Its unit: `ms`, `GB/s`, `x`, `%`. */
  readonly unit: string;
  /** What it should be, such as `at most 1.35`. */
  readonly goal?: string;
}
