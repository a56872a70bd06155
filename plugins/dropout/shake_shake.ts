/**
 * Shake-Shake: two blocks are mixed at random, otherwise on the way back than on the way there.
 *
 * Gastaldi, "Shake-Shake regularization", 2017, equations (2) and (3): `y = x + a F1(x) + (1 - a) F2(x)` in training, `a`
 * uniform in (0, 1); on the way back `a` is replaced by another uniform number `b`; at test time it is 1/2.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  type Key,
  layerPart,
  type LayerPlugin,
  record,
  sameShape,
  ShapeError,
  sharedDraw,
  showShape,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode shakeShake}. */
export interface ShakeShakeOptions {
  /** The two blocks F1 and F2, whose outputs have one shape. */
  blocks: readonly [LayerPlugin, LayerPlugin];
  /** A layer for the shortcut, where the blocks change the shape. Default: the identity. */
  projection?: LayerPlugin;
  /** The mixture on the way there. `shake` (default): drawn anew at every pass. `even`: 1/2. */
  forward?: "shake" | "even";
  /**
   * The mixture of gradients. `shake` (default): drawn anew, by itself. `keep`: that of the way there, so that the gradient is
   * that of what is computed. `even`: 1/2.
   */
  backward?: "shake" | "keep" | "even";
  /** Whose own a mixture is: `sample` (default, the paper's "image"): each example's. `batch`: all have the same. */
  level?: "sample" | "batch";
}

/** One number in (0, 1) for each example or for the batch, in a shape that stretches to that of `like`. */
function mixture(like: Tensor, key: Key, level: "sample" | "batch"): Tensor {
  const axes = like.shape.map((_, axis) => axis);
  const draw = sharedDraw(like.shape, key, level === "batch" ? axes : axes.slice(1));
  return Tensor.uniform(draw.shape, draw.key, like.floatType);
}

/** `a first + (1 - a) second`, whose gradients are those of `b first + (1 - b) second`. */
function mixed(first: Tensor, second: Tensor, a: Tensor, b: Tensor): Tensor {
  const y = first.detach().mul(a).add(second.detach().mul(a.neg().add(1)));
  return record("shake-shake", [first, second], y, (dy, needs) => [
    needs[0] ? dy.mul(b) : null,
    needs[1] ? dy.mul(b.neg().add(1)) : null,
  ]);
}

/**
 * A residual layer of two blocks: `y = x + a F1(x) + (1 - a) F2(x)`. Input `[batch, ...]`, output of the blocks' shape.
 *
 * In training and in mode `sample` the mixtures are drawn, as the two switches say; with both blocks alike it is
 * `x + F(x)` at any mixture. Evaluation takes the mean. Unless `backward` is `keep`, or both are `even`, the gradient is not
 * that of what is computed, on purpose: the two blocks' gradients still add up to the whole.
 *
 * @throws {ShapeError} for blocks of different shapes, or another than the shortcut's
 *
 * When: in residual networks with two parallel branches (ResNeXt 2x) that are trained for long, with a cosine schedule.
 * Cost: both blocks are computed, as without it; two numbers an example, and a product for each block.
 *
 * @example
 * ```ts
 * import { buildModel, dense, relu, sequential, shakeShake, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const block = () => sequential([dense(16), relu(), dense(8)]);
 * const model = buildModel(shakeShake([block(), block()]), { inputShape: [8], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 8]), { mode: "train", step: 0 }).shape, [2, 8]);
 * ```
 */
export const shakeShake: Factory<"layer", ShakeShakeOptions, ["blocks"]> = definePlugin({
  name: "shake-shake",
  summary: "Two blocks beside a shortcut, mixed at random, otherwise on the way back.",
  paper: {
    authors: "Gastaldi",
    year: 2017,
    title: "Shake-Shake regularization",
    url: "https://arxiv.org/abs/1705.07485",
  },
  options: z.object({
    blocks: z.tuple([layerPart(), layerPart()], "expected two layers").readonly().describe("the two blocks"),
    projection: layerPart().optional().describe("a layer for the shortcut; default the identity"),
    forward: z.enum(["shake", "even"]).default("shake").describe("the mixture on the way there"),
    backward: z.enum(["shake", "keep", "even"]).default("shake").describe("the mixture of gradients"),
    level: z.enum(["sample", "batch"]).default("sample").describe("whose own a mixture is"),
  }),
  positional: ["blocks"],
  forward(x, { mode, key, options, run, inputs }) {
    const { blocks, projection, forward, backward, level } = options;
    const shortcut = projection === undefined ? x : run(projection, x, "projection");
    const [first, second] = blocks.map((block, i) => run(block, inputs, block.name ?? String(i)));
    for (const { shape } of [first, second]) {
      if (sameShape(shape, shortcut.shape)) continue;
      throw new ShapeError(
        `expected two blocks whose outputs have the shortcut's shape ${showShape(shortcut.shape)}, ` +
          `found ${showShape(shape)}; a projection on the shortcut can make them fit.`,
      );
    }
    const half = Tensor.full(first.shape.map(() => 1), 0.5, first.floatType);
    const draw = (label: string) => mode === "eval" ? half : mixture(first, key.at(label), level);
    const a = forward === "even" ? half : draw("forward");
    const b = backward === "even" ? half : backward === "keep" ? a : draw("backward");
    return shortcut.add(mixed(first, second, a, b));
  },
});
