/**
 * DropBlock: contiguous blocks of a feature map are dropped.
 *
 * Ghiasi, Lin, Le, "DropBlock: A Regularization Method for Convolutional Networks", NeurIPS 2018, Algorithm 1: seeds
 * `~ Bernoulli(gamma)`, a block of zeros around each, and `y = x m count(m) / sum(m)`. Its equation (1),
 * `gamma = rate / block^2 * size^2 / (size - block + 1)^2`, counts overlapping blocks twice, so that less is dropped than
 * was asked for: 9.5 % of an 11 x 11 map instead of 10 % with blocks of 3. Programs that clip blocks at the border, or let
 * seeds fall where the equation has none, drop up to 93 %. Here gamma is the root of the exact equation: a cell that n
 * seeds can reach is kept with probability `(1 - gamma)^n`, and the mean of that over the map is `1 - rate`.
 *
 * @module
 */
import { z } from "zod";
import { applyMask, definePlugin, type Factory, kernels, type Key, type Tensor } from "../../../core/mod.ts";
import {
  blockAxes,
  type BlockOptions,
  type Blocks,
  blockSchemas,
  countScale,
  drawBlocks,
  maskOfCells,
} from "./_blocks.ts";
import { dropBlocks } from "./_kernel.ts";

/** Options of {@linkcode dropBlock}. */
export interface DropBlockOptions extends BlockOptions {
  /**
   * What kept cells are multiplied by. `expected` (default): one over the probability with which the cell is kept, which
   * keeps each cell's mean. `count`, as in the paper: cells over kept cells, counted in each example, which keeps the sum of
   * a map of equal cells in every draw, but is not right in the mean where an example may lose everything.
   */
  scale?: "expected" | "count";
}

type Resolved = Blocks & Pick<Required<DropBlockOptions>, "scale">;

function withoutBlocks(x: Tensor, key: Key, options: Resolved): Tensor {
  const { rate, scale } = options;
  const cells = scale === "count" ? null : maskOfCells(x.shape, key, options);
  if (cells !== null || rate === 1) return applyMask(x, cells ?? { key, rate });
  const { kept, keep } = drawBlocks(x.shape, key, options, x.floatType);
  if (scale === "count") return x.mask(kept.mul(countScale(kept)));
  if (typeof keep !== "number") return x.mask(kept).mul(keep.reciprocal());
  kernels.unary("affine", kept.floats, kept.floats, 1 / keep, 0);
  return x.mask(kept);
}

/**
 * Zeroes blocks of `[batch, channels, ...]`, with one to three spatial axes, at random: 1-d, 2-d and 3-d. In training and
 * in mode `sample`; evaluation is the identity. A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * **The rate is what is dropped**, for even and odd blocks and small maps alike. Of the ways to treat a border only `wrap`,
 * where the map is a torus to the blocks, drops every cell with exactly the probability `rate`: whoever keeps blocks inside
 * reaches a corner from one seed only, and whoever clips them makes something else of a block as large as the map. With
 * `border: "inside"`, the paper's, the rate is that of the mean cell; near a rate of 1 the few middle cells that are kept
 * are then scaled up by very much, so prefer `wrap` there.
 *
 * Blocks of one cell are `dropout`, and blocks as large as the map are `spatialDropout`, bit for bit where a model has the
 * same seed and path. The paper raises the rate linearly from 0: `rate: linear({ from: 0, to: 0.1 })`. It counts kept cells
 * in a layer; with `scale: "count"` that is done in each example, so that none depends on the others of its batch.
 *
 * When: behind the convolutions of the last stages, whose neighbouring cells are too alike for single ones to be missed.
 * Cost: a random number of 32 bits for each cell and step, or each cell of one channel where they share blocks; a mask of
 * the map's size is held for the gradient.
 *
 * @throws {ShapeError} for an input without spatial axes, with more than three, or with others than `block` names
 *
 * @example
 * ```ts
 * import { buildModel, dropBlock, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(dropBlock({ rate: 0.2, block: 3 }), { inputShape: [4, 9, 9], seed: 1 });
 * const y = model.forward(Tensor.ones([100, 4, 9, 9]), { mode: "train", step: 0 });
 * const dropped = y.floats.filter((value) => value === 0).length / y.size;
 * assertEquals(Math.abs(dropped - 0.2) < 0.02, true);
 * ```
 */
export const dropBlock: Factory<"activation", DropBlockOptions> = definePlugin({
  name: "drop-block",
  kernels: [dropBlocks],
  summary: "Zeroes contiguous blocks of feature maps at random in training.",
  paper: {
    authors: "Ghiasi, Lin, Le",
    year: 2018,
    title: "DropBlock: A Regularization Method for Convolutional Networks",
    url: "https://arxiv.org/abs/1810.12890",
  },
  options: z.object({
    ...blockSchemas(0.1, 7),
    scale: z.enum(["expected", "count"]).default("expected").describe("what kept cells are multiplied by"),
  }),
  activation(x, { mode, key, options }) {
    blockAxes(x.shape, options); // refuses other shapes in every mode
    return mode === "eval" || options.rate === 0 ? x : withoutBlocks(x, key, options);
  },
  claims({ border, channels, scale }) {
    const shares = ["entries" as const, ...(channels === "shared" ? [1] : [])];
    if (scale === "count") {
      return { eval: "identity", shares, ...(border === "inside" ? { dropped: "otherwise" } : {}) };
    }
    return border === "inside"
      ? { mean: "kept", eval: "identity", shares, dropped: "otherwise" }
      : { mean: "kept", variance: "multiplicative", eval: "identity", shares };
  },
  cases: [
    { block: 2 },
    { block: 2, border: "inside", channels: "shared" },
    { block: 2, scale: "count" },
  ],
});
