/** Several inputs to one: where the ways of a graph meet. @module */
import { z } from "zod";
import { definePlugin, type Factory, Tensor } from "../../core/mod.ts";
import { featureAxis } from "./_axis.ts";

/** Options of {@linkcode merge}. */
export interface MergeOptions {
  /** `add`, `multiply`, `mean` and `max` work elementwise and broadcast; `concat` joins. */
  by: "add" | "multiply" | "mean" | "max" | "concat";
  /** For `concat`: the axis; the batch is axis 0. Default: the channels of images, else the features (the last axis). */
  axis?: number;
}

/**
 * Makes one tensor of all inputs.
 *
 * @example
 * ```ts
 * import { buildModel, merge, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(merge("multiply"), { inputShape: [[2], [2]] });
 * assertEquals(model.forward([Tensor.of([[1, 2]]), Tensor.of([[3, 4]])]).toArray(), [[3, 8]]);
 * ```
 */
export const merge: Factory<"layer", MergeOptions, ["by"]> = definePlugin({
  name: "merge",
  summary: "Makes one tensor of several inputs.",
  options: z.object({
    by: z.enum(["add", "multiply", "mean", "max", "concat"]).describe("how the inputs are joined"),
    axis: z.int().optional().describe("for concat: the axis; the batch is axis 0"),
  }),
  positional: ["by"],
  forward(x, { options: { by, axis }, inputs }) {
    if (by === "concat") return Tensor.concat(inputs, axis ?? featureAxis(x.rank));
    if (by === "multiply") return inputs.reduce((a, b) => a.mul(b));
    if (by === "max") return inputs.reduce((a, b) => a.maximum(b));
    const sum = inputs.reduce((a, b) => a.add(b));
    return by === "mean" ? sum.div(inputs.length) : sum;
  },
});
