/** Softmax cross-entropy, for classification. @module */
import { z } from "zod";
import { crossEntropyRows, definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions {
  /** Share of the target that is spread evenly over the classes, in [0, 1]. Default 0. */
  labelSmoothing?: number;
}

/**
 * Mean over the batch of `-log softmax(outputs)[label]`. Outputs `[batch, classes]` are logits: no softmax before it.
 * Targets: int32 `[batch]`.
 *
 * @example
 * ```ts
 * import { crossEntropy, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = crossEntropy().definition.loss!(Tensor.of([[0, 0]]), Tensor.of([1], "int32"), { labelSmoothing: 0 });
 * assertAlmostEquals(loss.item(), Math.log(2), 1e-6);
 * ```
 */
export const crossEntropy: Factory<"loss", CrossEntropyOptions> = definePlugin({
  name: "cross-entropy",
  summary: "Mean softmax cross-entropy of logits with labels.",
  options: z.object({
    labelSmoothing: z.number().min(0).max(1).default(0).describe("share of the target spread over the classes"),
  }),
  loss: (outputs, targets, options) => crossEntropyRows(outputs, targets, options).mean(),
});
