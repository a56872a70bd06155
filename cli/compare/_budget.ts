/** From a time to epochs: what a comparison may take, and what of training fits into it. @module */
import { OptionError } from "../../mod.ts";
import { countRounds, type Field, planRounds } from "./_halving.ts";

const units = { s: 1, m: 60, h: 3600 } as const;

/**
 * Seconds of a duration such as `90s`, `10m` or `1h`.
 *
 * @throws {OptionError} for anything else
 */
export function readDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text);
  const seconds = match === null ? NaN : Number(match[1]) * units[match[2] as keyof typeof units];
  if (seconds > 0) return seconds;
  throw new OptionError(option, "a time such as 90s, 10m or 1h", text);
}

/** Seconds as a person says them: 9 s, 12 min, 3.5 h. */
export function showDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A number of epochs, in words. */
export function showEpochs(count: number): string {
  return `${count} epoch${count === 1 ? "" : "s"}`;
}

/** What an epoch takes, in seconds. */
export interface EpochCosts {
  /** Of the net without dropout. */
  readonly none: number;
  /** Of each variant. */
  readonly variants: readonly number[];
}

/**
 * Seconds that all rounds take at most: as if the variants that go on were those that take longest. What was trained in
 * a round is not trained again in the next.
 */
export function secondsOf(field: Field, epochs: number, costs: EpochCosts): number {
  const dear = costs.variants.toSorted((a, b) => b - a);
  let total = 0;
  let before = 0;
  for (const { epochs: to, variants, settings, seeds } of planRounds(field, epochs)) {
    const each = dear.slice(0, variants).reduce((sum, cost) => sum + cost, 0) * settings + costs.none;
    total += each * (to - before) + each * to * (seeds - 1);
    before = to;
  }
  return total;
}

/**
 * The most epochs of a full training with which a comparison stays within a time.
 *
 * @param most epochs that are enough
 * @param seconds what there is
 * @throws {OptionError} when it is too little for a comparison at all
 */
export function epochsWithin(field: Field, most: number, costs: EpochCosts, seconds: number): number {
  const least = Math.min(countRounds(field), most);
  const needed = secondsOf(field, least, costs);
  if (needed > seconds) {
    const text = `at least ${showDuration(Math.ceil(needed))}, for ${showEpochs(least)} of a full training`;
    throw new OptionError("--budget", text, showDuration(seconds), "; fewer variants, settings or seeds take less.");
  }
  let [low, high] = [least, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (secondsOf(field, middle, costs) <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}
