/** Layers side by side, summed. @module */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin } from "../../core/mod.ts";

/** Options of {@linkcode parallel}. */
export interface ParallelOptions {
  /** The branches, at least one. A branch's place is its number, or its own name. */
  branches: readonly LayerPlugin[];
}

/**
 * `y = branch_1(x) + branch_2(x) + ...`. The branches' outputs broadcast.
 *
 * @example
 * ```ts
 * import { buildModel, dense, parallel, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(parallel([dense(4), sequential([dense(8), relu(), dense(4)])]), { inputShape: [3] });
 * assertEquals(model.forward(Tensor.ones([2, 3])).shape, [2, 4]);
 * ```
 */
export const parallel: Factory<"layer", ParallelOptions, ["branches"]> = definePlugin({
  name: "parallel",
  summary: "Layers side by side, whose outputs are summed.",
  options: z.object({
    branches: z.array(layerPart()).min(1, "expected at least one branch").readonly().describe("the branches"),
  }),
  positional: ["branches"],
  forward: (_x, { options: { branches }, run, inputs }) =>
    branches.map((branch, i) => run(branch, inputs, branch.name ?? String(i))).reduce((sum, y) => sum.add(y)),
});
