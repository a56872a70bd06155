/** `train`: one run, or several side by side, from a configuration to a run directory. @module */
import {
  checkpointSteps,
  checkpointWriter,
  type Dataset,
  DivergenceError,
  type FitResult,
  holdBack,
  loadDataset,
  metricsLog,
  progressBar,
  ThinnedError,
  Trainer,
} from "../mod.ts";
import { chooseBackend } from "./run/choose_backend.ts";
import { trainCommand } from "./arguments/commands.ts";
import { configuredDataset, type ConfiguredRun, configuredRun } from "./configuration/configured_run.ts";
import { note, type Outcome } from "./arguments/deliver.ts";
import { describeRuns, summarizeRuns } from "./run/describe_runs.ts";
import { Interruption } from "./arguments/interruption.ts";
import { invocation } from "./arguments/invocation.ts";
import { makePlan, type Plan } from "./configuration/make_plan.ts";
import { readArguments } from "./arguments/read_arguments.ts";
import { runsOf } from "./configuration/runs_of.ts";
import { folderOfRun, identityOf, lastSnapshot, RunDirectory } from "./run/run_directory.ts";

/** Runs `train`. */
export async function train(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, trainCommand);
  const plan = await makePlan(given);
  const { warning } = await chooseBackend(given.value("backend"), plan.registry.list());
  // One that goes on is locked before its checkpoints are looked at; a new one is made once all has been checked.
  const reopened = plan.resumes ? await RunDirectory.reopen(plan.out) : undefined;
  const interruption = new Interruption();
  try {
    const dataset = plan.dataset ?? await loadDataset(configuredDataset(plan.config, plan.registry));
    const runs = runsOf(plan.config).map((run) => configuredRun(plan.config, run.name, plan.registry));
    const parted = partedOnce(dataset);
    const trainers: Trainer[] = [];
    for (const run of runs) trainers.push(await makeTrainer(plan, run, parted, interruption.signal));
    const before = trainers.find(({ info }) => info.computedBefore !== undefined)?.info.computedBefore;
    if (before !== undefined) {
      note(`The checkpoint was computed by ${before}: the last bits will not be those of a run that never stopped.`);
    }
    const results = await inDirectory(plan, reopened, trainers, interruption);
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
    reopened?.release();
  }
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

/** One run, ready to begin: its parts made and checked, its checkpoint restored when it goes on. */
async function makeTrainer(
  plan: Plan,
  run: ConfiguredRun,
  parted: (run: ConfiguredRun) => Dataset,
  signal: AbortSignal,
): Promise<Trainer> {
  const { config, out } = plan;
  const directory = folderOfRun(out, config, run.name);
  const { model, validation: _, validationSeed: __, ...settings } = run;
  return await Trainer.create(model, {
    ...settings,
    data: parted(run),
    signal,
    resume: plan.resumes ? await lastSnapshot(out, config, run.name) : undefined,
    observers: [
      progressBar(),
      metricsLog({ path: `${directory}/metrics.jsonl` }),
      checkpointWriter({ directory, run: identityOf(config, run.name) }),
      ...run.observers,
    ],
  });
}

/** Writes the configuration and trains. A run that fails leaves its last checkpoint behind, or else nothing. */
async function inDirectory(
  plan: Plan,
  reopened: RunDirectory | undefined,
  trainers: readonly Trainer[],
  interruption: Interruption,
): Promise<FitResult[]> {
  const directory = reopened ?? await RunDirectory.create(plan.out);
  try {
    interruption.listen();
    await directory.begin(plan.config);
    for (const trainer of trainers) await trainer.open();
    return await trainSideBySide(plan, trainers);
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
async function trainSideBySide(plan: Plan, trainers: readonly Trainer[]): Promise<FitResult[]> {
  while (trainers.some((trainer) => !trainer.done)) {
    for (const trainer of trainers) {
      if (trainer.done) continue;
      try {
        await trainer.runEpoch();
      } catch (error) {
        if (error instanceof ThinnedError && trainers.length > 1) {
          error.message = `${trainer.info.name}: ${error.message}`;
        }
        throw error;
      }
    }
  }
  const results: FitResult[] = [];
  for (const trainer of trainers) {
    results.push(await trainer.end());
    const folder = folderOfRun(plan.out, plan.config, trainer.info.name);
    await trainer.save(`${folder}/model.safetensors`);
  }
  return results;
}
