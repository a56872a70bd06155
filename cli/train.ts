/** `train`: one run, or several side by side, from a configuration to a run directory. @module */
import {
  checkpointSteps,
  checkpointWriter,
  type Dataset,
  defaultLoss,
  DivergenceError,
  type FitResult,
  holdBack,
  loadDataset,
  metricsLog,
  progressBar,
  ThinnedError,
  Trainer,
} from "../mod.ts";
import { backendLine, chooseBackend } from "./run/choose_backend.ts";
import { trainCommand } from "./arguments/commands/train.ts";
import { configuredDataset, type ConfiguredRun, configuredRun } from "./configuration/configured_run.ts";
import { note, type Outcome } from "./arguments/deliver.ts";
import { describeRuns, summarizeRuns } from "./run/describe_runs.ts";
import { Interruption } from "./arguments/interruption.ts";
import { invocation } from "./arguments/invocation.ts";
import type { Dashboard } from "./dashboard/dashboard.ts";
import { makePlan, type Plan } from "./configuration/make_plan.ts";
import { readPort } from "./dashboard/read_port.ts";
import { readArguments } from "./arguments/read_arguments.ts";
import { Recorder } from "./report/recorder.ts";
import type { ReportData } from "./report/report_data.ts";
import type { ReportedRun } from "./report/run_report.ts";
import { runsOf } from "./configuration/runs_of.ts";
import { folderOfRun, identityOf, lastSnapshot, RunDirectory } from "./run/run_directory.ts";

/** Runs `train`. */
export async function train(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, trainCommand);
  const port = readPort(given);
  const plan = await makePlan(given);
  const { warning } = await chooseBackend(given.value("backend"), plan.registry.list());
  // One that goes on is locked before its checkpoints are looked at; a new one is made once all has been checked.
  const reopened = plan.resumes ? await RunDirectory.reopen(plan.out) : undefined;
  const interruption = new Interruption();
  let dashboard: Dashboard | undefined;
  try {
    const dataset = plan.dataset ?? await loadDataset(configuredDataset(plan.config, plan.registry));
    const runs = runsOf(plan.config).map((run) => configuredRun(plan.config, run.name, plan.registry));
    const parted = partedOnce(dataset);
    const trainings: Training[] = [];
    if (port !== undefined) dashboard = await openDashboard(port, plan, trainings, interruption);
    for (const run of runs) {
      trainings.push(await makeTraining(plan, run, parted(run), interruption.signal, dashboard));
    }
    const trainers = trainings.map(({ trainer }) => trainer);
    const before = trainers.find(({ info }) => info.computedBefore !== undefined)?.info.computedBefore;
    if (before !== undefined) {
      note(`The checkpoint was computed by ${before}: the last bits will not be those of a run that never stopped.`);
    }
    if (dashboard !== undefined) note(`Training is shown at ${dashboard.url}`);
    const results = await inDirectory(plan, reopened, trainings, interruption, dashboard);
    const status = results.some((result) => result.interrupted) ? interruption.status : 0;
    if (status !== 0) note(`Stopped. To go on: ${invocation(`train --resume ${plan.out}`)}`);
    return {
      json: summarizeRuns(results, { dataset: dataset.name, config: plan.config, out: plan.out, warning }),
      text: describeRuns(results, {
        classification: dataset.classes > 0,
        config: plan.config,
        out: plan.out,
        warning,
      }),
      status,
    };
  } finally {
    await dashboard?.close("failed"); // unless it has heard another end
    reopened?.release();
  }
}

/** Begins to show training on a page. */
async function openDashboard(
  port: number,
  plan: Plan,
  trainings: readonly Training[],
  interruption: Interruption,
): Promise<Dashboard> {
  // With the page's scripts they are large, and needed only here.
  const { Dashboard } = await import("./dashboard/dashboard.ts");
  const { reportNow } = await import("./report/write_reports.ts");
  return new Dashboard({
    port,
    report: () => reportNow(trainings.map((training) => reportedRun(plan, training))),
    stop: () => interruption.ask(),
    signal: interruption.signal,
    resume: invocation(`train --resume ${plan.out}`),
  });
}

/** The data with the validation part of a run, which runs that have the same share. */
function partedOnce(dataset: Dataset): (run: ConfiguredRun) => Dataset {
  const made = new Map<string, Dataset>();
  return ({ validation, validationSeed }) => {
    if (validation === undefined) return dataset;
    const key = `${validation} ${validationSeed}`;
    const found = made.get(key) ?? holdBack(dataset, validation, validationSeed);
    made.set(key, found);
    return found;
  };
}

/** A run in training. */
interface Training {
  /** Its parts. */
  readonly run: ConfiguredRun;
  /** Its data. */
  readonly dataset: Dataset;
  /** What trains it. */
  readonly trainer: Trainer;
  /** What writes down what happens inside of it. */
  readonly recorder: Recorder;
}

