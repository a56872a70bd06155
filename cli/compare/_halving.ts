/**
 * The rounds of a comparison: each trains what is left for longer and leaves about half of it behind, as in successive
 * halving: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
 * Halved are both the settings of each variant, down to one, and the variants, down to the finalists.
 *
 * @module
 */
import { OptionError } from "../../mod.ts";

/** One round. */
export interface Round {
  /** Epochs that everything in it is trained to, counted from the beginning of training. */
  readonly epochs: number;
  /** How many variants are in it, at most. */
  readonly variants: number;
  /** How many settings of each, at most. */
  readonly settings: number;
  /** How many seeds each is trained with: one, and all of them in the last round. */
  readonly seeds: number;
}

/** What is compared. */
export interface Field {
  /** How many variants. */
  readonly variants: number;
  /** How many settings of each are tried, at most. */
  readonly settings: number;
  /** How many variants come to the last round. */
  readonly finalists: number;
  /** With how many seeds. */
  readonly seeds: number;
}

/** How often a number must be halved, rounded up, until it is not above another. */
function halvings(from: number, to: number): number {
  let count = 0;
  for (let left = from; left > to; left = Math.ceil(left / 2)) count++;
  return count;
}

/** How many rounds there are. */
export function countRounds({ variants, settings, finalists }: Field): number {
  return 1 + Math.max(halvings(settings, 1), halvings(variants, finalists));
}

/**
 * The rounds, of which the last trains for `epochs`, the one before it half as long, and so on.
 *
 * @throws {OptionError} for fewer epochs than rounds
 */
export function planRounds(field: Field, epochs: number): Round[] {
  const count = countRounds(field);
  if (epochs < count) throw new OptionError("--epochs", `at least ${count}, one for each round`, epochs);
  const rounds: Round[] = [];
  let { variants, settings } = field;
  for (let i = 0; i < count; i++) {
    const least = (rounds.at(-1)?.epochs ?? 0) + 1;
    const last = i === count - 1;
    rounds.push({
      epochs: Math.max(least, Math.ceil(epochs / 2 ** (count - 1 - i))),
      variants,
      settings,
      seeds: last ? field.seeds : 1,
    });
    // Settings first, and variants as late as they can be: those that learn slowly at first have then had time to.
    if (count - 1 - i <= halvings(field.variants, field.finalists)) {
      variants = Math.max(Math.min(variants, field.finalists), Math.ceil(variants / 2));
    }
    settings = Math.ceil(settings / 2);
  }
  return rounds;
}

/** How a setting of a variant stands after a round. */
export interface Standing {
  /** The variant. */
  readonly variant: string;
  /** Which of its settings, from 0. */
  readonly setting: number;
  /** Its error on the validation part; infinite when it has diverged. */
  readonly error: number;
  /** Its loss there, which decides between equal errors. */
  readonly loss: number;
}

/** Which of two stands better: by their errors, then by their losses, and else as they are listed. */
function compare(a: Standing, b: Standing): number {
  return a.error - b.error || a.loss - b.loss || 0;
}

/**
 * What goes on: of each variant its best settings, of the variants those whose best setting is best; both in the order in
 * which they were.
 *
 * @param standings all that were in the round
 * @param next the round after it
 */
export function survivors(standings: readonly Standing[], next: Pick<Round, "variants" | "settings">): Standing[] {
  const ranked = [...Map.groupBy(standings, ({ variant }) => variant).values()]
    .map((own) => own.toSorted(compare).slice(0, next.settings))
    .toSorted(([a], [b]) => compare(a, b))
    .slice(0, next.variants);
  const left = new Set(ranked.flat());
  return standings.filter((standing) => left.has(standing));
}
