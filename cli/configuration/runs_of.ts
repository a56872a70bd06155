/** The runs of a configuration: one for each seed, and one for each member of an ensemble. @module */
import type { Config } from "./config.ts";

/** One run to be trained. */
export interface Run {
  /** Its name, and that of its folder. */
  readonly name: string;
  /** The entry of `runs` that it belongs to, which it shares with those of other seeds. */
  readonly variant: string;
  /** What it changes in the configuration. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Its seed, where the configuration asks for several, or for an ensemble. */
  readonly seed?: number;
  /** The ensemble that it is a member of, if it is of one. */
  readonly ensemble?: EnsembleOfRuns;
}

/** Runs that differ in their seed alone, and whose predictions are averaged. */
export interface EnsembleOfRuns {
  /** Its name, which its members begin with, unless it is the only one. */
  readonly name: string;
  /** The seed of its first member, by which the validation part of all of them is drawn. */
  readonly seed: number;
}

/**
 * The runs of a configuration: the entries of `runs`; with `seeds: N` each of them N times, with the seeds `seed`,
 * `seed + 1`, ... With `ensemble: M` each of these is M members, which take the next M seeds. More seeds, or more members of
 * a single ensemble, later leave those that were there as they are.
 */
export function runsOf(
  { runs, seed, seeds, ensemble }: Pick<Config, "runs" | "seed" | "seeds" | "ensemble">,
): Run[] {
  return runs.flatMap(({ name, set }) => {
    const first = typeof set.seed === "number" ? set.seed : seed;
    const members = membersOf(set, ensemble);
    return Array.from({ length: seeds ?? 1 }, (_, i): Run[] => {
      const own = first + i * (members ?? 1);
      const seeded = seeds === undefined ? name : runs.length === 1 ? `seed-${own}` : `${name}-seed-${own}`;
      if (members === undefined) {
        const alone = { name: seeded, variant: name };
        return [seeds === undefined ? { ...alone, set } : { ...alone, set: { ...set, seed: own }, seed: own }];
      }
      const prefix = runs.length === 1 && seeds === undefined ? "" : `${seeded}-`;
      return Array.from({ length: members }, (_, member) => ({
        name: `${prefix}member-${member}`,
        variant: name,
        set: { ...set, seed: own + member },
        seed: own + member,
        ensemble: { name: seeded, seed: own },
      }));
    }).flat();
  });
}

/** How many members a run has, if it is an ensemble. What is no number of members is refused when the run is made. */
function membersOf(set: Readonly<Record<string, unknown>>, ensemble: number | undefined): number | undefined {
  const members = "ensemble" in set ? set.ensemble : ensemble;
  return Number.isSafeInteger(members) && members as number >= 1 ? members as number : undefined;
}
