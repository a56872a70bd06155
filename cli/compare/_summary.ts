/** What a comparison has found, as a table and as the one object of `--json`. @module */
import { currentBackend } from "../../mod.ts";
import { invocation } from "../arguments/invocation.ts";
import { mean, type Spread, spread } from "../print/spread.ts";
import { table } from "../print/table.ts";
import { showEpochs } from "./_budget.ts";
import type { Comparison, Trained } from "./_kept.ts";
import type { StepCost } from "./_measure.ts";
import { showError, showOptions } from "./_progress.ts";
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

/** The tables for a person. */
export function describe(standings: Standings, { variants }: ComparisonSummary, about: About): string {
  const { comparison, complete } = standings;
  const finalists = variants.filter((variant) => variant.finalist);
  const left = variants.filter((variant) => !variant.finalist);
  const parts: string[] = [];
  if (finalists.length > 0) parts.push(finalTable(finalists, comparison, about));
  if (left.length > 0) parts.push(leftTable(left, about));
  if (about.warning !== undefined) parts.push(about.warning);
  if (complete) {
    const [first] = comparison.seeds;
    parts.push(
      `The comparison is in ${about.out}, with a run for each net and seed: ` +
        invocation(`evaluate --run ${about.out} --name ${runName(bestName(comparison, standings), first)}`),
    );
  }
  return `\n${parts.join("\n\n")}\n`;
}

/** The variant with the least validation error in the last round: what was decided by all along. */
function bestName(comparison: Comparison, { finalists = [] }: Standings): string {
  const error = (net: Net) => {
    const values = ofNet(comparison, net).map(({ validationError }) => validationError ?? Infinity);
    return values.length === 0 ? Infinity : mean(values);
  };
  return finalists.toSorted((a, b) => error(a) - error(b))[0]?.variant ?? NONE;
}

function shown(value: Spread | null, classification: boolean): string {
  if (value === null) return "-";
  const { mean, deviation } = value;
  if (deviation === undefined) return showError(mean, classification);
  return classification
    ? `${(100 * mean).toFixed(2)} ± ${(100 * deviation).toFixed(2)} %`
    : `${mean.toPrecision(4)} ± ${deviation.toPrecision(2)}`;
}

function number(value: Spread | null): string {
  if (value === null) return "-";
  const { mean, deviation } = value;
  return deviation === undefined ? mean.toFixed(4) : `${mean.toFixed(4)} ± ${deviation.toFixed(4)}`;
}

function bytes({ stepBytes, keptBytes }: StepCost): string {
  return `${((stepBytes + keptBytes) / 2 ** 20).toFixed(1)} MiB`;
}

function time({ stepMs, ratio }: StepCost, isNone: boolean): string {
  return `${stepMs.toPrecision(3)} ms${isNone ? "" : ` (${ratio.toFixed(2)} x)`}`;
}

function finalTable(finalists: readonly FinalistSummary[], comparison: Comparison, about: About): string {
  const { classification } = about;
  const nets = new Map(comparison.variants.map((variant) => [variant.label, variant.name]));
  const settingOf = ({ name, options }: FinalistSummary) => {
    const variant = comparison.variants.find(({ label }) => label === name);
    const setting = variant?.dial?.values.indexOf(options[variant.dial.option] as number) ?? 0;
    return { variant: nets.get(name) ?? NONE, setting };
  };
  const rows = finalists.map((one) => [
    one.name === NONE ? NONE : comparison.variants.find(({ label }) => label === one.name)!.plugin,
    showOptions(comparison, settingOf(one)) || "-",
    one.diverged > 0 ? `${one.diverged} of ${one.runs.length} diverged` : shown(one.validationError, classification),
    shown(one.testError, classification),
    shown(one.gap, classification),
    number(one.negativeLogLikelihood),
    time(one.step, one.name === NONE),
    bytes(one.step),
  ]);
  const seeds = comparison.seeds.length;
  const head = ["variant", "best options", "validation error", "test error", "gap", "NLL", "step", "memory"];
  const differences = finalists.flatMap(({ name, againstNone }) =>
    againstNone === null ? [] : [`${name} ${signed(againstNone, classification)}`]
  );
  return [
    table(rows, head),
    seeds > 1
      ? `mean ± standard deviation over the ${seeds} seeds, after ${showEpochs(comparison.rounds.at(-1)!.epochs)}`
      : "",
    differences.length === 0 ? "" : `test error less that of ${NONE}, seed by seed: ${differences.join("; ")}`,
    `Chosen by the error of ${about.validationExamples.toLocaleString("en")} validation examples; the ` +
    `${about.testExamples.toLocaleString("en")} test examples had no part in any decision.`,
  ].filter((line) => line !== "").join("\n");
}

function signed(value: Spread, classification: boolean): string {
  const text = shown(value, classification);
  return value.mean >= 0 ? `+${text}` : text;
}

function leftTable(left: readonly LeftSummary[], { classification }: About): string {
  const rows = left.map((one) => [
    one.name,
    Object.entries(one.options).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ") || "-",
    `round ${one.afterRound}, ${showEpochs(one.epochs)}`,
    showError(one.validationError, classification),
    showError(one.bestValidationError, classification),
    `${one.step.ratio.toFixed(2)} x`,
  ]);
  const head = ["left behind", "best options", "after", "validation error", "the best one's", "step"];
  return `${table(rows, head)}\nof one seed; what they would have come to, on the test part too, is not known`;
}
