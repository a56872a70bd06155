/** What all passes of a predictor say of all examples of a part. @module */
import { gatherInputs } from "./batches.ts";
import type { Dataset, Split } from "./data.ts";
import { ShapeError, showShape } from "../errors.ts";
import { evaluationBatches, predictionOf } from "./evaluate.ts";
import type { Plugin } from "../plugin/plugin.ts";
import type { Predictor } from "./predictor.ts";
import { noGrad } from "../tensor/autograd.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type ClassPredictions, classPredictions } from "../uncertainty/class_predictions.ts";

/** What is asked for. */
interface Asked {
  readonly predictor: Predictor;
  readonly dataset: Dataset;
  /** The examples. */
  readonly split: Split;
  /** Most examples at a time. */
  readonly batchSize?: number;
}

/** Which rows some outputs are of. */
interface PassRows {
  readonly pass: number;
  /** The number of each example. */
  readonly places: ArrayLike<number>;
  /** How unsure a pass is of its numbers, where it says so. */
  readonly variance?: Tensor;
}

/** Runs all passes over all examples, batch by batch. */
function eachPass({ predictor, dataset, split, batchSize }: Asked, visit: (raw: Tensor, rows: PassRows) => void): void {
  // A sequence's states go on from batch to batch, in each pass its own.
  const carries = Array.from({ length: predictor.passes }, () => new Map<string, Tensor>());
  for (const { from, to, order, carried } of evaluationBatches(dataset, split, split.count, batchSize)) {
    const places = order?.subarray(from, to) ?? Uint32Array.from({ length: to - from }, (_, i) => from + i);
    recycling(() =>
      noGrad(() => {
        const inputs = Tensor.empty([to - from, ...dataset.train.shape]);
        gatherInputs(split, { from, to, order }, inputs.floats as Float32Array);
        const carry = carried ? carries : undefined;
        predictor.run({ inputs, examples: places, carry }, (raw, pass, variance) =>
          visit(raw, { pass, places, variance }));
      })
    );
  }
}

/** The numbers of some outputs, which are to be `width` for each place. */
function numbersOf(outputs: Tensor, places: number, width: number, dataset: Dataset): ArrayLike<number> & Subarray {
  if (outputs.size === places * width) return outputs.storage.array;
  throw new ShapeError(
    `expected ${width} outputs for each example of ${dataset.name}, found ${showShape(outputs.shape.slice(1))}.`,
  );
}

type Subarray = { subarray(from: number, to: number): ArrayLike<number> };

/** What the passes say of classes: a row for each example, or for each of its positions. */
export function gatherClasses(asked: Asked): ClassPredictions {
  const { dataset, split, predictor } = asked;
  const { classes } = dataset;
  const positions = dataset.train.labelsPerExample ?? 1;
  const found = classPredictions(split.count * positions, classes, predictor.passes);
  eachPass(asked, (outputs, { places }) => {
    const numbers = numbersOf(outputs, places.length, positions * classes, dataset);
    for (let i = 0; i < places.length; i++) {
      for (let position = 0; position < positions; position++) {
        found.add(places[i] * positions + position, numbers, (i * positions + position) * classes);
      }
    }
  });
  return found.done();
}

/** What passes say of numbers: a list for each pass, `[examples, outputs]`, as the model gives them. */
export interface GatheredNumbers {
  /** What they predict. */
  readonly means: readonly Float64Array[];
  /** The variance of the noise around it, where the loss says what of the outputs that is. */
  readonly noise?: readonly Float64Array[];
  /** The variance that comes from what the passes do not know, where they say it themselves. */
  readonly own?: readonly Float64Array[];
}

/** What the passes say of numbers. */
export function gatherNumbers(asked: Asked, loss: Plugin<"loss">): GatheredNumbers {
  const { dataset, split, predictor } = asked;
  const width = dataset.outputs;
  const { noise } = loss.definition;
  const lists = () => Array.from({ length: predictor.passes }, () => new Float64Array(split.count * width));
  const put = (into: Float64Array, outputs: Tensor, places: ArrayLike<number>) => {
    const numbers = numbersOf(outputs, places.length, width, dataset);
    for (let i = 0; i < places.length; i++) {
      into.set(numbers.subarray(i * width, (i + 1) * width), places[i] * width);
    }
  };
  const means = lists();
  const variances = noise === undefined ? undefined : lists();
  let own: Float64Array[] | undefined;
  eachPass(asked, (outputs, { pass, places, variance }) => {
    if (variance !== undefined) put((own ??= lists())[pass], variance, places);
    put(means[pass], predictionOf(loss, outputs), places);
    if (variances !== undefined) put(variances[pass], noise!(outputs, loss.options), places);
  });
  return { means, ...(variances && { noise: variances }), ...(own && { own }) };
}
