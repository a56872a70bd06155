/**
 * A block beside a shortcut.
 *
 * He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, equations (1) and (2):
 * `y = F(x) + x`, and `y = F(x) + W_s x` where the shapes differ.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin, part, type Plugin } from "../../core/mod.ts";
import { addBranch } from "./_shortcut.ts";

/** Options of {@linkcode residual}. */
export interface ResidualOptions {
  /** The block F. */
  block: LayerPlugin;
  /** A variant that the branch passes through, such as `stochasticDepth`. */
  branch?: Plugin<"branch">;
  /** A layer for the shortcut, where the block changes the shape. Default: the identity. */
  projection?: LayerPlugin;
}

/**
 * `y = x + block(x)`, or `y = projection(x) + block(x)`. Input `[batch, ...]`, output of the block's shape.
 *
 * @example
 * ```ts
 * import { buildModel, dense, relu, residual, sequential, stochasticDepth, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const block = sequential([dense(16), relu(), dense(8)]);
 * const model = buildModel(residual(block, { branch: stochasticDepth({ rate: 0.2 }) }), { inputShape: [8] });
 * assertEquals(model.forward(Tensor.ones([2, 8])).shape, [2, 8]);
 * ```
 */
export const residual: Factory<"layer", ResidualOptions, ["block"]> = definePlugin({
  name: "residual",
  summary: "A block beside a shortcut: y = x + block(x).",
  paper: {
    authors: "He, Zhang, Ren, Sun",
    year: 2016,
    title: "Deep Residual Learning for Image Recognition",
    url: "https://arxiv.org/abs/1512.03385",
  },
  options: z.object({
    block: layerPart().describe("the block"),
    branch: part("branch").optional().describe("a variant that the branch passes through"),
    projection: layerPart().optional().describe("a layer for the shortcut; default the identity"),
  }),
  positional: ["block"],
  forward(x, context) {
    const { block, branch, projection } = context.options;
    const shortcut = projection === undefined ? x : context.run(projection, x, "projection");
    return addBranch(context, branch, shortcut, context.inputs, (inputs) => context.run(block, inputs, "block"));
  },
});
