/** What of a model's outputs is a prediction, and in which units: as its loss and its data set say. @module */
import type { Plugin } from "../plugin/plugin.ts";
import type { TargetUnits } from "./data.ts";
import { OptionError } from "../errors.ts";
import type { PredictOptions } from "./prediction.ts";

/** What is predicted. */
export interface Predicted {
  /** Number of classes; 0 for numbers. */
  readonly classes: number;
  /** By what targets were shifted and scaled. */
  readonly targetUnits?: TargetUnits;
}

/**
 * How `predict` is to read the outputs of a model that was trained with a loss on a data set.
 *
 * @param loss the loss; undefined where the outputs themselves are the prediction
 * @param precision of the noise around numbers, 1 over its variance, in the targets' units; where none is given, the loss
 *   may say it
 * @throws {OptionError} for a precision that is not above 0, or one of classes
 *
 * @example
 * ```ts
 * import { arrays, dense, dropout, fit, gaussianNll, predict, readingOf, sequential, sgd, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const x = Array.from({ length: 40 }, (_, i) => [i / 40]);
 * const data = arrays({ train: [x, x.map(([a]) => 3 * a + 0.5)], test: 0.2 });
 * const loss = gaussianNll();
 * const run = await fit(sequential([dropout(), dense(2)]), { data, loss, optimizer: sgd({ learningRate: 0.1 }), epochs: 2 });
 * const found = predict(run.model, Tensor.of([[0.3]]), { samples: 5, ...readingOf(run.preprocessing, loss) });
 * assertEquals(found.mean.shape, [1, 1]); // of two outputs, the one that is a mean
 * ```
 */
export function readingOf(
  { classes, targetUnits }: Predicted,
  loss: Plugin<"loss"> | undefined,
  precision?: number,
): Pick<PredictOptions, "softmax" | "read" | "noise" | "units"> {
  if (precision !== undefined && (classes > 0 || !(precision > 0 && precision < Infinity))) {
    throw new OptionError("precision", classes > 0 ? "none for classes" : "a number above 0", precision);
  }
  if (classes > 0) return { softmax: true };
  const { prediction, noise } = loss?.definition ?? {};
  return {
    ...(prediction !== undefined && { read: (outputs) => prediction(outputs, loss!.options) }),
    ...(precision !== undefined
      ? { noise: 1 / precision }
      : noise !== undefined && { noise: (outputs) => noise(outputs, loss!.options) }),
    units: targetUnits,
  };
}
