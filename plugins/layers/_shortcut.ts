/** What residual layers share: a branch beside a shortcut, with a variant at the branch. @module */
import { type LayerContext, type Plugin, sameShape, ShapeError, showShape, type Tensor } from "../../core/mod.ts";

/**
 * `shortcut + branch(x)`, with the branch passed through the variant at the layer's branch site, if there is one.
 *
 * @param context the layer's own context
 * @param variant what stands at the branch site
 * @param shortcut what the branch is added to
 * @param x the branch's input, `[batch, ...]`
 * @param block computes the branch; its output has the shortcut's shape
 * @param name the variant's name under the layer's path
 */
export function addBranch(
  context: LayerContext<unknown>,
  variant: Plugin<"branch"> | undefined,
  shortcut: Tensor,
  inputs: readonly Tensor[],
  block: (inputs: readonly Tensor[]) => Tensor,
  name: string = "branch",
): Tensor {
  const [x, ...further] = inputs;
  let branch: Tensor | null;
  if (variant === undefined) {
    branch = block(inputs);
  } else if (context.building) {
    // The block finds its places whatever the variant does.
    const built = block(inputs);
    branch = context.serve("branch", variant, [x, () => built, further], name);
  } else {
    branch = context.serve("branch", variant, [x, block, further], name);
  }
  if (branch === null) return shortcut;
  if (!sameShape(branch.shape, shortcut.shape)) {
    throw new ShapeError(
      `expected a block whose output has the shortcut's shape ${showShape(shortcut.shape)}, ` +
        `found ${showShape(branch.shape)}; a projection on the shortcut can make them fit.`,
    );
  }
  return shortcut.add(branch);
}
