/**
 * Loading a data set, and measuring a model on it.
 *
 * @module
 */
import { noGrad } from "./autograd.ts";
import { checkDataset, makeBatch } from "./batches.ts";
import type { Dataset, Split } from "./data.ts";
import { isPlugin } from "./define.ts";
import type { Model } from "./model.ts";
import type { Plugin } from "./plugin.ts";
import { recycling } from "./storage.ts";
import type { Tensor } from "./tensor.ts";

const EVALUATION_BATCH = 1000;

/** Mean loss, and error: the fraction of wrong classes, or the root of the mean squared error. */
export interface Evaluation {
  /** Mean loss over the examples. */
  readonly loss: number;
  /** Fraction of wrong classes in [0, 1], or root mean squared error. */
  readonly error: number;
}

/** Loads a data set and checks it. */
export async function loadDataset(data: Dataset | Plugin<"dataset">): Promise<Dataset> {
  const dataset = isPlugin(data, "dataset") ? await data.definition.load!({ options: data.options }) : data as Dataset;
  checkDataset(dataset);
  return dataset;
}

/** Number of wrong classes in a batch, or the sum of squared differences divided by the outputs. */
export function errorSum(outputs: Tensor, targets: Tensor): number {
  return noGrad(() => {
    if (targets.dtype === "int32") {
      const best = outputs.argmax().ints;
      const labels = targets.ints;
      let wrong = 0;
      for (let row = 0; row < labels.length; row++) if (best[row] !== labels[row]) wrong++;
      return wrong;
    }
    return outputs.sub(targets).square().sum().item() / targets.shape[1];
  });
}

/** What of a model's outputs is compared with the targets, by the loss's own account. */
export function predictionOf(loss: Plugin<"loss">, outputs: Tensor): Tensor {
  const { prediction } = loss.definition;
  return prediction === undefined ? outputs : noGrad(() => prediction(outputs, loss.options));
}

/** Error from the sum that {@linkcode errorSum} gives. */
export function errorOf(sum: number, examples: number, classification: boolean): number {
  return classification ? sum / examples : Math.sqrt(sum / examples);
}

/**
 * Loss and error of a model on examples, in mode `eval`.
 *
 * @param model the model
 * @param dataset where the examples come from
 * @param split which part; default the test part
 * @param loss the loss
 * @param limit at most this many examples, from the first on
 */
export function evaluate(
  model: Model,
  dataset: Dataset,
  loss: Plugin<"loss">,
  split: Split = dataset.test,
  limit: number = Infinity,
): Evaluation {
  const count = Math.min(split.count, limit);
  let lossSum = 0;
  let errors = 0;
  for (let from = 0; from < count; from += EVALUATION_BATCH) {
    const to = Math.min(from + EVALUATION_BATCH, count);
    recycling(() =>
      noGrad(() => {
        const batch = makeBatch(split, dataset.outputs, from, to);
        const outputs = model.forward(batch.inputs);
        lossSum += loss.definition.loss!(outputs, batch.targets, loss.options).item() * (to - from);
        errors += errorSum(predictionOf(loss, outputs), batch.targets);
      })
    );
  }
  return { loss: lossSum / count, error: errorOf(errors, count, dataset.classes > 0) };
}
