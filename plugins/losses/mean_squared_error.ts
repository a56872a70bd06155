/** Mean squared error, for regression. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { checkTargets, reduce, type ReductionOption, reductionSchema } from "./_reduction.ts";

/** Options of {@linkcode meanSquaredError}. */
export interface MeanSquaredErrorOptions extends ReductionOption {}

/**
 * Mean of `(outputs - targets)^2` over the batch and the outputs. Both `[batch, ...]`.
 *
 * @example
 * ```ts
 * import { lossOf, meanSquaredError, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(lossOf(meanSquaredError(), Tensor.of([[1, 2]]), Tensor.of([[1, 4]])).item(), 2);
 * ```
 */
export const meanSquaredError: Factory<"loss", MeanSquaredErrorOptions> = definePlugin({
  name: "mean-squared-error",
  summary: "Mean squared difference of outputs and targets.",
  options: z.object({ reduction: reductionSchema }),
  targets: "numbers",
  loss(outputs, targets, { reduction }) {
    checkTargets("mean-squared-error", outputs, targets);
    return reduce(outputs.sub(targets).square(), reduction);
  },
  expected(outputs, targets, { reduction }) {
    checkTargets("mean-squared-error", outputs.mean, targets);
    return reduce(outputs.mean.sub(targets).square().add(outputs.variance), reduction);
  },
});
