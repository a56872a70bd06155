/**
 * Loading a data set, and measuring a model on it.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import { checkDataset, laneOrder, makeBatch } from "./batches.ts";
import type { Dataset, Split } from "./data.ts";
import { defaultLoss } from "./default_loss.ts";
import { refuseUnknown } from "../errors.ts";
import { lossOptions } from "./loss_of.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import type { Model } from "../plugin/model.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import { Rows } from "../random/rows.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { wholeNumber } from "./whole_number.ts";

const EVALUATION_BATCH = 1000;
/** Positions with a label that are measured at a time. */
const EVALUATION_POSITIONS = 8192;
/** Lanes in which a sequence is read. */
const EVALUATION_LANES = 32;

/** Mean loss, and error: the fraction of wrong classes, or the root of the mean squared error. */
export interface Evaluation {
  /** Mean loss over the examples, or their sum where the loss is never divided. */
  readonly loss: number;
  /**
   * Fraction of wrong classes in [0, 1], over all positions where each has a label; or root mean squared error, in the
   * units that the data set names as `targetUnits` if it does.
   */
  readonly error: number;
}

/** Loads a data set and checks it. */
export async function loadDataset(data: Dataset | Plugin<"dataset">): Promise<Dataset> {
  const dataset = isPlugin(data, "dataset") ? await data.definition.load({ options: data.options }) : data as Dataset;
  checkDataset(dataset);
  return dataset;
}

/**
 * Number of wrong classes in a batch, averaged over the positions of an example; or the sum of squared differences
 * divided by the outputs. Where the targets are class probabilities, the most probable class is the right one.
 */
export function errorSum(outputs: Tensor, targets: Tensor, dataset: Dataset): number {
  return noGrad(() => {
    if (dataset.classes > 0) {
      const best = outputs.argmax().ints;
      const labels = targets.dtype === "int32" ? targets.ints : targets.argmax().ints;
      let wrong = 0;
      for (let i = 0; i < labels.length; i++) if (best[i] !== labels[i]) wrong++;
      return wrong / (dataset.train.labelsPerExample ?? 1);
    }
    const difference = outputs.sub(targets);
    const units = dataset.targetUnits;
    const scaled = units === undefined
      ? difference
      : difference.mul(Tensor.from(units.deviation, [dataset.outputs], difference.floatType));
    return scaled.square().sum().item() / targets.shape[1];
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

/** Some examples that are measured together. */
export interface EvaluationBatch {
  /** First place in the order. */
  readonly from: number;
  /** One past the last place. */
  readonly to: number;
  /** The order; that of the examples where there is none. */
  readonly order?: Uint32Array;
  /** Whether states are carried from the batch before, and to the next. */
  readonly carried: boolean;
}

/**
 * The batches in which the first `count` examples are measured. Of a data set in the order `lanes`, the pieces are read
 * in 32 lanes (fewer when there are fewer), in which layers that carry their state go on from piece to piece; the last
 * `count % 32` pieces begin anew.
 *
 * @param batchSize most examples of a batch, but for lanes; default 1000, fewer where examples have many positions
 */
export function* evaluationBatches(
  dataset: Dataset,
  split: Split = dataset.test,
  count: number = split.count,
  batchSize?: number,
): Generator<EvaluationBatch> {
  let done = 0;
  if (dataset.order === "lanes") {
    const lanes = Math.min(EVALUATION_LANES, count);
    const order = laneOrder(count, lanes);
    for (; done < order.length; done += lanes) yield { from: done, to: done + lanes, order, carried: true };
  }
  const size = batchSize ??
    Math.max(1, Math.min(EVALUATION_BATCH, Math.ceil(EVALUATION_POSITIONS / (split.labelsPerExample ?? 1))));
  for (; done < count; done += size) yield { from: done, to: Math.min(done + size, count), carried: false };
}

/** Samples that addresses tell apart; those of larger data sets begin again. */
const SAMPLES = 2 ** 24;

/** Where the draws of some examples lie: each example's place is its number in the data set, whatever the order. */
function placeOf(from: number, to: number, order?: Uint32Array): { sample: number } | { rows: Rows } {
  if (order === undefined) return { sample: from % SAMPLES };
  return { rows: Rows.of(Array.from(order.subarray(from, to), (example) => ({ sample: example % SAMPLES }))) };
}

/** What {@linkcode evaluate} is told. */
export interface EvaluateOptions {
  /** Which examples; default the test part. */
  split?: Split;
  /** At most this many of them, from the first on, at least 1. Default: all. */
  limit?: number;
  /** Most examples that are run at a time, at least 1; the answer does not depend on it. Default: up to 1000. */
  batchSize?: number;
  /** How far training has come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
}

/**
 * Loss and error of a model on examples, in mode `eval`. Draws that a variant makes there are addressed by an example's
 * number in the part.
 *
 * Of a data set in the order `lanes`, layers that carry their state go on from piece to piece, as in training: see
 * {@linkcode evaluationBatches}.
 *
 * @param model the model
 * @param dataset where the examples come from
 * @param loss the loss; default that of the data's kind: see {@linkcode defaultLoss}
 * @param options which examples, and how
 * @throws {OptionError} for an option out of range
 */
export function evaluate(
  model: Model,
  dataset: Dataset,
  loss: Plugin<"loss"> = defaultLoss(dataset),
  options: EvaluateOptions = {},
): Evaluation {
  refuseUnknown(options, ["split", "limit", "batchSize", "progress"], "evaluate");
  const { split = dataset.test, limit = split.count, progress } = options;
  const batchSize = options.batchSize === undefined ? undefined : wholeNumber(options.batchSize, 1, "batchSize");
  const count = Math.min(split.count, wholeNumber(limit, 1, "limit"));
  const settings = lossOptions(loss, progress, model.schedules);
  let lossSum = 0;
  let weights: number | null = null;
  let errors = 0;
  const carry = new Map<string, Tensor>();
  for (const { from, to, order, carried } of evaluationBatches(dataset, split, count, batchSize)) {
    recycling(() =>
      noGrad(() => {
        const batch = makeBatch(split, dataset.outputs, from, to, order);
        const outputs = model.forward(batch.inputs, {
          ...placeOf(from, to, order),
          progress,
          carry: carried ? carry : undefined,
        });
        const { sum, weight } = loss.definition.loss(outputs, batch.targets, settings);
        lossSum += sum.item();
        if (weight !== null) weights = (weights ?? 0) + weight;
        errors += errorSum(predictionOf(loss, outputs), batch.targets, dataset);
      })
    );
  }
  return {
    loss: weights === null || weights === 0 ? lossSum : lossSum / weights,
    error: errorOf(errors, count, dataset.classes > 0),
  };
}
