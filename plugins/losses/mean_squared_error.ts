/** Mean squared error, for regression. @module */
import { z } from "zod";
import { definePlugin, type Factory, sameShape, ShapeError, showShape } from "../../core/mod.ts";

/**
 * Mean of `(outputs - targets)^2` over the batch and the outputs. Both `[batch, outputs]`.
 *
 * @example
 * ```ts
 * import { meanSquaredError, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(meanSquaredError().definition.loss!(Tensor.of([[1, 2]]), Tensor.of([[1, 4]]), {}).item(), 2);
 * ```
 */
export const meanSquaredError: Factory<"loss", Record<never, never>> = definePlugin({
  name: "mean-squared-error",
  summary: "Mean squared difference of outputs and targets.",
  options: z.object({}),
  loss(outputs, targets) {
    if (!sameShape(outputs.shape, targets.shape)) {
      throw new ShapeError(
        `mean-squared-error: expected targets of the outputs' shape ${showShape(outputs.shape)}, ` +
          `found ${showShape(targets.shape)}.`,
      );
    }
    return outputs.sub(targets).square().mean();
  },
});
