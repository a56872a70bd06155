/**
 * What goes into a training run and what comes out of it.
 *
 * @module
 */
import type { BackendInfo } from "../backend/backend.ts";
import type { DisplayBundle, jupyterDisplay } from "../display/jupyter.ts";
import type { Dataset } from "./data.ts";
import type { EpochMetrics, Snapshot } from "./events.ts";
import { type LearningOptions, learningOptions } from "./learning_options.ts";
import type { Model } from "../plugin/model.ts";
import type { Plugin } from "../plugin/plugin.ts";
import type { Preprocessing } from "../store/preprocessing.ts";

/** What {@linkcode fit} is told. */
export interface FitOptions extends LearningOptions {
  /** The examples: a data set, or a plugin that loads one. */
  data: Dataset | Plugin<"dataset">;
  /** Passes over the training examples, a whole number of at least 1. Default 10. */
  epochs?: number;
  /** Examples a step, a whole number of at least 1. Default 128. */
  batchSize?: number;
  /** What everything random follows from: a whole number in [0, 2^53). Default 0. */
  seed?: number;
  /**
   * Part of the training examples that is held back and measured after each epoch, in (0, 1), for a data set that has no
   * validation part of its own. Which ones follows from the seed: see {@linkcode holdBack}. Default: none.
   */
  validation?: number;
  /**
   * Called with the model before the first step of a new run, to give it other weights than its initial ones:
   * `(model) => loadWeights(model, tensors, { except: ["^5\\."] })`. Not called when the run is resumed. Default: nothing.
   */
  initialize?: (model: Model) => void;
  /** What changes the examples of each batch before it is trained on, in this order. */
  augment?: readonly Plugin<"augmentation">[];
  /**
   * Whether a worker gathers and augments the next batch while the current one trains. The results are the same, bit
   * for bit. It needs permission to read this library's files, holds a copy of the training examples, and starts within
   * a second; {@linkcode Trainer.end} ends it. It pays where augmentation takes a good part of a step and a core is
   * idle: on two cores that were shared with other work, steps of about 1 ms with four augmentations of images were up
   * to 1.5 times as fast while a core was idle, but a tenth slower while none was; long steps gained little. Default
   * false.
   */
  prefetch?: boolean;
  /** What watches the run. */
  observers?: readonly Plugin<"observer">[];
  /** The run's name in reports. Default `run`. */
  name?: string;
  /** Where to go on from, instead of the beginning. */
  resume?: Snapshot;
  /** Ends the run after the step in which it is aborted. */
  signal?: AbortSignal;
}

/** What {@linkcode fit} gives. */
export interface FitResult extends EpochMetrics {
  /** The run's name. */
  readonly name: string;
  /** The trained model. */
  readonly model: Model;
  /** Number of trainable numbers. */
  readonly parameters: number;
  /** Each epoch's metrics. */
  readonly history: readonly EpochMetrics[];
  /** Median seconds of an epoch's steps. */
  readonly secondsPerEpoch: number;
  /**
   * The epoch, from 1, whose weights the model holds: the last one, unless an observer such as `keepBest` has kept those of
   * an earlier one. All metrics beside this are of it.
   */
  readonly epoch: number;
  /** Whether an observer such as `earlyStopping` ended the run before its last epoch. */
  readonly stopped: boolean;
  /** Whether the run was stopped by its signal before its last epoch. */
  readonly interrupted: boolean;
  /** What computed. */
  readonly backend: BackendInfo;
  /** What the data set did to inputs and targets. */
  readonly preprocessing: Preprocessing;
  /**
   * Writes the model as it was measured last, with schedules replaced by their values and with the preprocessing, as one
   * file that `loadModel` reads: see {@linkcode Model.save}.
   */
  save(path: string): Promise<void>;
  /** What a notebook shows: where the run ended, and the curves of how it came there; `history` shows its curves, too. */
  [jupyterDisplay](): DisplayBundle;
}

/** The names of {@linkcode FitOptions}. */
export const fitOptions: readonly (keyof FitOptions)[] = [
  ...learningOptions,
  "data",
  "epochs",
  "batchSize",
  "seed",
  "validation",
  "initialize",
  "augment",
  "prefetch",
  "observers",
  "name",
  "resume",
  "signal",
];
