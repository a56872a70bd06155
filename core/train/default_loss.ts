/**
 * Which loss belongs to which data: the one that is taken when none is given, and the pairs that cannot work.
 *
 * @module
 */
import { z } from "zod";
import type { Dataset } from "./data.ts";
import { definePlugin } from "../plugin/define.ts";
import { OptionError, show } from "../errors.ts";
import type { Factory, LossValue, Plugin } from "../plugin/plugin.ts";
import { logSumExpGap } from "./log_sum_exp_gap.ts";
import { crossEntropyRows } from "../tensor/ops/softmax.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Mean softmax cross-entropy with labels, or with class probabilities, as augmentations that mix targets make them. */
const classLoss: Factory<"loss", Record<never, never>> = definePlugin({
  name: "default-class-loss",
  options: z.object({}),
  targets: "classes",
  loss: classLossOf,
  expected(logits, targets) {
    const { sum, weight } = classLossOf(logits.mean, targets);
    return { sum: sum.add(logSumExpGap(logits).sum()), weight };
  },
});

function classLossOf(outputs: Tensor, targets: Tensor): LossValue {
  const classes = outputs.shape[outputs.rank - 1];
  const rows = outputs.size / classes;
  const sum = targets.dtype === "int32"
    ? crossEntropyRows(outputs.reshape([rows, classes]), targets.reshape([rows])).sum()
    : outputs.logSoftmax().mul(targets).sum().neg();
  return { sum, weight: rows };
}

/** Mean squared error. */
const numberLoss: Factory<"loss", Record<never, never>> = definePlugin({
  name: "default-number-loss",
  options: z.object({}),
  targets: "numbers",
  loss: (outputs, targets) => ({ sum: outputs.sub(targets).square().sum(), weight: outputs.size }),
  expected: ({ mean, variance }, targets) => ({
    sum: mean.sub(targets).square().add(variance).sum(),
    weight: mean.size,
  }),
});

/**
 * The loss for a data set when none is given: mean softmax cross-entropy for classes, the same as `crossEntropy()`; mean
 * squared error for numbers, the same as `meanSquaredError()`.
 *
 * @example
 * ```ts
 * import { defaultLoss, digits, loadDataset } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 20, test: 10 }));
 * assertEquals(defaultLoss(data).definition.targets, "classes");
 * ```
 */
export function defaultLoss(dataset: Dataset): Plugin<"loss"> {
  return dataset.classes > 0 ? classLoss() : numberLoss();
}

/**
 * Throws when a loss and a data set cannot belong together, such as cross-entropy and a regression.
 *
 * @throws {OptionError} with the path `loss`
 */
export function checkLoss(loss: Plugin<"loss">, dataset: Dataset): void {
  const found = dataset.classes > 0 ? "classes" : "numbers";
  const { targets } = loss.definition;
  if (targets === undefined || targets === found) return;
  const [what, fit] = found === "classes"
    ? [`${dataset.classes} classes`, "cross-entropy"]
    : ["numbers to predict", "mean-squared-error"];
  throw new OptionError(
    "loss",
    `one for ${found}, such as ${show(fit)}, because ${dataset.name} has ${what}`,
    loss.plugin,
  );
}
