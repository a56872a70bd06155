/**
 * A whole layer that can be left out, shortcut and all.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  layerPart,
  type LayerPlugin,
  part,
  type Plugin,
  sameShape,
  ShapeError,
  showShape,
  type Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode bypass}. */
export interface BypassOptions {
  /** The layer; its output has its input's shape. */
  block: LayerPlugin;
  /** The variant that leaves it out, such as `layerDrop`. */
  branch?: Plugin<"branch">;
}

/**
 * `y = block(x)`, or `y = x` where the variant at the branch site leaves the layer out: for layers that have shortcuts and
 * norms of their own, such as `encoderBlock`. To the variant the branch is what the layer changes, `block(x) - x`, so one
 * that scales, such as `stochasticDepth`, keeps the mean. Further inputs are given to the layer.
 *
 * @throws {ShapeError} for a layer whose output is of another shape than its input
 *
 * @example
 * ```ts
 * import { buildModel, bypass, encoderBlock, layerDrop, repeat, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const encoder = repeat(bypass(encoderBlock(2), { branch: layerDrop({ rate: 0.2 }) }), 6);
 * assertEquals(buildModel(encoder, { inputShape: [5, 8] }).forward(Tensor.ones([3, 5, 8])).shape, [3, 5, 8]);
 * ```
 */
export const bypass: Factory<"layer", BypassOptions, ["block"]> = definePlugin({
  name: "bypass",
  summary: "A whole layer that a variant at its branch site can leave out.",
  options: z.object({
    block: layerPart().describe("the layer"),
    branch: part("branch").optional().describe("the variant that leaves it out"),
  }),
  positional: ["block"],
  forward(x, { options: { block, branch }, inputs, building, run, serve }) {
    const outputOf = (given: readonly Tensor[]) => {
      const output = run(block, given, "block");
      if (sameShape(output.shape, given[0].shape)) return output;
      throw new ShapeError(
        `expected a layer whose output has its input's shape ${showShape(given[0].shape)}, ` +
          `found ${showShape(output.shape)}.`,
      );
    };
    if (branch === undefined) return outputOf(inputs);
    let output: Tensor;
    let change: Tensor | undefined;
    const changeOf = (given: readonly Tensor[]) => change = (output = outputOf(given)).sub(given[0]);
    // While it is built the layer finds its places whatever the variant does.
    const built = building ? changeOf(inputs) : undefined;
    const found = serve("branch", branch, [x, built === undefined ? changeOf : () => built, inputs.slice(1)]);
    if (found === null) return x;
    // What the variant left as it was is the layer's own output, bit for bit.
    return found === change ? output! : x.add(found);
  },
});
