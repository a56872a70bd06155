/** Softmax cross-entropy, for classification. @module */
import { z } from "zod";
import {
  crossEntropyRows,
  definePlugin,
  type Factory,
  logSumExpGap,
  type LossValue,
  OptionError,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkTargets, type ReductionOption, reductionSchema, weighed } from "./_reduction.ts";

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions extends ReductionOption {
  /** Share of the target that is spread evenly over the classes, in [0, 1]. Default 0. */
  labelSmoothing?: number;
  /** A factor of at least 0 for each class, in their order. Default 1 for all. */
  classWeights?: readonly number[];
  /** Examples with this label count nothing. Default none. */
  ignoreIndex?: number;
}

/**
 * `-log softmax(outputs)[label]`, averaged over the batch. Outputs `[batch, ..., classes]` are logits: no softmax before
 * it. Targets: int32 `[batch, ...]`, in [0, classes) or `ignoreIndex`. With class weights the mean is a weighted one: the
 * sum divided by the weights of the labels, ignored ones left out. Where nothing counts, it is 0.
 *
 * Targets may also be probabilities of the classes, floats of the outputs' shape, as mixup makes them: then it is
 * `-sum_c w_c t_c log softmax(outputs)_c`, its mean is that over all rows, as in PyTorch, and nothing can be ignored.
 *
 * @example
 * ```ts
 * import { crossEntropy, lossOf, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = lossOf(crossEntropy(), Tensor.of([[0, 0]]), Tensor.of([1], "int32"));
 * assertAlmostEquals(loss.item(), Math.log(2), 1e-6);
 * ```
 */
export const crossEntropy: Factory<"loss", CrossEntropyOptions> = definePlugin({
  name: "cross-entropy",
  summary: "Mean softmax cross-entropy of logits with labels.",
  options: z.object({
    labelSmoothing: z.number("expected a number in [0, 1]").min(0, "expected a number in [0, 1]")
      .max(1, "expected a number in [0, 1]").default(0).describe("share of the target spread over the classes"),
    classWeights: z.array(z.number().min(0, "expected numbers of at least 0"), "expected a number for each class")
      .readonly().optional().describe("a factor for each class"),
    ignoreIndex: z.int("expected a whole number").optional().describe("examples with this label count nothing"),
    reduction: reductionSchema,
  }),
  targets: "classes",
  loss: crossEntropyLoss,
  expected(logits, targets, options) {
    const { sum, weight } = crossEntropyLoss(logits.mean, targets, options);
    return { sum: sum.add(logSumExpGap(logits).mul(totals(logits.mean, targets, options)).sum()), weight };
  },
});

type Resolved = Omit<Required<CrossEntropyOptions>, "classWeights" | "ignoreIndex"> & CrossEntropyOptions;

function crossEntropyLoss(
  outputs: Tensor,
  targets: Tensor,
  { classWeights, reduction, ...options }: Resolved,
): LossValue {
  if (targets.dtype !== "int32") {
    const sum = softLoss(outputs, targets, classWeights, options);
    return weighed(sum, outputs.size / Math.max(outputs.shape[outputs.rank - 1], 1), reduction);
  }
  // A sequence's steps are rows as good as examples.
  const sequence = outputs.rank > 2 && targets.rank === outputs.rank - 1;
  const logits = sequence ? outputs.reshape([targets.size, outputs.shape[outputs.rank - 1]]) : outputs;
  const labels = sequence ? targets.reshape([targets.size]) : targets;
  const weights = classWeights && Tensor.from(classWeights, [classWeights.length], outputs.floatType);
  const sum = crossEntropyRows(logits, labels, { ...options, weights }).sum();
  return weighed(sum, weightOf(labels, classWeights, options.ignoreIndex), reduction);
}

/** What the weights of each row's target add up to, `[batch, ...]`: 1 where no class has a weight and none is ignored. */
function totals(
  outputs: Tensor,
  targets: Tensor,
  { classWeights, labelSmoothing: smoothing, ignoreIndex }: Resolved,
): Tensor {
  const classes = outputs.shape[outputs.rank - 1];
  const weights = classWeights ?? new Array(classes).fill(1);
  const spread = smoothing * weights.reduce((a, b) => a + b, 0) / classes;
  if (targets.dtype === "int32") {
    const each = Array.from(
      targets.ints,
      (label) => label === ignoreIndex ? 0 : (1 - smoothing) * weights[label] + spread,
    );
    return Tensor.from(each, outputs.shape.slice(0, -1), outputs.dtype);
  }
  const each = targets.mul(Tensor.from(weights, [classes], outputs.dtype)).sum(-1);
  return each.mul(1 - smoothing).add(spread);
}

/** The sum of the losses where targets are probabilities. */
function softLoss(
  outputs: Tensor,
  targets: Tensor,
  weights: readonly number[] | undefined,
  options: { labelSmoothing: number; ignoreIndex?: number },
): Tensor {
  if (targets.rank < outputs.rank) {
    throw new OptionError(
      "cross-entropy",
      "labels in an int32 tensor, or probabilities of the outputs' shape",
      targets.dtype,
    );
  }
  checkTargets("cross-entropy", outputs, targets);
  if (options.ignoreIndex !== undefined) {
    throw new OptionError("cross-entropy.ignoreIndex", "none where targets are probabilities", options.ignoreIndex);
  }
  const classes = outputs.shape[outputs.rank - 1];
  if (weights !== undefined && weights.length !== classes) {
    throw new ShapeError(`cross-entropy: expected ${classes} class weights, found ${weights.length}.`);
  }
  const { labelSmoothing: smoothing } = options;
  const smooth = smoothing === 0 ? targets : targets.mul(1 - smoothing).add(smoothing / classes);
  const weighted = weights === undefined ? smooth : smooth.mul(Tensor.from(weights, [classes], outputs.floatType));
  return outputs.logSoftmax().mul(weighted).sum().neg();
}

/** The weights of the labels that count, added up. */
function weightOf(labels: Tensor, weights: readonly number[] | undefined, ignore: number | undefined): number {
  if (weights === undefined && ignore === undefined) return labels.size;
  return labels.ints.reduce((sum, label) => label === ignore ? sum : sum + (weights?.[label] ?? 1), 0);
}
