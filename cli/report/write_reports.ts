/** Reports as files: one in each run's folder, and one that shows all runs of a folder side by side. @module */
import { folderOfRun } from "../run/run_directory.ts";
import { version } from "../version.ts";
import { reportPage } from "./html.ts";
import { Pace } from "./pace.ts";
import type { ReportData, RunReport } from "./report_data.ts";
import { type ReportedRun, runReport } from "./run_report.ts";

/** The name of a report in its folder. */
export const REPORT = "report.html";

/** Milliseconds that a run which was stopped may make a person wait for its report. */
const PATIENCE_MS = 2000;

/** Runs beyond which fewer of their pictures stand side by side. */
const MANY = 8;

/** Runs that are reported together. */
export function reportData(title: string, runs: readonly RunReport[]): ReportData {
  const pictures = runs.length > MANY ? 16 : 64;
  return {
    format: 1,
    madeBy: `@thinned/dropout ${version}`,
    madeAt: new Date().toISOString(),
    title,
    runs: runs.map((run) => ({
      ...run,
      ...(run.features && { features: { ...run.features, tiles: run.features.tiles.slice(0, pictures) } }),
    })),
  };
}

/** Writes a file in one go: whoever reads it sees the old one or the new one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeTextFile(temporary, text, { createNew: true });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * Makes what is said of each run, one after the other.
 *
 * @param signal ends what takes long; the reports then have less in them
 */
export async function reportRuns(runs: readonly ReportedRun[], signal?: AbortSignal): Promise<RunReport[]> {
  const found: RunReport[] = [];
  for (const run of runs) {
    const pace = run.interrupted
      ? new Pace({ what: `Report of ${run.name}`, most: PATIENCE_MS })
      : new Pace({ what: `Report of ${run.name}`, signal });
    found.push(await runReport(run, pace));
  }
  return found;
}

/**
 * Writes a report into the folder of each run, and for several one into the run directory, too.
 *
 * @param out the run directory
 * @returns the path of the one that shows all of them, and what it shows
 */
export async function writeReports(
  out: string,
  runs: readonly ReportedRun[],
  signal?: AbortSignal,
): Promise<{ readonly path: string; readonly data: ReportData; readonly reports: readonly RunReport[] }> {
  const reports = await reportRuns(runs, signal);
  const title = runs[0].dataset.name;
  const path = `${out}/${REPORT}`;
  for (const [i, { name, config }] of runs.entries()) {
    const folder = folderOfRun(out, config, name);
    if (folder !== out) await writeWhole(`${folder}/${REPORT}`, reportPage(reportData(title, [reports[i]])));
  }
  const data = reportData(title, reports);
  await writeWhole(path, reportPage(data));
  return { path, data, reports };
}

/** A report of runs in training, without what follows from predictions, which would make training wait. */
export async function reportNow(runs: readonly ReportedRun[]): Promise<ReportData> {
  const reports: RunReport[] = [];
  for (const run of runs) reports.push(await runReport(run));
  return reportData(runs[0].dataset.name, reports);
}
