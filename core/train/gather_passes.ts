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

/** Runs all passes, with the outputs as rows of `width` numbers, one for each position of an example. */
function eachPass(
  { predictor, dataset, split, batchSize }: Asked,
  width: number,
  read: (outputs: Tensor) => Tensor,
  visit: (outputs: Tensor, rows: { pass: number; places: ArrayLike<number>; positions: number }) => void,
): void {
  const positions = dataset.train.labelsPerExample ?? 1;
  // A sequence's states go on from batch to batch, in each pass its own.
  const carries = Array.from({ length: predictor.passes }, () => new Map<string, Tensor>());
  for (const { from, to, order, carried } of evaluationBatches(dataset, split, split.count, batchSize)) {
    const places = order?.subarray(from, to) ?? Uint32Array.from({ length: to - from }, (_, i) => from + i);
    recycling(() =>
      noGrad(() => {
        const inputs = Tensor.empty([to - from, ...dataset.train.shape]);
        gatherInputs(split, { from, to, order }, inputs.floats as Float32Array);
        predictor.run({ inputs, examples: places, carry: carried ? carries : undefined }, (raw, pass) => {
          const outputs = read(raw);
          if (outputs.size !== places.length * positions * width) {
            throw new ShapeError(
              `expected ${positions} x ${width} outputs for each example of ${dataset.name}, found ` +
                `${showShape(outputs.shape.slice(1))}.`,
            );
          }
          visit(outputs, { pass, places, positions });
        });
      })
    );
  }
}

/** What the passes say of classes: a row for each example, or for each of its positions. */
export function gatherClasses(asked: Asked): ClassPredictions {
  const { dataset: { classes, train }, split, predictor } = asked;
  const positions = train.labelsPerExample ?? 1;
  const found = classPredictions(split.count * positions, classes, predictor.passes);
  eachPass(asked, classes, (outputs) => outputs, (outputs, { places, positions }) => {
    const numbers = outputs.storage.array;
    for (let i = 0; i < places.length; i++) {
      for (let position = 0; position < positions; position++) {
        found.add(places[i] * positions + position, numbers, (i * positions + position) * classes);
      }
    }
  });
  return found.done();
}

/** What the passes say of numbers: `[passes, examples, outputs]`, as the model gives them. */
export function gatherNumbers(asked: Asked, loss: Plugin<"loss">): Float64Array[] {
  const { dataset: { outputs: width }, split, predictor } = asked;
  const means = Array.from({ length: predictor.passes }, () => new Float64Array(split.count * width));
  eachPass(asked, width, (outputs) => predictionOf(loss, outputs), (outputs, { pass, places }) => {
    const numbers = outputs.storage.array;
    for (let i = 0; i < places.length; i++) {
      means[pass].set(numbers.subarray(i * width, (i + 1) * width), places[i] * width);
    }
  });
  return means;
}
