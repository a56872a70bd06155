/** What came out, in words. @module */
import type { Maybe, ReportData, RunReport } from "../report_data.ts";
import { difference, errorText, gapText, several } from "./format.ts";
import { lastLine } from "./runs.ts";
import { meanOf } from "./spread.ts";

/** A variant with the mean of its runs' last errors. */
interface Result {
  readonly name: string;
  readonly test: number;
  readonly gap: Maybe;
}

/** The report's first sentence: the error that the runs ended with. */
export function headline({ runs }: ReportData): string {
  const { classification } = runs[0];
  const [best, next] = resultsOf(runs);
  if (best === undefined) return "No epoch is done yet.";
  const error = `${averaged(runs) ? "mean " : ""}${classification ? "test error" : "root mean squared test error"}`;
  const value = `${error} ${errorText(best.test, classification)}`;
  if (next === undefined) {
    const gap = best.gap === null ? "" : `; the gap to training is ${gapText(best.gap, classification)}`;
    return `${value[0].toUpperCase()}${value.slice(1)} ${when(runs)}${gap}.`;
  }
  if (next.test === best.test) return `${best.name} and ${next.name} are level: ${value}.`;
  return `${best.name} is ahead: ${value}, ${gapText(next.test - best.test, classification)} below ${next.name}.`;
}

/** What is to be known beside it: the gaps of several runs, and which were stopped. */
export function lead({ runs }: ReportData): string {
  const { classification } = runs[0];
  const results = resultsOf(runs);
  const sentences: string[] = [];
  if (results.length > 1) {
    const after = when(runs);
    sentences.push(
      `${after[0].toUpperCase()}${after.slice(1)}, the gap to training is ${gapsOf(results, classification)}.`,
    );
  }
  const stops = Map.groupBy(
    runs.filter(({ interrupted }) => interrupted),
    ({ epochs: { done, of } }) => `stopped after ${several(done, "epoch")} of ${of}.`,
  );
  for (const [how, group] of stops) {
    const names = group.map(({ name }) => name);
    if (group.length === runs.length) sentences.push(`Training was ${how}`);
    else sentences.push(`${listed(names)} ${group.length === 1 ? "was" : "were"} ${how}`);
  }
  return sentences.join(" ");
}

/** The gaps of a few variants, of more the smallest and the largest. */
function gapsOf(results: readonly Result[], classification: boolean): string {
  const say = ({ name, gap }: Result) => `${gapText(gap, classification)} for ${name}`;
  const known = results.filter(({ gap }) => gap !== null);
  if (known.length <= 3) return listed(known.map(say));
  const sorted = known.sort((a, b) => a.gap! - b.gap!);
  return `from ${say(sorted[0])} to ${say(sorted.at(-1)!)}`;
}

/** Each variant that has an error, with its mean over seeds, the best first. */
function resultsOf(runs: readonly RunReport[]): Result[] {
  const results: Result[] = [];
  for (const [name, group] of Map.groupBy(runs, ({ variant }) => variant)) {
    const lines = group.flatMap((run) => lastLine(run) ?? []);
    const test = meanOf(lines.map(({ testError }) => testError));
    const gap = meanOf(lines.map(({ testError, trainError }) => difference(testError, trainError)));
    if (test !== null) results.push({ name: group.length === 1 ? group[0].name : name, test, gap });
  }
  return results.sort((a, b) => a.test - b.test);
}

/** Whether there are several seeds of a variant. */
function averaged(runs: readonly RunReport[]): boolean {
  return new Set(runs.map(({ variant }) => variant)).size < runs.length;
}

/** After how many epochs the errors were measured. */
function when(runs: readonly RunReport[]): string {
  const done = runs.flatMap((run) => lastLine(run)?.epoch ?? []);
  const [least, most] = [Math.min(...done), Math.max(...done)];
  return `after ${least === most ? several(most, "epoch") : `${least} to ${several(most, "epoch")}`}`;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
