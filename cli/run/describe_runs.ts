/** What `train` prints at the end: the runs in a table and their learning curves, or as JSON. @module */
import {
  currentBackend,
  type EpochMetrics,
  type FitResult,
  type Sparsity,
  sparsity,
  type WeightCount,
} from "../../mod.ts";
import { curves } from "../print/curves.ts";
import type { Config } from "../configuration/config.ts";
import { invocation } from "../arguments/invocation.ts";
import { runsOf } from "../configuration/runs_of.ts";
import { mean, spread } from "../print/spread.ts";
import { table } from "../print/table.ts";

/** What is known of the runs together. */
export interface RunsTold {
  /** Their configuration. */
  readonly config: Pick<Config, "runs" | "seed" | "seeds" | "ensemble">;
  /** Their folder. */
  readonly out: string;
  /** What a person should know of how they were computed. */
  readonly warning?: string;
}

/** Runs that differ in their seed alone. */
interface Variant {
  readonly name: string;
  readonly runs: readonly FitResult[];
}

/** The results by variant, in the order of the configuration. */
function variantsOf(results: readonly FitResult[], config: RunsTold["config"]): Variant[] {
  const groups = Map.groupBy(runsOf(config), (run) => run.variant);
  return [...groups].map(([name, runs]) => ({
    name,
    runs: runs.flatMap((run) => results.find((result) => result.name === run.name) ?? []),
  }));
}

type Metric = "trainError" | "validationError" | "testError";

/** What the runs of a variant are, where there may be several. */
function severalOf(config: RunsTold["config"]): "seeds" | "members" | undefined {
  if (config.seeds !== undefined) return "seeds";
  return runsOf(config).some(({ ensemble }) => ensemble !== undefined) ? "members" : undefined;
}

/** The table of runs, one line for all seeds of each, and the curves of their errors. */
export function describeRuns(
  results: readonly FitResult[],
  { classification, config, out, warning }: RunsTold & { classification: boolean },
): string {
  const error = (value: number) => classification ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4);
  const over = (values: readonly number[]) => {
    const { mean, deviation } = spread(values);
    if (deviation === undefined) return error(mean);
    return classification
      ? `${(100 * mean).toFixed(2)} ± ${(100 * deviation).toFixed(2)} %`
      : `${mean.toPrecision(4)} ± ${deviation.toPrecision(2)}`;
  };
  const several = severalOf(config);
  const seeded = several !== undefined;
  const validated = results.some((run) => run.validationError !== undefined);
  const variants = variantsOf(results, config);
  const rows = variants.map(({ name, runs }) => [
    name,
    ...(seeded ? [String(runs.length)] : []),
    runs[0].parameters.toLocaleString("en"),
    epochs(runs),
    over(runs.map((run) => run.trainError)),
    ...(validated ? [over(runs.map((run) => run.validationError ?? NaN))] : []),
    over(runs.map((run) => run.testError)),
    over(runs.map((run) => run.testError - run.trainError)),
    `${mean(runs.map((run) => run.stepMs)).toFixed(1)} ms`,
  ]);
  const head = [
    "run",
    ...(seeded ? [several] : []),
    "parameters",
    "epochs",
    "train error",
    ...(validated ? ["validation error"] : []),
    "test error",
    "gap",
    "time a step",
  ];
  const series = variants.flatMap(({ name, runs }) => {
    const common = Math.min(...runs.map((run) => run.history.length));
    const values = (of: (metrics: EpochMetrics) => number) =>
      Array.from(
        { length: common },
        (_, i) => (classification ? 100 : 1) * mean(runs.map((run) => of(run.history[i]))),
      );
    return [
      { name: `${name}, test`, values: values((metrics) => metrics.testError) },
      { name: `${name}, train`, values: values((metrics) => metrics.trainError) },
    ];
  });
  const title = `${classification ? "error" : "root mean squared error"} by epoch${
    seeded ? `, mean over ${several}` : ""
  }`;
  const unit = classification ? "%" : "";
  const drawn = series.some(({ values }) => values.length > 1)
    ? `\n${curves(series, { width: 72, height: 16, title, unit })}\n`
    : "";
  const warned = warning === undefined ? "" : `\n${warning}\n`;
  return `\n${table(rows, head)}\n${seeded ? `mean ± standard deviation over the ${several}\n` : ""}${drawn}${
    describeSparsity(results)
  }${warned}\n` +
    `The run is in ${out}\n` +
    (several === "members" ? `What the members say in the mean: ${invocation(`evaluate --run ${out}`)}\n` : "");
}

