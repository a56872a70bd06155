/** The loss of one batch, as a loop of one's own uses it. @module */
import { optionsAt } from "../plugin/options.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import type { ScheduleMemory } from "../plugin/schedule_memory.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { beginning } from "../plugin/tree.ts";

/**
 * The loss of a batch: the sum of its losses divided by their weight, unless the loss is one that is never divided. Its
 * gradient is what training follows. A batch that counts nothing has a loss of 0.
 *
 * @param loss the loss
 * @param outputs the model's outputs, batch first
 * @param targets int32 labels or numbers
 * @returns a tensor with one element
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
export function lossOf(loss: Plugin<"loss">, outputs: Tensor, targets: Tensor): Tensor {
  const { sum, weight } = loss.definition.loss(outputs, targets, lossOptions(loss));
  return weight === null ? sum : sum.div(divisor(weight));
}

/**
 * The options of a loss at a point of training, schedules replaced by their values.
 *
 * @param progress how far training has come; default its beginning
 * @param memory what schedules remember
 */
export function lossOptions(
  loss: Plugin<"loss">,
  progress: Progress = beginning,
  memory?: ScheduleMemory,
): never {
  return optionsAt(loss, progress, "loss", memory) as never;
}

/** What a sum of losses is divided by. A batch that counts nothing has a loss of 0. */
export function divisor(weight: number | null): number {
  return weight === null || weight === 0 ? 1 : weight;
}
