/** Layers side by side, joined. @module */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin, Tensor } from "../../core/mod.ts";
import { featureAxis } from "./_axis.ts";

/** Options of {@linkcode concat}. */
export interface ConcatOptions {
  /** The branches, at least one. A branch's place is its number, or its own name. */
  branches: readonly LayerPlugin[];
  /** The axis to join along; the batch is axis 0. Default: the channels of images, else the features (the last axis). */
  axis?: number;
}

/**
 * The outputs of several layers on one input, joined along the channels or features.
 *
 * @example
 * ```ts
 * import { buildModel, concat, dense, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(concat([dense(4), dense(3)]), { inputShape: [5] });
 * assertEquals(model.forward(Tensor.ones([2, 5])).shape, [2, 7]);
 * ```
 */
export const concat: Factory<"layer", ConcatOptions, ["branches"]> = definePlugin({
  name: "concat",
  summary: "Layers side by side, whose outputs are joined along the channels or features.",
  options: z.object({
    branches: z.array(layerPart()).min(1, "expected at least one branch").readonly().describe("the branches"),
    axis: z.int().optional().describe("the axis to join along; the batch is axis 0"),
  }),
  positional: ["branches"],
  forward(_x, { options: { branches, axis }, run, inputs }) {
    const outputs = branches.map((branch, i) => run(branch, inputs, branch.name ?? String(i)));
    return Tensor.concat(outputs, axis ?? featureAxis(outputs[0].rank));
  },
});
