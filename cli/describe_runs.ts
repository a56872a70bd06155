/** What `train` prints at the end: the runs in a table and their learning curves, or as JSON. @module */
import { currentBackend, type EpochMetrics, type FitResult } from "../mod.ts";
import { curves } from "./_curves.ts";
import { table } from "./_table.ts";

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

/** The runs as the one object of `--json`. */
export function summarizeRuns(results: readonly FitResult[], dataset: string, seed: number, out: string): unknown {
  const { name, blas, threads } = currentBackend().info();
  return {
    dataset,
    backend: name,
    blas,
    threads,
    seed,
    out,
    runs: results.map((run) => ({
      name: run.name,
      parameters: run.parameters,
      epochs: run.epoch,
      trainError: run.trainError,
      validationError: run.validationError,
      testError: run.testError,
      trainLoss: run.trainLoss,
      validationLoss: run.validationLoss,
      testLoss: run.testLoss,
      secondsPerEpoch: run.secondsPerEpoch,
      stepMs: run.stepMs,
    })),
  };
}
