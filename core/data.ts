/**
 * What a data set is: examples in memory, with labels or targets, split into a training and a test part.
 *
 * @module
 */
import type { Ints } from "./backend.ts";
import type { Shape } from "./shape.ts";

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
  /** The class of each example, in [0, classes); absent for regression. */
  readonly labels?: Ints;
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
  /** What is trained on. */
  readonly train: Split;
  /** What is held back. */
  readonly test: Split;
}
