/** What `train` prints at the end: the runs in a table, and their learning curves. @module */
import type { EpochMetrics, FitResult } from "../mod.ts";
import { curves, table } from "./_chart.ts";

/** The table of runs and the curves of their errors. */
export function describeRuns(results: readonly FitResult[], classification: boolean, out: string): string {
  const error = (value: number) => classification ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4);
  const validated = results.some((run) => run.validationError !== undefined);
  const rows = results.map((run) => [
    run.name,
    run.parameters.toLocaleString("en"),
    String(run.epoch),
    error(run.trainError),
    ...(validated ? [run.validationError === undefined ? "" : error(run.validationError)] : []),
    error(run.testError),
    error(run.testError - run.trainError),
    `${run.stepMs.toFixed(1)} ms`,
  ]);
  const validation = validated ? ["validation error"] : [];
  const head = ["run", "parameters", "epochs", "train error", ...validation, "test error", "gap", "time a step"];
  const series = results.flatMap((run) => {
    const values = (of: (metrics: EpochMetrics) => number) =>
      run.history.map((metrics) => (classification ? 100 : 1) * of(metrics));
    return [
      { name: `${run.name}, test`, values: values((metrics) => metrics.testError) },
      { name: `${run.name}, train`, values: values((metrics) => metrics.trainError) },
    ];
  });
  const title = classification ? "error by epoch" : "root mean squared error by epoch";
  const unit = classification ? "%" : "";
  const drawn = results.some((run) => run.history.length > 1)
    ? `\n${curves(series, { width: 72, height: 16, title, unit })}\n`
    : "";
  return `\n${table(rows, head)}\n${drawn}\nThe run is in ${out}\n`;
}