/** One run, ready to begin: its parts made and checked, its checkpoint restored when it goes on. */
async function makeTraining(
  plan: Plan,
  run: ConfiguredRun,
  dataset: Dataset,
  signal: AbortSignal,
  dashboard: Dashboard | undefined,
): Promise<Training> {
  const { config, out } = plan;
  const directory = folderOfRun(out, config, run.name);
  const { model, validation: _, validationSeed: __, ...settings } = run;
  const trainer = await Trainer.create(model, {
    ...settings,
    data: dataset,
    signal,
    resume: plan.resumes ? await lastSnapshot(out, config, run.name) : undefined,
    observers: [
      progressBar(),
      metricsLog({ path: `${directory}/metrics.jsonl` }),
      checkpointWriter({ directory, run: identityOf(config, run.name) }),
      ...run.observers,
      ...(dashboard === undefined ? [] : [dashboard.observer()]),
    ],
  });
  const idle = () => dashboard?.pausedSeconds ?? 0;
  return { run, dataset, trainer, recorder: await Recorder.of(trainer, dataset, directory, idle) };
}

/** Writes the configuration and trains. A run that fails leaves its last checkpoint behind, or else nothing. */
async function inDirectory(
  plan: Plan,
  reopened: RunDirectory | undefined,
  trainings: readonly Training[],
  interruption: Interruption,
  dashboard: Dashboard | undefined,
): Promise<FitResult[]> {
  const directory = reopened ?? await RunDirectory.create(plan.out);
  try {
    interruption.listen();
    await directory.begin(plan.config);
    for (const { trainer } of trainings) await trainer.open();
    const results = await trainSideBySide(plan, trainings, dashboard);
    const made = await report(plan, trainings, results, interruption.signal);
    await dashboard?.close(interruption.signal.aborted ? "stopped" : "done", made);
    return results;
  } catch (error) {
    const folders = runsOf(plan.config).map((run) => folderOfRun(plan.out, plan.config, run.name));
    const steps = await Promise.all(folders.map((folder) => checkpointSteps(folder).catch(() => [])));
    if (steps.flat().length === 0) await directory.undo(plan.config);
    else if (error instanceof DivergenceError) {
      const change = "--set optimizer.learningRate=NUMBER";
      const line = invocation(`train --resume ${plan.out} ${change}`);
      note(`To go on from the last checkpoint with a change: ${line}`);
    }
    throw error;
  } finally {
    interruption.close();
    directory.release();
  }
}

/** Trains the runs an epoch each in turn, so that they can be compared while they grow. */
async function trainSideBySide(
  plan: Plan,
  trainings: readonly Training[],
  dashboard: Dashboard | undefined,
): Promise<FitResult[]> {
  while (trainings.some(({ trainer }) => !trainer.done)) {
    for (const { trainer, recorder } of trainings) {
      if (trainer.done) continue;
      try {
        await recorder.runEpoch();
        dashboard?.news();
      } catch (error) {
        if (error instanceof ThinnedError && trainings.length > 1) {
          error.message = `${trainer.info.name}: ${error.message}`;
        }
        throw error;
      }
    }
  }
  const results: FitResult[] = [];
  for (const { trainer } of trainings) {
    results.push(await trainer.end());
    const folder = folderOfRun(plan.out, plan.config, trainer.info.name);
    await trainer.save(`${folder}/model.safetensors`);
  }
  return results;
}

/** What a report is made of: a run as it is now, or with the weights that it has ended with. */
function reportedRun({ out, config }: Plan, { run, dataset, trainer }: Training, result?: FitResult): ReportedRun {
  const { model, history, step, info: { name, stepsPerEpoch, epochs, backend } } = trainer;
  const epoch = result?.epoch ?? trainer.epoch;
  const earlier = result !== undefined && history.length > 0 && epoch !== history.length;
  return {
    name,
    out,
    config,
    model,
    dataset,
    loss: run.loss ?? defaultLoss(dataset),
    progress: { step: earlier ? history[epoch - 1].step : step, stepsPerEpoch, totalSteps: stepsPerEpoch * epochs },
    epoch: trainer.epoch,
    history,
    epochs,
    ...(earlier && { bestEpoch: epoch }),
    interrupted: result?.interrupted ?? false,
    backend: backendLine(backend),
  };
}

/** Shows the runs on a page; without one, as where its scripts cannot be read, a run is none the worse. */
async function report(
  plan: Plan,
  trainings: readonly Training[],
  results: readonly FitResult[],
  signal: AbortSignal,
): Promise<ReportData | undefined> {
  const reported = trainings.map((training, i) => reportedRun(plan, training, results[i]));
  try {
    // With its scripts it is large, and needed only now.
    const { writeReports } = await import("./report/write_reports.ts");
    const { path, data } = await writeReports(plan.out, reported, signal);
    note(`Report: ${path}`);
    return data;
  } catch (error) {
    note(`There is no report: ${(error as Error).message}`);
    return undefined;
  }
}
