/**
 * What a data set is: examples in memory, with labels or targets, split into a training and a test part, and perhaps one for validation.
 *
 * @module
 */
import type { Ints } from "../backend/arrays.ts";
import type { Shape } from "../tensor/shape.ts";

/** Means and deviations by which each channel, the first axis of an example, is shifted and scaled. */
export interface ChannelUnits {
  /** What is subtracted from each channel. */
  readonly mean: readonly number[];
  /** What each channel is divided by after that; above 0. */
  readonly deviation: readonly number[];
}

/** Means and deviations by which the targets of a regression were shifted and scaled. */
export interface TargetUnits {
  /** What was subtracted from each output's targets. */
  readonly mean: readonly number[];
  /** What they were divided by after that; above 0. */
  readonly deviation: readonly number[];
}

/** What a data set's plugin needs to read new rows as it read the training rows. Plain data, kept in saved models. */
export interface RowReading {
  /** Name of the plugin, whose part `rows` reads them. */
  readonly plugin: string;
  /** What else it has kept. */
  readonly [kept: string]: unknown;
}

/**
 * Where new rows come from: the path of a file, a stream of its bytes, or objects that have the value of each column under
 * its name; for a table without a header lists, whose places are those of the table's columns.
 */
export type RowSource =
  | string
  | ReadableStream<Uint8Array<ArrayBuffer>>
  | readonly (Readonly<Record<string, unknown>> | readonly unknown[])[];

/** The examples of one part of a data set. */
export interface Split {
  /** Number of examples. */
  readonly count: number;
  /** Shape of one example, such as `[784]` or `[1, 28, 28]`. */
  readonly shape: Shape;
  /** All inputs, example after example. Bytes are multiplied by `scale` when a batch is made. */
  readonly inputs: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
  /** Factor applied to each input; 1/255 turns bytes into [0, 1]. */
  readonly scale: number;
  /** What is done to each input after that, channel by channel, when a batch is made. Default: nothing. */
  readonly normalize?: ChannelUnits;
  /** The class of each example, or of each of its positions, in [0, classes); absent for regression. */
  readonly labels?: Ints;
  /**
   * For a classification of every position of an example, such as each step of a sequence: the number of positions. The
   * labels of a batch are then `[batch, positions]`, and a model's output is `[batch, positions, classes]`. Default: an
   * example has one label, and the output is `[batch, classes]`.
   */
  readonly labelsPerExample?: number;
  /** The target numbers, `outputs` per example; absent for classification. */
  readonly targets?: Float32Array<ArrayBuffer>;
}

/** A data set that is ready to train on. */
export interface Dataset {
  /** Its name in reports. */
  readonly name: string;
  /** Number of classes; 0 for regression. */
  readonly classes: number;
  /** Numbers per target; 0 for classification. */
  readonly outputs: number;
  /** What the classes are called, in their order; for text, what the tokens stand for. */
  readonly classNames?: readonly string[];
  /**
   * For inputs that were shifted and scaled before they came here, along the first axis of an example: by what. A deviation
   * of Infinity stands for a column that was constant and became 0. A saved model does the same to what it is given.
   */
  readonly inputUnits?: ChannelUnits;
  /** For examples that came with their channels as the last axis, and were turned. A saved model does the same. */
  readonly layout?: "channels-last";
  /**
   * For a regression whose targets were shifted and scaled: by what. The error of a model is then given in the units
   * before that; its loss is not. A prediction in those units is `output * deviation + mean`.
   */
  readonly targetUnits?: TargetUnits;
  /** For a table: what its plugin needs to read new rows, without targets, for a model that was trained on this one. */
  readonly rows?: RowReading;
  /**
   * How the training examples fall into batches. `shuffled`, the default: in a new random order in each epoch. `lanes`:
   * the examples are consecutive pieces of one sequence, and row i of a batch goes on where row i of the batch before
   * stopped, as layers that carry their state need it: see {@linkcode laneOrder}.
   */
  readonly order?: "shuffled" | "lanes";
  /** For images that are flat rows of numbers: what they were, `[channels, height, width]`. Default: their shape says it. */
  readonly image?: Shape;
  /** For text: what its tokens are. */
  readonly tokens?: "character" | "word";
  /** What is trained on. */
  readonly train: Split;
  /** What settings are chosen by: measured after each epoch. Default none; `fit` can hold back a part of `train`. */
  readonly validation?: Split;
  /** What is held back. */
  readonly test: Split;
}
