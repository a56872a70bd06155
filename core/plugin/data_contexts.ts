/** What methods of data sets and augmentations are given. @module */
import type { Key } from "../random/key.ts";
import type { Shape } from "../tensor/shape.ts";
import type { RowReading, RowSource } from "../train/data.ts";

/** What a data set's `download` is given. */
export interface DownloadContext<Options> {
  /** The validated options. */
  readonly options: Options;
  /** Addresses of folders that hold the files, tried in order; without them, those that the plugin knows. */
  readonly mirrors?: readonly string[];
}

/** What a data set's `download` has done. */
export interface Downloaded {
  /** The folder that holds the files. */
  readonly folder: string;
  /** Names of the files that were fetched; empty when all of them were there. */
  readonly files: readonly string[];
  /** Options, beside those given, with which `load` finds the files. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a data set's `rows` is given. */
export interface RowsContext {
  /** Where the rows come from. */
  readonly source: RowSource;
  /** What a stream or a list of objects is called in errors. */
  readonly name: string;
  /** What the data set kept for reading them, as its `rows`. */
  readonly reading: RowReading;
}

/** What a data set's `load` is given. */
export interface LoadContext<Options> {
  /** The options, validated. */
  readonly options: Options;
}

/**
 * A batch on its way to a training step, in plain arrays that an augmentation overwrites in place. Its inputs are
 * scaled and normalized already.
 */
export interface AugmentBatch {
  /** Number of examples. */
  readonly count: number;
  /** Shape of one example. */
  readonly shape: Shape;
  /** `[count, ...shape]`. */
  readonly inputs: Float32Array;
  /** The labels, one for each example, or for each of its positions; null where targets are numbers. */
  readonly labels: Int32Array | null;
  /**
   * `[count, width]`: the target numbers of a regression, or class probabilities when one of the augmentations says
   * `mixesTargets`; null where there are labels.
   */
  readonly targets: Float32Array | null;
  /** Numbers per target: outputs, or classes; 0 where there are labels. */
  readonly width: number;
}

/** What an augmentation is given beside the batch. */
export interface AugmentContext<Options> {
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /** Where its random numbers lie, at this step; row r of a draw belongs to example r of the batch. */
  readonly key: Key;
}
