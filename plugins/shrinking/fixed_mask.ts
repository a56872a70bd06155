/** A mask that no longer changes: what a net of its own keeps of the dropout that it was made from. @module */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, Tensor } from "../../core/mod.ts";

/**
 * `y = factor * x + shift` entry by entry, in every mode. Input and output `[batch, ...]`; running state of an example's shape:
 * `factor`, at first ones, and `shift`, at first zeros. Neither is trained. `thinned` writes into them what a variant drew
 * where that cannot go into weights.
 *
 * Cost: two passes over the entries.
 *
 * @throws {ShapeError} for an input whose shape differs from call to call
 *
 * @example
 * ```ts
 * import { buildModel, fixedMask, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(fixedMask(), { inputShape: [2] });
 * model.load(new Map([["state/factor", Tensor.of([2, 0])], ["state/shift", Tensor.of([0, 1])]]));
 * assertEquals(model.forward(Tensor.of([[3, 4]])).toArray(), [[6, 1]]);
 * ```
 */
export const fixedMask: Factory<"layer", Record<never, never>> = definePlugin({
  name: "fixed-mask",
  summary: "Multiplies each entry by a fixed factor and adds a fixed shift.",
  options: z.object({}),
  init: ({ inputShape, dtype }) => ({
    state: { factor: Tensor.ones(inputShape, dtype), shift: Tensor.zeros(inputShape, dtype) },
  }),
  forward(x, { state: { factor, shift } }) {
    if (x.shape.slice(1).some((extent, axis) => extent !== factor.shape[axis])) {
      throw new ShapeError(`expected an input [batch, ...${showShape(factor.shape)}], found ${showShape(x.shape)}.`);
    }
    return x.mul(factor).add(shift);
  },
});
