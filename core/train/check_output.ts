/** Whether a model fits a data set. @module */
import type { Dataset } from "./data.ts";
import { ShapeError } from "../errors.ts";
import { predictionOf } from "./evaluate.ts";
import type { Model } from "../plugin/model.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Throws unless a model's output fits a data set's targets. */
export function checkOutput(model: Model, dataset: Dataset, loss: Plugin<"loss">): void {
  const output = model.summary()[0].shape;
  const shape = predictionOf(loss, Tensor.zeros([1, ...output])).shape.slice(1);
  const { labelsPerExample } = dataset.train;
  const wanted = dataset.classes === 0
    ? [dataset.outputs]
    : labelsPerExample === undefined
    ? [dataset.classes]
    : [labelsPerExample, dataset.classes];
  if (sameShape(shape, wanted)) return;
  const what = dataset.classes === 0
    ? "the targets"
    : `${dataset.classes} classes${labelsPerExample === undefined ? "" : ` at each of ${labelsPerExample} positions`}`;
  throw new ShapeError(
    `model: expected an output of shape [batch, ${wanted.join(", ")}] for ${what}, found [batch, ${shape.join(", ")}].`,
  );
}
