/** What a comparison has found, as a table and as the one object of `--json`. @module */
import { currentBackend } from "../../mod.ts";
import { mean, type Spread, spread } from "../print/spread.ts";
import type { SomePositions } from "./_fit.ts";
import type { Comparison, Trained } from "./_kept.ts";
import type { StepCost } from "./_measure.ts";
import { allNets, nextNets, resultsOf, type Standings } from "./_rounds.ts";
import { type Net, optionsOf, runName } from "./_runs.ts";
import { NONE } from "./_variants.ts";

/** What is known of a comparison beside its results. */
export interface About {
  /** The data set's name. */
  readonly dataset: string;
  /** Whether errors are shares of wrong classes. */
  readonly classification: boolean;
  /** Examples of the validation and the test part. */
  readonly validationExamples: number;
  readonly testExamples: number;
  /** Its folder. */
  readonly out: string;
  /** What a person should know of how it was computed. */
  readonly warning?: string;
}

/** A variant that came to the last round, or the net without dropout. */
export interface FinalistSummary {
  readonly name: string;
  readonly finalist: true;
  /** The best options that were found; none for the net without dropout. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Its runs, by the names that `--name` takes. */
  readonly runs: readonly string[];
  /** How many of its trainings diverged; what follows is of the others. */
  readonly diverged: number;
  readonly validationError: Spread | null;
  readonly trainError: Spread | null;
  readonly testError: Spread | null;
  /** Test error less training error. */
  readonly gap: Spread | null;
  readonly negativeLogLikelihood: Spread | null;
  /** Its test error less that of the net without dropout, seed by seed. */
  readonly againstNone: Spread | null;
  /** Where it stands, if it does not fit all places of the configuration's dropout. */
  readonly positions?: SomePositions;
  readonly step: StepCost;
}

/** A variant that was left behind. */
export interface LeftSummary {
  readonly name: string;
  readonly finalist: false;
  /** The best options until then. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The round after which it was left behind, from 1, and how long its nets had been trained. */
  readonly afterRound: number;
  readonly epochs: number;
  /** Of its best setting with the first seed, and that of the best variant of the round. */
  readonly validationError: number | null;
  readonly bestValidationError: number | null;
  readonly positions?: SomePositions;
  readonly step: StepCost;
}

/** A comparison in figures. */
export interface ComparisonSummary {
  readonly variants: readonly (FinalistSummary | LeftSummary)[];
}

/** Mean and deviation of what there is a number of. */
function over(values: readonly (number | null | undefined)[]): Spread | null {
  const there = values.filter((value): value is number => typeof value === "number");
  return there.length === 0 ? null : spread(there);
}

function finalist(comparison: Comparison, net: Net): FinalistSummary {
  const own = ofNet(comparison, net);
  const none = ofNet(comparison, { variant: NONE, setting: 0 });
  const variant = comparison.variants.find(({ name }) => name === net.variant);
  const difference = (a: number | null | undefined, b: number | null | undefined) =>
    typeof a === "number" && typeof b === "number" ? a - b : null;
  return {
    name: variant?.label ?? NONE,
    finalist: true,
    options: variant === undefined ? {} : optionsOf(variant, net.setting),
    runs: comparison.seeds.map((seed) => runName(net.variant, seed)),
    diverged: own.filter(({ diverged }) => diverged).length,
    validationError: over(own.map(({ validationError }) => validationError)),
    trainError: over(own.map(({ trainError }) => trainError)),
    testError: over(own.map(({ testError }) => testError)),
    gap: over(own.map(({ testError, trainError }) => difference(testError, trainError))),
    negativeLogLikelihood: over(own.map(({ negativeLogLikelihood }) => negativeLogLikelihood)),
    againstNone: net.variant === NONE ? null : over(
      own.map(({ seed, testError }) => difference(testError, none.find((other) => other.seed === seed)?.testError)),
    ),
    ...(variant?.positions && { positions: variant.positions }),
    step: variant?.cost ?? comparison.none,
  };
}

/** The results of a net in the last round, by seed. */
function ofNet(comparison: Comparison, { variant, setting }: Net): Trained[] {
  return resultsOf(comparison, comparison.rounds.length - 1)
    .filter((result) => result.variant === variant && result.setting === setting)
    .toSorted((a, b) => a.seed - b.seed);
}

/** The best of some results, by what is decided by. */
function best(results: readonly Trained[]): Trained {
  const key = (
    { validationError, validationLoss }: Trained,
  ) => [validationError ?? Infinity, validationLoss ?? Infinity];
  return results.toSorted((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x[0] - y[0] || x[1] - y[1] || 0;
  })[0];
}

/** The variants that were left behind, those that stayed longest first. */
function leftBehind(comparison: Comparison, decided: number): LeftSummary[] {
  const left: LeftSummary[] = [];
  let nets = allNets(comparison);
  for (let i = 0; i < decided; i++) {
    const next = nextNets(comparison, i);
    const results = resultsOf(comparison, i).filter(({ variant }) => variant !== NONE);
    for (const name of new Set(nets.map(({ variant }) => variant))) {
      if (next.some(({ variant }) => variant === name)) continue;
      const result = best(results.filter(({ variant }) => variant === name));
      const variant = comparison.variants.find((variant) => variant.name === name)!;
      left.unshift({
        name: variant.label,
        finalist: false,
        options: optionsOf(variant, result.setting),
        afterRound: i + 1,
        epochs: result.epochs,
        validationError: result.validationError,
        bestValidationError: best(results).validationError,
        ...(variant.positions && { positions: variant.positions }),
        step: variant.cost,
      });
    }
    nets = next;
  }
  return left;
}

/** The figures of a comparison, as far as it has come. */
export function summarize({ comparison, finalists }: Standings): ComparisonSummary {
  const rounds = comparison.rounds.length;
  const decided = finalists === undefined
    ? Math.max(0, Math.max(0, ...comparison.results.map(({ round }) => round)) - 1)
    : rounds - 1;
  const last = finalists === undefined ? [] : [{ variant: NONE, setting: 0 }, ...finalists];
  const summaries = last.map((net) => finalist(comparison, net));
  const [none, ...others] = summaries;
  const sorted = others.toSorted((a, b) => (a.testError?.mean ?? Infinity) - (b.testError?.mean ?? Infinity));
  return { variants: [...(none === undefined ? [] : [none]), ...sorted, ...leftBehind(comparison, decided)] };
}

/** The one object of `--json`. */
export function toJson(standings: Standings, summary: ComparisonSummary, about: About): unknown {
  const { name, blas, threads } = currentBackend().info();
  const { comparison, complete } = standings;
  return {
    dataset: about.dataset,
    backend: name,
    blas,
    threads,
    ...(about.warning === undefined ? {} : { warning: about.warning }),
    out: about.out,
    complete,
    epochs: comparison.rounds.at(-1)!.epochs,
    seeds: comparison.seeds,
    validationExamples: about.validationExamples,
    testExamples: about.testExamples,
    rounds: comparison.rounds,
    variants: summary.variants,
  };
}

/** The first run of the variant with the least validation error in the last round: what was decided by all along. */
export function bestRun({ comparison, finalists = [] }: Standings): string {
  const error = (net: Net) => {
    const values = ofNet(comparison, net).map(({ validationError }) => validationError ?? Infinity);
    return values.length === 0 ? Infinity : mean(values);
  };
  const variant = finalists.toSorted((a, b) => error(a) - error(b))[0]?.variant ?? NONE;
  return runName(variant, comparison.seeds[0]);
}
