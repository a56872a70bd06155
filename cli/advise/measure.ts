/** Short trainings, measured part by part, so that each number has its standard error. @module */
import {
  type Dataset,
  defaultLoss,
  evaluate,
  type LayerPlugin,
  type Model,
  pickExamples,
  type Plugin,
  type Split,
  Trainer,
} from "../../mod.ts";
import type { ConfiguredRun } from "../configuration/configured_run.ts";
import type { Measured, Uncertain } from "./advice.ts";
import { progressOfAdvice } from "./progress.ts";

/** Parts into which examples are cut, most. */
const PARTS = 20;
/** Most examples that are measured part by part. */
const MOST_EXAMPLES = 10_000;

/** The mean of numbers, and its standard error. */
export function uncertain(values: readonly number[]): Uncertain {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length < 2) return { mean, standardError: Infinity };
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(square / values.length) };
}

/** Consecutive examples, in parts of the same size. */
function partsOf(split: Split): Split[] {
  const count = Math.min(split.count, MOST_EXAMPLES);
  const parts = Math.min(PARTS, count);
  const size = Math.floor(count / parts);
  return Array.from(
    { length: parts },
    (_, part) => pickExamples(split, Uint32Array.from({ length: size }, (_, i) => part * size + i)),
  );
}

/** What a net is trained with beside its data. */
export interface Short {
  /** Its name. */
  readonly name: string;
  /** The run. */
  readonly run: ConfiguredRun;
  /** The data, with its validation part; the test part is not looked at. */
  readonly data: Dataset;
  /** Epochs. */
  readonly epochs: number;
  /** Ends the training. */
  readonly signal: AbortSignal;
}

/** The settings of a run that a short training has, too: not its average of weights and its observers. */
function trainerOf(
  { name, run, data, epochs, signal }: Short,
  observers: readonly Plugin<"observer">[],
): Promise<Trainer> {
  const { loss, optimizer, accumulate, augment, clip, parameterGroups, freeze, initialize, learning, seed } = run;
  return Trainer.create(run.model as LayerPlugin, {
    ...{ loss, optimizer, accumulate, augment, clip, parameterGroups, freeze, initialize, learning, seed },
    ...{ batchSize: run.batchSize, epochs, signal, name },
    // The test part is measured after each epoch, too: here an example of the validation part stands in its place.
    data: { ...data, test: pickExamples(data.validation!, Uint32Array.of(0)) },
    observers,
  });
}

/** Milliseconds for which steps are timed. */
const TIMED_MS = 2000;
/** How much longer an epoch takes than its steps: it is measured, too. */
const MEASURING = 1.3;

/** About the seconds that an epoch takes, from some of its steps; undefined where it was stopped. */
export async function secondsOfEpoch(short: Short): Promise<number | undefined> {
  const enough = new AbortController();
  const trainer = await trainerOf({ ...short, signal: AbortSignal.any([short.signal, enough.signal]) }, []);
  const timer = setTimeout(() => enough.abort(), TIMED_MS);
  const started = performance.now();
  try {
    await trainer.runEpoch();
  } finally {
    clearTimeout(timer);
  }
  const seconds = (performance.now() - started) / 1000;
  const { step, epoch, info: { stepsPerEpoch } } = trainer;
  await trainer.end();
  if (short.signal.aborted || step === 0) return undefined;
  return epoch > 0 ? seconds : MEASURING * seconds * stepsPerEpoch / step;
}

/** A net after a short training, and its losses on the parts of the validation examples. */
export interface MeasuredParts {
  /** The net. */
  readonly measured: Measured;
  /** Losses on the parts. */
  readonly losses: readonly number[];
}

/** Trains a net and measures it; undefined where it was stopped before its last epoch. */
export async function measure(short: Short, plain?: MeasuredParts): Promise<MeasuredParts | undefined> {
  const { data, run } = short;
  const trainer = await trainerOf(short, [progressOfAdvice()]);
  while (!trainer.done) await trainer.runEpoch();
  await trainer.end();
  if (trainer.interrupted) return undefined;
  const loss = run.loss ?? defaultLoss(data);
  const validation = data.validation!;
  const like = Math.min(data.train.count, validation.count, MOST_EXAMPLES);
  const trained = pickExamples(data.train, Uint32Array.from({ length: like }, (_, i) => i));
  const { info: { stepsPerEpoch, epochs }, step, model } = trainer;
  const progress = { step, stepsPerEpoch, totalSteps: stepsPerEpoch * epochs };
  const [onTrain, onValidation] = [trained, validation].map((split) =>
    measureParts(model, data, loss, split, progress)
  );
  const losses = onValidation.losses;
  const [trainLoss, validationLoss] = [uncertain(onTrain.losses), uncertain(losses)];
  const best = trainer.history.reduce((a, b) => b.validationLoss! < a.validationLoss! ? b : a);
  const measured: Measured = {
    name: short.name,
    epochs,
    trainLoss,
    validationLoss,
    trainError: onTrain.error,
    validationError: onValidation.error,
    gap: {
      mean: validationLoss.mean - trainLoss.mean,
      standardError: Math.hypot(validationLoss.standardError, trainLoss.standardError),
    },
    bestEpoch: best.epoch,
    bestLoss: best.validationLoss!,
    ...(plain && { againstPlain: uncertain(losses.map((value, i) => value - plain.losses[i])) }),
  };
  return { measured, losses };
}

function measureParts(
  model: Model,
  data: Dataset,
  loss: Plugin<"loss">,
  split: Split,
  progress: { step: number; stepsPerEpoch: number; totalSteps: number },
): { losses: number[]; error: number } {
  const classification = data.classes > 0;
  const found = partsOf(split).map((part) => evaluate(model, data, loss, { split: part, progress }));
  const errors = found.map(({ error }) => classification ? error : error ** 2);
  return {
    losses: found.map(({ loss }) => loss),
    error: classification ? uncertain(errors).mean : Math.sqrt(uncertain(errors).mean),
  };
}
