/**
 * What happens during training, for observers. Handlers are awaited, in the order of the observers; an error in one ends
 * the run.
 *
 * @module
 */
import type { BackendInfo } from "../backend/backend.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What is known before a run starts. */
export interface RunInfo {
  /** The run's name, such as `dropout`. */
  readonly name: string;
  /** The data set's name. */
  readonly dataset: string;
  /** Number of training examples. */
  readonly examples: number;
  /** Number of validation examples; 0 when there are none. */
  readonly validationExamples: number;
  /** Number of trainable numbers. */
  readonly parameters: number;
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** The seed. */
  readonly seed: number;
  /** Shape of one example. */
  readonly inputShape?: Shape;
  /** For examples that are images, in flat rows too: `[channels, height, width]`, where the data set says so. */
  readonly image?: Shape;
  /** What the run was told, as plain JSON: model, loss, optimizer, clipping and the like, each part by its plugin's name. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** What computes. */
  readonly backend: BackendInfo;
  /** Whether `error` is the fraction of wrong classes (true) or the root of the mean squared error (false). */
  readonly classification: boolean;
  /** Steps that were already done when this run was resumed; 0 for a new one. */
  readonly resumedAt: number;
  /**
   * What computed those steps, where something else goes on: the last bits are then not those of a run that never stopped.
   */
  readonly computedBefore?: string;
}

/** After each parameter update. */
export interface StepEvent {
  /** Steps done, from 1. */
  readonly step: number;
  /** Epoch this step belongs to, from 1. */
  readonly epoch: number;
  /** Step within the epoch, from 1. */
  readonly stepInEpoch: number;
  /** Mean loss over the epoch so far, as seen in training (dropout on). */
  readonly loss: number;
  /** Error over the epoch so far, as seen in training (dropout on). */
  readonly error: number;
  /** Examples seen in the epoch so far. */
  readonly examples: number;
  /** Seconds spent in the steps of this epoch so far. */
  readonly seconds: number;
  /** Everything needed to go on from here. */
  snapshot(): Snapshot;
}

/** One line of the metrics: after each epoch, measured in mode `eval`. */
export interface EpochMetrics {
  /** Epochs done, from 1. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** Mean loss on the training examples, dropout off. */
  readonly trainLoss: number;
  /** Error on the training examples, dropout off. */
  readonly trainError: number;
  /** Mean loss on the validation examples; absent when there are none. */
  readonly validationLoss?: number;
  /** Error on the validation examples; absent when there are none. */
  readonly validationError?: number;
  /** Mean loss on the test examples. */
  readonly testLoss: number;
  /** Error on the test examples. */
  readonly testError: number;
  /** Mean loss as seen in training, dropout on. */
  readonly runningLoss: number;
  /** Error as seen in training, dropout on. */
  readonly runningError: number;
  /** Seconds spent in the steps of this epoch, evaluation not counted. */
  readonly seconds: number;
  /** Median milliseconds of a step. */
  readonly stepMs: number;
}

/** After each epoch. */
export interface EpochEvent extends EpochMetrics {
  /** Everything needed to go on from here. */
  snapshot(): Snapshot;
}

/** At the end, whether the run was finished or interrupted. */
export interface EndEvent {
  /** `true` when the run was stopped before its last epoch, or diverged. */
  readonly interrupted: boolean;
  /** Steps done. */
  readonly step: number;
  /** All epochs' metrics. */
  readonly history: readonly EpochMetrics[];
  /** Everything needed to go on from here. */
  snapshot(): Snapshot;
}

/** A training run at one moment: parameters, running state, optimizer slots, and the counters. */
export interface Snapshot {
  /** All numbers by name: `model/1.weight`, `state/4.mean`, `optimizer/velocity/1.weight`, `kept/model/1.weight`. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Counters and metrics: plain JSON. */
  readonly progress: TrainingProgress;
}

/** The epoch whose weights a run would end with, where an observer has kept them. */
export interface KeptEpoch {
  /** Which one, from 1. */
  readonly epoch: number;
  /** Steps done at its end. */
  readonly step: number;
  /** What schedules remembered then. */
  readonly schedules: TrainingProgress["schedules"];
}

/** The counters of a run, from which it goes on bit for bit. Randomness has no state: it is addressed by these. */
export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  /** Epochs done. */
  readonly epoch: number;
  /** Steps done in the epoch that has begun. */
  readonly stepInEpoch: number;
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Sum of the losses of the examples seen in the epoch that has begun. */
  readonly lossSum: number;
  /** Sum of their errors: wrong ones, or squared differences. */
  readonly errorSum: number;
  /** Number of them. */
  readonly examples: number;
  /** Seconds spent in the steps of the epoch that has begun. */
  readonly seconds: number;
  /** Metrics of the epochs done. */
  readonly history: readonly EpochMetrics[];
  /** The seed. */
  readonly seed: number;
  /** What schedules remember, by the places at which they stand. */
  readonly schedules: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The model, as JSON, to refuse a checkpoint of another architecture. */
  readonly model: unknown;
  /** The epoch whose weights are kept for the end; absent where none are. */
  readonly kept?: KeptEpoch;
  /** What computes: backend, instruction set, and who does the matrix products. The number of threads changes no bits. */
  readonly computedBy?: string;
}

/** What an observer does during a run. Each handler is optional. */
export interface Observation {
  /** After each step. Keep it quick: it is called thousands of times. */
  step?(event: StepEvent): void | Promise<void>;
  /** After each epoch, with its metrics. */
  epoch?(event: EpochEvent): void | Promise<void>;
  /**
   * Once, at the end of the run, when it is interrupted, or when it diverges; the snapshot is then that of the last good
   * step. Not after any other failure.
   */
  end?(event: EndEvent): void | Promise<void>;
}
