/** Which runs are shown, in which colours, and what they ended with. @module */
import type { MetricsLine, ReportData, RunReport } from "../report_data.ts";

/** A run with its place among the colours. */
export interface Shown {
  /** What is known of it. */
  readonly run: RunReport;
  /** Its colour, for strokes and fills: a variable of the style sheet. */
  readonly colour: string;
  /** How its lines are dashed, for eyes and printers that see no colours; undefined for not at all. */
  readonly dash: string | undefined;
  /** Whether it stands for its variant where not every seed can be shown. */
  readonly first: boolean;
}

/** Number of colours in the style sheet. */
const COLOURS = 6;

/** Dashes, one for each time that the colours are used up. */
const DASHES = [undefined, "6 3", "2 3", "8 3 2 3"];

/** Gives each run its colour: one for each variant, which its seeds share. */
export function coloured(data: ReportData): Shown[] {
  const variants = [...new Set(data.runs.map(({ variant }) => variant))];
  const seen = new Set<string>();
  return data.runs.map((run) => {
    const index = variants.indexOf(run.variant);
    const first = !seen.has(run.variant);
    seen.add(run.variant);
    return {
      run,
      colour: `var(--run-${index % COLOURS})`,
      dash: DASHES[Math.floor(index / COLOURS) % DASHES.length],
      first,
    };
  });
}

/** Runs by their variants, in their order. */
export function byVariant(runs: readonly Shown[]): Map<string, Shown[]> {
  return Map.groupBy(runs, ({ run }) => run.variant);
}

/** What the runs of one variant are called together. */
export function nameOf(group: readonly Shown[]): string {
  const [{ run }] = group;
  return group.length === 1 ? run.name : `${run.variant}, ${group.length} seeds`;
}

/** The line of the epoch whose weights a run has; undefined before its first epoch is done. */
export function lastLine({ history, bestEpoch }: RunReport): MetricsLine | undefined {
  return history.find(({ epoch }) => epoch === bestEpoch) ?? history.at(-1);
}
