/** What a report says of one run, from its folder, its model and its data. @module */
import type { Dataset, EpochMetrics, Model, Plugin, Progress } from "../../mod.ts";
import { invocation } from "../arguments/invocation.ts";
import type { Config } from "../configuration/config.ts";
import { runsOf } from "../configuration/runs_of.ts";
import { setPath } from "../configuration/set_path.ts";
import { folderOfRun } from "../run/run_directory.ts";
import { featuresOf } from "./features.ts";
import { judge, type Judgement } from "./judge.ts";
import { classNamesOf } from "./names.ts";
import { type ObservationLine, OBSERVATIONS, readObservations } from "./recorder.ts";
import type {
  LayerReport,
  Maybe,
  MetricsLine,
  RunReport,
  SiteReport,
  TimeReport,
  WeightReport,
} from "./report_data.ts";
import { Enough, type Pace } from "./pace.ts";
import { stepParts } from "./step_parts.ts";

/** A run, and its model as it was measured. */
export interface ReportedRun {
  /** Its name in its configuration. */
  readonly name: string;
  /** What it is called in the report. Default: its name. */
  readonly called?: string;
  /** The run directory. */
  readonly out: string;
  /** The configuration of the run directory. */
  readonly config: Config;
  /** The model. */
  readonly model: Model;
  /** Its data, with the validation part that was held back. */
  readonly dataset: Dataset;
  /** Its loss. */
  readonly loss: Plugin<"loss">;
  /** How far training had come where the model was measured. */
  readonly progress: Progress;
  /** Epochs done. */
  readonly epoch: number;
  /** The metrics of those. */
  readonly history: readonly EpochMetrics[];
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** The epoch whose weights the model has, where that is not the last. */
  readonly bestEpoch?: number;
  /** Whether it was stopped before its end. */
  readonly interrupted: boolean;
  /** What computed it. */
  readonly backend?: string;
}

/** Histograms of a layer that are shown. */
const MOST_HISTOGRAMS = 12;

/** Classes whose names are told. */
const MOST_NAMES = 1000;

/**
 * What is said of a run. Where there is not enough time, what follows from predictions is left out.
 *
 * @param pace how long it may take; without one, nothing is predicted
 */
export async function runReport(run: ReportedRun, pace?: Pace): Promise<RunReport> {
  const { name, out, config, model, dataset, history, epoch } = run;
  const folder = folderOfRun(out, config, name);
  const entry = runsOf(config).find((run) => run.name === name)!;
  const changed = changedBy(config, entry.set);
  const lines = (await readObservations(`${folder}/${OBSERVATIONS}`)).filter((line) => line.epoch <= epoch);
  const { train, validation, test } = dataset;
  const features = featuresOf(model, dataset);
  return {
    name: run.called ?? name,
    variant: entry.variant,
    seed: changed.seed,
    ...(config.description !== undefined && { description: config.description }),
    config: changed,
    command: invocation(`train --config ${out}/config.json`),
    ...(run.interrupted && { resume: invocation(`train --resume ${out}`) }),
    ...(run.backend !== undefined && { backend: run.backend }),
    dataset: {
      name: dataset.name,
      train: train.count,
      validation: validation?.count ?? 0,
      test: test.count,
      shape: [...train.shape],
      classes: dataset.classes > MOST_NAMES ? [] : classNamesOf(dataset),
    },
    classification: dataset.classes > 0,
    model: model.summary().map(({ path, plugin, shape, parameters, site }) => ({
      path,
      plugin,
      shape: [...shape],
      parameters,
      site,
    })),
    parameters: model.parameterCount(),
    batchSize: changed.batchSize,
    epochs: { done: epoch, of: run.epochs },
    ...(run.bestEpoch !== undefined && { bestEpoch: run.bestEpoch }),
    interrupted: run.interrupted,
    history: await metricsOf(folder, history),
    observed: lines.map((line) => line.epoch),
    ...(lines.length > 0 && { sample: lines.at(-1)!.sample }),
    sites: sitesOf(model, lines),
    layers: layersOf(model, lines),
    weights: weightsOf(model, lines),
    ...(features !== undefined && { features }),
    ...(pace !== undefined && await judged(run, pace)),
    time: { ...timeOf(history, lines), ...(pace !== undefined && partsOf(run, changed.batchSize)) },
  };
}

