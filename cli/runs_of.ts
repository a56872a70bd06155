/** The runs of a configuration, one for each seed where there are several. @module */
import type { Config } from "./config.ts";

/** One run to be trained. */
export interface Run {
  /** Its name, and that of its folder. */
  readonly name: string;
  /** The entry of `runs` that it belongs to, which it shares with those of other seeds. */
  readonly variant: string;
  /** What it changes in the configuration. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Its seed, where the configuration asks for several. */
  readonly seed?: number;
}

/**
 * The runs of a configuration: the entries of `runs`; with `seeds: N` each of them N times, with the seeds `seed`,
 * `seed + 1`, ... More seeds later leave those that were there as they are.
 */
export function runsOf({ runs, seed, seeds }: Pick<Config, "runs" | "seed" | "seeds">): Run[] {
  if (seeds === undefined) return runs.map(({ name, set }) => ({ name, variant: name, set }));
  return runs.flatMap(({ name, set }) => {
    const first = typeof set.seed === "number" ? set.seed : seed;
    return Array.from({ length: seeds }, (_, i) => {
      const own = `seed-${first + i}`;
      return {
        name: runs.length === 1 ? own : `${name}-${own}`,
        variant: name,
        set: { ...set, seed: first + i },
        seed: first + i,
      };
    });
  });
}