/** What is left of a run's weights, where a variant zeroes some for good. */
function sparsityOf(run: FitResult): { sparsity: Sparsity } | undefined {
  const counted = sparsity(run.model);
  return counted.layers.length === 0 ? undefined : { sparsity: counted };
}

/** A table of the weights that are left in each layer of the runs that have lost some. */
function describeSparsity(results: readonly FitResult[]): string {
  const whole = (value: number) => value.toLocaleString("en");
  const tables = results.flatMap((run) => {
    const counted = sparsityOf(run)?.sparsity;
    if (counted === undefined) return [];
    const row = (
      name: string,
      { weights, kept, sparsity }: WeightCount,
    ) => [name, whole(weights), whole(kept), `${(100 * sparsity).toFixed(2)} %`];
    const rows = [...counted.layers.map((layer) => row(layer.path, layer)), row("all", counted)];
    const head = [`weights of ${run.name}`, "all", "kept", "zero"];
    return [`\n${table(rows, head)}\n${counted.compression.toFixed(1)} times fewer weights\n`];
  });
  return tables.join("");
}

/** How many epochs runs took, and which one's weights they end with where that is not the last. */
function epochs(runs: readonly FitResult[]): string {
  const range = (values: readonly number[]) => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return least === most ? String(least) : `${least} to ${most}`;
  };
  const taken = range(runs.map((run) => run.history.length));
  return runs.some(isEarlier) ? `${taken}, best ${range(runs.map((run) => run.epoch))}` : taken;
}

/** Whether a run ended with the weights of an epoch before its last. */
function isEarlier(run: FitResult): boolean {
  return run.history.length > 0 && run.epoch !== run.history.length;
}

/** The runs as the one object of `--json`. */
export function summarizeRuns(
  results: readonly FitResult[],
  { dataset, config, out, warning }: RunsTold & { dataset: string },
): unknown {
  const { name, blas, threads } = currentBackend().info();
  const several = severalOf(config);
  const seedOf = new Map(runsOf(config).map((run) => [run.name, run.seed]));
  return {
    dataset,
    backend: name,
    blas,
    threads,
    ...(warning === undefined ? {} : { warning }),
    seed: config.seed,
    out,
    runs: results.map((run) => ({
      name: run.name,
      seed: seedOf.get(run.name),
      parameters: run.parameters,
      epochs: run.history.length,
      bestEpoch: isEarlier(run) ? run.epoch : undefined,
      trainError: run.trainError,
      validationError: run.validationError,
      testError: run.testError,
      trainLoss: run.trainLoss,
      validationLoss: run.validationLoss,
      testLoss: run.testLoss,
      secondsPerEpoch: run.secondsPerEpoch,
      stepMs: run.stepMs,
      ...(sparsityOf(run) ?? {}),
    })),
    ...(several === undefined ? {} : {
      [several === "seeds" ? "overSeeds" : "overMembers"]: variantsOf(results, config)
        .map((variant) => summarize(variant, several)),
    }),
  };
}

/** Mean and standard deviation over the runs of a variant. */
function summarize({ name, runs }: Variant, several: "seeds" | "members"): unknown {
  const of = (metric: Metric) => spread(runs.map((run) => run[metric] ?? NaN));
  return {
    name,
    [several]: runs.length,
    trainError: of("trainError"),
    ...(runs.some((run) => run.validationError !== undefined) ? { validationError: of("validationError") } : {}),
    testError: of("testError"),
  };
}
