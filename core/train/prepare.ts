/**
 * Making the batch of a training step: rows are gathered and augmented. All of it follows from the step's number, so
 * that it does not matter when, in what order and on which thread batches are made.
 *
 * @module
 */
import { gatherInputs, gatherLabels, gatherNumbers, laneOrder, shuffledOrder } from "./batches.ts";
import type { Dataset, Split } from "./data.ts";
import { Key } from "../random/key.ts";
import type { AnyDefinition, AugmentBatch } from "../plugin/plugin.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { DType } from "../tensor/storage.ts";

/** What the batches of a run are made of: plain data, which a worker can be sent. */
export interface BatchSource {
  /** The training part. */
  readonly split: Split;
  /** Number of classes; 0 for regression. */
  readonly classes: number;
  /** Numbers per target; 0 for classification. */
  readonly outputs: number;
  /** How examples fall into batches. */
  readonly order: "shuffled" | "lanes";
  /** Examples a step. */
  readonly batchSize: number;
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** What everything random follows from. */
  readonly seed: number;
  /** Whether labels are handed over as class probabilities. */
  readonly soft: boolean;
}

/** An augmentation without its options, and the label of its random site. */
export interface AugmentationPart {
  /** Its definition. */
  readonly definition: AnyDefinition;
  /** Its name in the addresses of random numbers. */
  readonly label: string;
}

/** The options of each augmentation at a step. */
export type AugmentationOptions = readonly Readonly<Record<string, unknown>>[];

/** The source of a run's batches; only what is needed of the data set. */
export function batchSource(
  dataset: Dataset,
  run: { batchSize: number; stepsPerEpoch: number; seed: number; soft: boolean },
): BatchSource {
  const { count, shape, inputs, scale, normalize, labels, labelsPerExample, targets } = dataset.train;
  return {
    split: { count, shape, inputs, scale, normalize, labels, labelsPerExample, targets },
    classes: dataset.classes,
    outputs: dataset.outputs,
    order: dataset.order ?? "shuffled",
    batchSize: run.batchSize,
    stepsPerEpoch: run.stepsPerEpoch,
    seed: run.seed,
    soft: run.soft,
  };
}

/** Makes batches by the number of their step. */
export class BatchMaker {
  readonly #source: BatchSource;
  readonly #shuffle: Key;
  readonly #augment: Key;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array(0);

  constructor(source: BatchSource) {
    this.#source = source;
    const key = Key.seed(source.seed);
    this.#shuffle = key.at("shuffle");
    this.#augment = key.at("augment");
  }

  /** Numbers per target when targets are numbers: of a regression, or class probabilities; 0 for labels. */
  get width(): number {
    const { soft, classes, outputs } = this.#source;
    return classes === 0 ? outputs : soft ? classes : 0;
  }

  /** Number of examples in a step's batch. */
  count(step: number): number {
    const { split, batchSize, stepsPerEpoch } = this.#source;
    return Math.min(batchSize, split.count - step % stepsPerEpoch * batchSize);
  }

  /** Shape and element type of the targets of `count` examples. */
  targets(count: number): { shape: Shape; dtype: DType } {
    if (this.width > 0) return { shape: [count, this.width], dtype: "float32" };
    const { labelsPerExample } = this.#source.split;
    return { shape: labelsPerExample === undefined ? [count] : [count, labelsPerExample], dtype: "int32" };
  }

  /** Writes the inputs and targets of a step, as they are in the data set. */
  gather(step: number, inputs: Float32Array, targets: Float32Array | Int32Array): void {
    const { split, batchSize, stepsPerEpoch } = this.#source;
    this.#enter(Math.floor(step / stepsPerEpoch));
    const from = step % stepsPerEpoch * batchSize;
    const rows = { from, to: from + this.count(step), order: this.#order };
    gatherInputs(split, rows, inputs);
    if (targets instanceof Int32Array) gatherLabels(split, rows, targets);
    else gatherNumbers(split, this.width, rows, targets);
  }

  /** Augments the first `count` examples, by default all, of what {@linkcode gather} wrote. */
  augment(
    step: number,
    inputs: Float32Array,
    targets: Float32Array | Int32Array,
    parts: readonly AugmentationPart[],
    options: AugmentationOptions,
    count: number = this.count(step),
  ): void {
    if (parts.length === 0) return;
    const { shape } = this.#source.split;
    const labels = targets instanceof Int32Array;
    const batch: AugmentBatch = {
      count,
      shape,
      inputs: inputs.subarray(0, count * sizeOf(shape)),
      labels: labels ? targets.subarray(0, sizeOf(this.targets(count).shape)) : null,
      targets: labels ? null : targets.subarray(0, count * this.width),
      width: this.width,
    };
    parts.forEach(({ definition, label }, i) => {
      const key = this.#augment.at(label).atStep(step);
      definition.augment!(batch, Object.freeze({ options: options[i] as never, key }));
    });
  }

  /** The order of an epoch's examples; it is kept until another epoch is entered. */
  #enter(epoch: number): void {
    if (epoch === this.#epoch) return;
    const { split: { count }, order, batchSize } = this.#source;
    this.#order = order === "lanes" ? laneOrder(count, batchSize) : shuffledOrder(count, this.#shuffle.atStep(epoch));
    this.#epoch = epoch;
  }
}
