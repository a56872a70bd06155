/** One training of a comparison, up to the epoch at which its round ends. @module */
import {
  assessClassification,
  assessRegression,
  checkpointSteps,
  checkpointWriter,
  type Dataset,
  definePlugin,
  DivergenceError,
  type Factory,
  type FitResult,
  latestCheckpoint,
  metricsLog,
  type Plugin,
  type Snapshot,
  Trainer,
} from "../../mod.ts";
import { z } from "zod";
import { note } from "../arguments/deliver.ts";
import type { ConfiguredRun } from "../configuration/configured_run.ts";
import { Recorder } from "../report/recorder.ts";
import type { Trained } from "./_kept.ts";

/** What is to be trained. */
export interface Training {
  /** The run, with its model. */
  readonly run: ConfiguredRun;
  /** What its checkpoints are known by. */
  readonly identity: string;
  /** Where they are. */
  readonly folder: string;
  /** The data, with the run's validation part. */
  readonly dataset: Dataset;
  /** Epochs of a full training, which schedules go by. */
  readonly fullEpochs: number;
  /** Epochs after which the round ends. */
  readonly epochs: number;
  /** Told how many epochs are done, with a part of the one that has begun. */
  progress(epochs: number): void;
  /** Stops it after a step. */
  readonly signal: AbortSignal;
}

/** What is measured of a training. */
export type Measured = Omit<Trained, "variant" | "setting" | "seed" | "round">;

/** Tells how far a run has come. */
function telling(progress: (epochs: number) => void): Plugin<"observer"> {
  const observer: Factory<"observer", Record<never, never>> = definePlugin({
    name: "compare-progress",
    options: z.object({}),
    observe: ({ run }) => ({
      step: ({ epoch, stepInEpoch }) => progress(epoch - 1 + stepInEpoch / run.stepsPerEpoch),
    }),
  });
  return observer();
}

async function lastSnapshot({ folder, identity }: Training): Promise<Snapshot | undefined> {
  if ((await checkpointSteps(folder)).length === 0) return undefined;
  return (await latestCheckpoint(folder, note, { run: identity })).snapshot;
}

/**
 * Begins a training or goes on with it, to the end of its round. What is full is saved with its model.
 *
 * @returns what it has come to; undefined when it was stopped before
 */
export async function train(training: Training): Promise<Measured | undefined> {
  const { run, folder, identity, dataset, fullEpochs, epochs, signal } = training;
  const { model, validation: _, validationSeed: __, ...settings } = run;
  const trainer = await Trainer.create(model, {
    ...settings,
    epochs: fullEpochs,
    data: dataset,
    signal,
    resume: await lastSnapshot(training),
    observers: [
      telling(training.progress),
      metricsLog({ path: `${folder}/metrics.jsonl` }),
      checkpointWriter({ directory: folder, run: identity, keep: 1 }),
      ...run.observers,
    ],
  });
  const recorder = await Recorder.of(trainer, dataset, folder);
  const { computedBefore } = trainer.info;
  if (computedBefore !== undefined) {
    note(
      `A checkpoint was computed by ${computedBefore}: the last bits will not be those of a run that never stopped.`,
    );
  }
  try {
    await trainer.open();
    while (!trainer.done && trainer.epoch < epochs) await recorder.runEpoch();
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    return { epochs: trainer.epoch, diverged: true, validationError: null, validationLoss: null };
  }
  // An observer may have ended it before; a signal that came with the last step has stopped nothing.
  const stopped = trainer.interrupted && trainer.epoch < epochs;
  const result = await trainer.end();
  if (stopped) return undefined;
  const measured = {
    epochs: result.history.length,
    diverged: false,
    validationError: finite(result.validationError),
    validationLoss: finite(result.validationLoss),
  };
  if (epochs < fullEpochs) return measured;
  await trainer.save(`${folder}/model.safetensors`);
  return {
    ...measured,
    trainError: finite(result.trainError),
    testError: finite(result.testError),
    negativeLogLikelihood: finite(likelihood(result, trainer, run, dataset)),
  };
}

/** A number that JSON has, or null. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** The negative log-likelihood of the test part; undefined where the model does not say how noisy targets are. */
function likelihood(
  { model, step }: FitResult,
  { info }: Trainer,
  { loss }: ConfiguredRun,
  dataset: Dataset,
): number | undefined {
  const { stepsPerEpoch, epochs, examples } = info;
  const progress = { step, stepsPerEpoch, totalSteps: stepsPerEpoch * epochs, examples };
  if (dataset.classes > 0) return assessClassification(model, dataset, { progress }).scores.negativeLogLikelihood;
  return assessRegression(model, dataset, { progress, loss }).scores?.negativeLogLikelihood;
}