function partsOf({ model, dataset, loss, progress }: ReportedRun, batchSize: number): Pick<TimeReport, "kernels"> {
  const kernels = stepParts({ model, dataset, loss, progress, batchSize });
  return kernels === undefined ? {} : { kernels };
}

async function judged({ model, dataset, loss, progress }: ReportedRun, pace: Pace): Promise<Judgement> {
  try {
    return await judge({ model, dataset, loss, progress, turn: (done, of) => pace.turn(done, of) });
  } catch (error) {
    if (error instanceof Enough) return {};
    throw error;
  }
}

/** The configuration of one run by itself. */
function changedBy(config: Config, set: Readonly<Record<string, unknown>>): Config {
  const { runs: _, seeds: __, ensemble: ___, ...alone } = config;
  let json: unknown = alone;
  for (const [path, value] of Object.entries(set)) if (path !== "ensemble") json = setPath(json, path, value);
  return json as Config;
}

/** The lines of `metrics.jsonl` of the epochs done, as they are; what the run itself knows where there is no such file. */
async function metricsOf(folder: string, history: readonly EpochMetrics[]): Promise<MetricsLine[]> {
  const text = await Deno.readTextFile(`${folder}/metrics.jsonl`).catch(() => "");
  try {
    const lines = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as MetricsLine);
    if (history.every(({ epoch }, i) => lines[i]?.epoch === epoch)) return lines.slice(0, history.length);
  } catch {
    // A file that was changed by hand.
  }
  return JSON.parse(JSON.stringify(history));
}

/** One number of each line, null where it has none. */
function series<T>(
  lines: readonly ObservationLine[],
  of: (line: ObservationLine) => T | undefined,
  number: (found: T) => Maybe,
): Maybe[] {
  return lines.map((line) => {
    const found = of(line);
    return found === undefined ? null : number(found) ?? null;
  });
}

function sitesOf(model: Model, lines: readonly ObservationLine[]): SiteReport[] {
  return model.summary().filter(({ site }) => site !== null).map(({ path, plugin, site }) => ({
    path,
    variant: plugin,
    role: site!,
    asked: series(lines, ({ sites }) => sites[path], ({ asked }) => asked),
    realised: series(lines, ({ sites }) => sites[path], ({ realised }) => realised),
  }));
}

/** At most so many things of a list, evenly spread, the first and the last among them. */
export function spreadOut<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]);
}

function layersOf(model: Model, lines: readonly ObservationLine[]): LayerReport[] {
  const seen = new Set(lines.flatMap(({ layers }) => Object.keys(layers)));
  return [...model.plugins().keys()].filter((path) => seen.has(path)).map((path) => {
    const of = ({ layers }: ObservationLine) => layers[path];
    const { plugin, units } = of(lines.find((line) => of(line) !== undefined)!);
    return {
      path,
      plugin,
      units,
      dead: series(lines, of, ({ dead }) => dead),
      active: series(lines, of, ({ active }) => active),
      mean: series(lines, of, ({ mean }) => mean),
      histograms: spreadOut(lines.filter((line) => of(line) !== undefined), MOST_HISTOGRAMS).map((line) => {
        const { outputs, zeros, means } = of(line);
        return { epoch: line.epoch, outputs, zeros, means };
      }),
    };
  });
}

function weightsOf(model: Model, lines: readonly ObservationLine[]): WeightReport[] {
  return model.parameters().map(({ name, tensor }) => {
    const of = ({ weights }: ObservationLine) => weights[name];
    const held = lines.some((line) => of(line)?.limit !== undefined);
    return {
      name,
      shape: [...tensor.shape],
      norm: series(lines, of, ({ norm }) => norm),
      ...(held && {
        maxNorm: {
          limit: series(lines, of, ({ limit }) => limit ?? null),
          hits: series(lines, of, ({ hits }) => hits ?? null),
        },
      }),
    };
  });
}

function timeOf(history: readonly EpochMetrics[], lines: readonly ObservationLine[]): TimeReport {
  const steps = history.map(({ stepMs }) => stepMs).sort((a, b) => a - b);
  const { between = null, recording = null } = lines.at(-1)?.seconds ?? {};
  return {
    steps: history.reduce((sum, { seconds }) => sum + seconds, 0),
    evaluation: between,
    recording,
    stepMs: steps[steps.length >> 1] ?? null,
  };
}
