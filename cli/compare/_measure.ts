/** What a training step of each net costs: time beside the net without dropout, and memory. @module */
import {
  type Dataset,
  defaultLoss,
  definePlugin,
  DivergenceError,
  evaluate,
  type Factory,
  pickExamples,
  type Plugin,
  poolStatistics,
  type Split,
  stepsPerEpoch,
  Trainer,
} from "../../mod.ts";
import { z } from "zod";
import type { ConfiguredRun } from "../configuration/configured_run.ts";

/** What steps of a net cost. */
export interface StepCost {
  /**
   * Milliseconds of a step: of the net without dropout their median, of another that times the ratio, since the speed of a
   * machine may change between one net and the next.
   */
  readonly stepMs: number;
  /** Median of its time over that of the net without dropout, turn by turn. */
  readonly ratio: number;
  /** Bytes of all buffers that a step works on: batch, activations, gradients. */
  readonly stepBytes: number;
  /** Bytes that are kept from step to step: parameters, running state, what the optimizer remembers. */
  readonly keptBytes: number;
  /** Seconds of an epoch: its steps, and the measurements after it. */
  readonly epochSeconds: number;
}

/** Steps of a turn, turns of each net at least and at most, of which the first does not count, and seconds that are enough. */
const STEPS = 4;
const TURNS = 12;
const MOST_TURNS = 60;
const ENOUGH = 2;
/** Examples by which the time of a measurement is found. */
const MEASURED = 1000;
/** Training examples that are measured after an epoch. */
const TRAINING_MEASURED = 10000;

/** One net that takes turns. */
interface Contestant {
  readonly trainer: Trainer;
  readonly memory: { bytes: number };
  /** Median milliseconds of a step, and mean seconds, turn by turn. */
  readonly times: number[];
  readonly means: number[];
}

function first(split: Split, count: number): Split {
  return pickExamples(split, Uint32Array.from({ length: Math.min(split.count, count) }, (_, i) => i));
}

/** Data on which an epoch is a turn. */
function turnData(dataset: Dataset, batchSize: number): Dataset {
  return {
    ...dataset,
    train: first(dataset.train, STEPS * batchSize),
    test: first(dataset.test, 1),
    validation: undefined,
  };
}

/** Watches what buffers a step works on. */
function watching(memory: { bytes: number }): Plugin<"observer"> {
  const observer: Factory<"observer", Record<never, never>> = definePlugin({
    name: "step-memory",
    options: z.object({}),
    observe: () => ({
      step() {
        memory.bytes = Math.max(memory.bytes, poolStatistics().workingBytes);
      },
    }),
  });
  return observer();
}

async function contestant({ model, validation: _, validationSeed: __, ...run }: ConfiguredRun, data: Dataset) {
  const memory = { bytes: 0 };
  const options = { ...run, data, prefetch: false, epochs: 2 * MOST_TURNS, observers: [watching(memory)] };
  return { trainer: await Trainer.create(model, options), memory, times: [], means: [] } satisfies Contestant;
}

async function turn({ trainer, times, means }: Contestant): Promise<void> {
  await trainer.runEpoch();
  const { stepMs, seconds } = trainer.history.at(-1)!;
  times.push(stepMs);
  means.push(seconds / trainer.info.stepsPerEpoch);
}

/** A turn of a net that may diverge, which is no reason not to compare it: whether there can be another. */
async function turnUnlessDiverged(net: Contestant): Promise<boolean> {
  try {
    await turn(net);
    return true;
  } catch (error) {
    if (error instanceof DivergenceError && net.times.length >= 2) return false;
    throw error;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Seconds of the measurements after an epoch. */
function measurementSeconds({ model }: Trainer, run: ConfiguredRun, dataset: Dataset): number {
  const loss = run.loss ?? defaultLoss(dataset);
  const limit = Math.min(MEASURED, dataset.test.count);
  const seconds = [0, 1].map(() => {
    const begun = performance.now();
    evaluate(model, dataset, loss, { limit });
    return (performance.now() - begun) / 1000;
  });
  const { train, validation, test } = dataset;
  const examples = Math.min(train.count, TRAINING_MEASURED) + (validation?.count ?? 0) + test.count;
  return Math.min(...seconds) * examples / limit;
}

/**
 * Measures steps of nets, each in turn with that without dropout. What is wrong with a net in its place shows here, before
 * anything is written.
 *
 * @param none the net without dropout
 * @param runs the others, at least one
 * @param dataset what all are trained on, with its validation part
 * @param told called before each net is measured
 * @param signal ends it early when aborted
 * @returns the cost of the net without dropout, and those of the others; undefined when it was ended early
 */
export async function measureSteps(
  none: ConfiguredRun,
  runs: readonly { readonly label: string; readonly run: ConfiguredRun }[],
  dataset: Dataset,
  told: (label: string) => void,
  signal: AbortSignal,
): Promise<{ none: StepCost; others: StepCost[] } | undefined> {
  const data = turnData(dataset, none.batchSize);
  const steps = stepsPerEpoch(dataset, none.batchSize);
  const costOf = (by: Contestant, run: ConfiguredRun, ratio: number): StepCost => {
    const stepMs = median(by.times);
    return {
      stepMs,
      ratio,
      stepBytes: by.memory.bytes,
      keptBytes: bytesOf(by.trainer),
      epochSeconds: steps * mean(by.means) + measurementSeconds(by.trainer, run, dataset),
    };
  };
  const floor: { times: number[]; means: number[]; bytes: number } = { times: [], means: [], bytes: 0 };
  let last: Contestant | undefined;
  const others: StepCost[] = [];
  for (const { label, run } of runs) {
    told(label);
    try {
      const [ours, theirs] = [await contestant(none, data), await contestant(run, data)];
      const begun = performance.now();
      for (let i = 0; i <= MOST_TURNS && (i <= TURNS || performance.now() - begun < 1000 * ENOUGH); i++) {
        if (signal.aborted) return undefined;
        if (!await turnUnlessDiverged(ours) || !await turnUnlessDiverged(theirs)) break;
        await new Promise((resolve) => setTimeout(resolve, 0)); // for signals
      }
      for (const { times, means } of [ours, theirs]) [times, means].forEach((list) => list.shift());
      const ratio = median(theirs.times.map((time, i) => time / ours.times[i]));
      floor.times.push(...ours.times);
      floor.means.push(...ours.means);
      floor.bytes = Math.max(floor.bytes, ours.memory.bytes);
      last = ours;
      others.push(costOf(theirs, run, ratio));
    } catch (error) {
      if (error instanceof Error) error.message = `--variants: ${label} does not fit the model: ${error.message}`;
      throw error;
    }
  }
  const all = { trainer: last!.trainer, times: floor.times, means: floor.means, memory: { bytes: floor.bytes } };
  const base = costOf(all, none, 1);
  return { none: base, others: others.map((other) => ({ ...other, stepMs: base.stepMs * other.ratio })) };
}

/** Bytes of all that a checkpoint would hold. */
function bytesOf(trainer: Trainer): number {
  let bytes = 0;
  for (const { size, dtype } of trainer.snapshot().tensors.values()) bytes += size * (dtype === "float64" ? 8 : 4);
  return bytes;
}
