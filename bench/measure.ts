/**
 * How things are timed here: contestants take turns, A B A B, so that a machine whose speed drifts is fair to all. Medians
 * are quoted, and the median of the ratios round by round with an interval, never a lone time.
 *
 * @module
 */

/** What takes turns: what is measured and what it is held against. */
export interface Contest {
  /** What is measured. */
  readonly ours: () => void;
  /** What it is held against. */
  readonly floor: () => void;
}

/** Times of two contestants, round by round, in milliseconds (or whatever is compared). */
export interface Rounds {
  /** Ours. */
  readonly ours: readonly number[];
  /** The floor's. */
  readonly floor: readonly number[];
}

/** Rounds at least and at most, and how long they may take altogether. */
const LEAST = 15;
const MOST = 150;
const BUDGET_MS = 8000;
/** A turn is at least so long: what is shorter is run several times in it. */
const TURN_MS = 4;

/** Milliseconds that some runs took, for one of them. */
export function timed(run: () => void, times = 1): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) run();
  return (performance.now() - start) / times;
}

/** Times two contestants in turn, after some turns that are not counted, for about so many milliseconds. */
export function alternate({ ours, floor }: Contest, budget = BUDGET_MS): Rounds {
  for (let i = 0; i < 3; i++) [ours, floor].forEach((run) => run());
  const once = [ours, floor].map((run) => Math.min(timed(run), timed(run), timed(run)));
  const times = once.map((ms) => Math.max(1, Math.ceil(TURN_MS / ms)));
  const round = once[0] * times[0] + once[1] * times[1];
  const rounds = Math.max(LEAST, Math.min(MOST, Math.floor(budget / round)));
  const found = { ours: [] as number[], floor: [] as number[] };
  for (let i = -Math.ceil(rounds / 10); i < rounds; i++) {
    const [a, b] = [timed(ours, times[0]), timed(floor, times[1])];
    if (i < 0) continue;
    found.ours.push(a);
    found.floor.push(b);
  }
  return found;
}

/** Median of some numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A quantile of some numbers, between neighbours by their distance. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (at - below) * (above - sorted[below]);
}

/** What some numbers say: their median, how they scatter, and where the median lies. */
export interface Summary {
  /** Median. */
  readonly median: number;
  /** First and third quartile. */
  readonly spread: readonly [number, number];
  /** Where the median lies with a probability of 95 %: two of the numbers, by their ranks, whatever their distribution. */
  readonly interval: readonly [number, number];
}

/** Sums up some numbers. */
export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2));
  return {
    median: median(values),
    spread: [quantile(values, 0.25), quantile(values, 0.75)],
    interval: [sorted[rank], sorted[sorted.length - 1 - rank]],
  };
}
