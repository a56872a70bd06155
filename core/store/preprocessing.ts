/**
 * What a data set does to inputs and targets, so that a model can be given the raw ones and be understood.
 *
 * @module
 */
import { ShapeError, showShape } from "../errors.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { type NumberData, readNumbers } from "../tensor/read_numbers.ts";
import { Tensor } from "../tensor/tensor.ts";
import { gatherInputs } from "../train/batches.ts";
import type { ChannelUnits, Dataset, RowReading, TargetUnits } from "../train/data.ts";

/** What a data set does to its inputs and targets. Plain data. */
export interface Preprocessing {
  /** The data set's name. */
  readonly dataset: string;
  /** Shape of one example. */
  readonly shape: Shape;
  /** Number of classes; 0 for regression. */
  readonly classes: number;
  /** Numbers per target; 0 for classification. */
  readonly outputs: number;
  /** What the classes are called, in their order. */
  readonly classNames?: readonly string[];
  /** Number of positions of an example that have a class each; absent when an example has one. */
  readonly labelsPerExample?: number;
  /** For examples that have their channels as the last axis, which becomes the first before all else. */
  readonly layout?: "channels-last";
  /** What each input is multiplied by. */
  readonly scale: number;
  /** What is done to each input after that, along the first axis of an example: `(input - mean) / deviation`. */
  readonly inputUnits?: ChannelUnits;
  /** By what targets were shifted and scaled: a prediction in their own units is `output * deviation + mean`. */
  readonly targetUnits?: TargetUnits;
  /** For a table: what its plugin needs to read new rows. */
  readonly rows?: RowReading;
  /** For images that are flat rows of numbers: what they were, `[channels, height, width]`. */
  readonly image?: Shape;
  /** For text: what its tokens are; what they stand for is in `classNames`. */
  readonly tokens?: "character" | "word";
  /** `lanes` where layers carried their state from example to example. */
  readonly order?: "lanes";
}

/** What a data set does to its inputs and targets. */
export function preprocessingOf(dataset: Dataset): Preprocessing {
  const { name, classes, outputs, classNames, layout, targetUnits, rows, image, tokens, order, train } = dataset;
  const inputUnits = dataset.inputUnits ?? train.normalize;
  const { shape, scale, labelsPerExample } = train;
  return {
    dataset: name,
    shape,
    classes,
    outputs,
    ...(classNames && { classNames }),
    ...(labelsPerExample && { labelsPerExample }),
    ...(layout && { layout }),
    scale,
    ...(inputUnits && { inputUnits }),
    ...(targetUnits && { targetUnits }),
    ...(rows && { rows }),
    ...(image && { image }),
    ...(tokens && { tokens }),
    ...(order === "lanes" && { order }),
  };
}

/**
 * Raw inputs as a model expects them: scaled, shifted, in the shape of a batch.
 *
 * @param preprocessing what is done to them
 * @param raw the inputs of whole examples as they were given to the data set, nested or one after the other: rows of a
 *   table, bytes of images
 * @returns `[count, ...shape]`, float32
 * @throws {ShapeError} when they are not those of whole examples
 * @throws {DataError} for what is no finite number, with its row and column
 *
 * @example
 * ```ts
 * import { prepareInputs } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const inputUnits = { mean: [1, 0], deviation: [2, 1] };
 * const how = { dataset: "table", shape: [2], classes: 0, outputs: 1, scale: 1, inputUnits };
 * assertEquals(prepareInputs(how, [[5, 6], [1, 0]]).toArray(), [[2, 6], [0, 0]]);
 * ```
 */
export function prepareInputs(preprocessing: Preprocessing, raw: NumberData): Tensor {
  const { shape, layout, scale, inputUnits: normalize } = preprocessing;
  const size = sizeOf(shape);
  const { numbers, shape: given } = readNumbers(raw, "prepareInputs");
  const count = numbers.length / size;
  if (!Number.isInteger(count) || (given.length > 1 && given[0] !== count && count !== 1)) {
    throw new ShapeError(
      `prepareInputs: expected numbers for whole examples of shape ${showShape(shape)}, found ` +
        `${given.length > 1 ? showShape(given) : numbers.length}.`,
    );
  }
  const inputs = Tensor.empty([count, ...shape]);
  const floats = layout === undefined ? Float64Array.from(numbers) : channelsFirst(numbers, shape);
  gatherInputs({ shape, inputs: floats, scale, normalize }, { from: 0, to: count }, inputs.floats as Float32Array);
  return inputs;
}

/** Examples `[...places, channels]` as `[channels, ...places]`, the shape that is given. */
export function channelsFirst(numbers: ArrayLike<number>, shape: Shape): Float64Array<ArrayBuffer> {
  const turned = new Float64Array(numbers.length);
  const [channels] = shape;
  const size = sizeOf(shape);
  const area = size / channels;
  for (let i = 0; i < numbers.length; i++) {
    const within = i % size;
    turned[i - within + within % channels * area + Math.floor(within / channels)] = numbers[i];
  }
  return turned;
}

/**
 * Predictions of a regression in the units of the targets: `output * deviation + mean`. Others are returned as they are.
 *
 * @param outputs `[batch, outputs]`
 */
export function restoreOutputs({ targetUnits }: Preprocessing, outputs: Tensor): Tensor {
  if (targetUnits === undefined) return outputs;
  const { mean, deviation } = targetUnits;
  const row = (numbers: readonly number[]) => Tensor.from(numbers, [numbers.length], outputs.floatType);
  return outputs.mul(row(deviation)).add(row(mean));
}
