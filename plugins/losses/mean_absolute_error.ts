/** Mean absolute error, for regression that outliers are not to rule. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { checkTargets, reduce, type ReductionOption, reductionSchema } from "./_reduction.ts";

/** Options of {@linkcode meanAbsoluteError}. */
export interface MeanAbsoluteErrorOptions extends ReductionOption {}

/**
 * Mean of `|outputs - targets|` over the batch and the outputs, also known as the L1 loss. Both `[batch, ...]`.
 *
 * @example
 * ```ts
 * import { lossOf, meanAbsoluteError, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(lossOf(meanAbsoluteError(), Tensor.of([[1, 2]]), Tensor.of([[1, 4]])).item(), 1);
 * ```
 */
export const meanAbsoluteError: Factory<"loss", MeanAbsoluteErrorOptions> = definePlugin({
  name: "mean-absolute-error",
  summary: "Mean absolute difference of outputs and targets.",
  options: z.object({ reduction: reductionSchema }),
  targets: "numbers",
  loss(outputs, targets, { reduction }) {
    checkTargets("mean-absolute-error", outputs, targets);
    return reduce(outputs.sub(targets).abs(), reduction);
  },
});
