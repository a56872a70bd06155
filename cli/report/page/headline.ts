/** What came out, in words. @module */
import type { Maybe, ReportData, RunReport } from "../report_data.ts";
import { difference, errorText, gapText, several } from "./format.ts";
import { lastLine } from "./runs.ts";

/** A variant with the mean of its runs' last errors. */
interface Result {
  readonly name: string;
  readonly test: number;
  readonly gap: Maybe;
}

/** The report's first sentence: which error the runs ended with, and how far training is ahead of test. */
export function headline({ runs }: ReportData): string {
  const [run] = runs;
  const results = resultsOf(runs);
  if (results.length === 0) return "No epoch is done yet.";
  const { classification } = run;
  const error = classification ? "test error" : "root mean squared test error";
  const say = (value: Maybe) => errorText(value, classification);
  const sure = runs.length > results.length && results.length > 0 ? "mean " : "";
  const [best, ...others] = [...results].sort((a, b) => a.test - b.test);
  if (others.length === 0) {
    const words = `${sure}${error} ${say(best.test)} ${when(runs)}${gapWords(best.gap, classification)}.`;
    return words[0].toUpperCase() + words.slice(1);
  }
  const [next] = others;
  const ahead = gapText(next.test - best.test, classification);
  const lead = next.test === best.test
    ? `${best.name} and ${next.name} are level: ${sure}${error} ${say(best.test)} ${when(runs)}`
    : `${best.name} is ahead: ${sure}${error} ${say(best.test)} ${when(runs)}, ${ahead} below ${next.name}`;
  const gaps = results.length === 2 && best.gap !== null && next.gap !== null
    ? `; the gap to training is ${gapText(best.gap, classification)}, ${next.name}’s ${
      gapText(next.gap, classification)
    }`
    : gapWords(best.gap, classification);
  return `${lead}${gaps}.`;
}

/** Each variant that has an error, with its mean over seeds. */
function resultsOf(runs: readonly RunReport[]): Result[] {
  const results: Result[] = [];
  for (const [name, group] of Map.groupBy(runs, ({ variant }) => variant)) {
    const lines = group.flatMap((run) => lastLine(run) ?? []);
    const test = mean(lines.map(({ testError }) => testError));
    const gap = mean(lines.map(({ testError, trainError }) => difference(testError, trainError)));
    if (test !== null) results.push({ name: group.length === 1 ? group[0].name : name, test, gap });
  }
  return results;
}

/** After how many epochs. */
function when(runs: readonly RunReport[]): string {
  const done = [...new Set(runs.map((run) => lastLine(run)?.epoch ?? 0))];
  const ended = runs.every(({ epochs }) => epochs.done >= epochs.of);
  const stopped = runs.some(({ interrupted }) => interrupted);
  if (done.length > 1) return `after ${Math.min(...done)} to ${several(Math.max(...done), "epoch")}`;
  const of = ended || done[0] > runs[0].epochs.of ? "" : ` of ${runs[0].epochs.of}`;
  const words = of === "" ? several(done[0], "epoch") : `${done[0]}${of} epochs`;
  return `after ${words}${stopped ? ", where it was stopped" : ""}`;
}

function gapWords(gap: Maybe, classification: boolean): string {
  return gap === null ? "" : `; the gap to training is ${gapText(gap, classification)}`;
}

function mean(values: readonly Maybe[]): Maybe {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
