/** What a comparison has found, as tables for a person. @module */
import { invocation } from "../arguments/invocation.ts";
import type { Spread } from "../print/spread.ts";
import { table } from "../print/table.ts";
import { showEpochs } from "./_budget.ts";
import type { SomePositions } from "./_fit.ts";
import type { Comparison } from "./_kept.ts";
import type { StepCost } from "./_measure.ts";
import { showError, showOptions } from "./_progress.ts";
import type { Standings } from "./_rounds.ts";
import { type About, bestRun, type ComparisonSummary, type FinalistSummary, type LeftSummary } from "./_summary.ts";
import { NONE } from "./_variants.ts";

/** The tables for a person. */
export function describe(standings: Standings, { variants }: ComparisonSummary, about: About): string {
  const { comparison, complete } = standings;
  const finalists = variants.filter((variant) => variant.finalist);
  const left = variants.filter((variant) => !variant.finalist);
  const parts: string[] = [];
  if (finalists.length > 0) parts.push(finalTable(finalists, comparison, about));
  if (left.length > 0) parts.push(leftTable(left, about));
  const some = comparison.variants.flatMap(({ label, positions }) =>
    positions === undefined ? [] : [describePositions(label, positions)]
  );
  if (some.length > 0) parts.push(some.join("\n"));
  if (about.warning !== undefined) parts.push(about.warning);
  if (complete) {
    parts.push(
      `The comparison is in ${about.out}, with a run for each net and seed: ` +
        invocation(`evaluate --run ${about.out} --name ${bestRun(standings)}`),
    );
  }
  return parts.length === 0 ? "" : `\n${parts.join("\n\n")}\n`;
}

/** Where a variant stands that does not fit everywhere. */
export function describePositions(label: string, { at, of }: SomePositions): string {
  return `${label} fits ${at.length} of ${of} places; what the configuration has at the others stays there.`;
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
  const rows = finalists.map((one) => [
    one.name === NONE ? NONE : comparison.variants.find(({ label }) => label === one.name)!.plugin,
    showOptions(one.options),
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
    showOptions(one.options),
    `round ${one.afterRound}, ${showEpochs(one.epochs)}`,
    showError(one.validationError, classification),
    showError(one.bestValidationError, classification),
    `${one.step.ratio.toFixed(2)} x`,
  ]);
  const head = ["left behind", "best options", "after", "validation error", "the best one's", "step"];
  return `${table(rows, head)}\nof one seed; what they would have come to, on the test part too, is not known`;
}
