/**
 * Disout: blocks of a feature map are distorted in place of dropped.
 *
 * Tang, Wang, Xu, Shi, Xu, Xu, Xu, "Beyond Dropout: Feature Map Distortion to Regularize Deep Neural Networks", AAAI 2020,
 * in the form of the authors' program: with DropBlock's mask m, `y = (x m + d (1 - m)) / mean(m)` and the distortion
 * `d = alpha w std(x) n`, `n ~ N(0, 1)` for each cell; w = 0.01 stands for the weights that the map goes into. Nothing flows
 * back through d.
 *
 * @module
 */
import { z } from "zod";
import { applyMask, definePlugin, type Factory, type Key, Tensor } from "../../core/mod.ts";
import {
  blockAxes,
  type BlockOptions,
  type Blocks,
  blockSchemas,
  countScale,
  drawBlocks,
} from "./drop_block/_blocks.ts";
import { dropBlocks } from "./drop_block/_kernel.ts";

/** Options of {@linkcode disout}. */
export interface DisoutOptions extends BlockOptions {
  /** Strength of the distortion, at least 0; at 0 blocks are dropped. Default 5, as in the authors' program for CIFAR. */
  alpha?: number;
  /** What stands for the weights that the map goes into, at least 0. Default 0.01. */
  weight?: number;
}

type Resolved = Blocks & Pick<Required<DisoutOptions>, "alpha" | "weight">;

function distorted(x: Tensor, key: Key, options: Resolved): Tensor {
  const { kept } = drawBlocks(x.shape, key, options, x.floatType);
  const scale = countScale(kept);
  const left = x.mask(kept.mul(scale));
  const strength = options.alpha * options.weight;
  if (strength === 0) return left;
  const within = x.shape.map((_, axis) => axis).slice(1);
  const values = x.detach();
  const deviation = values.sub(values.mean(within, true)).square().mean(within, true).sqrt();
  const noise = Tensor.normal(x.shape, key.at("distortion"), x.floatType);
  return left.add(noise.mul(deviation.mask(scale).mul(strength)).mask(kept.neg().add(1)));
}

const atLeast0 = "expected a number of at least 0";

/**
 * Puts normal noise in the place of blocks of `[batch, channels, ...]`, with one to three spatial axes, and divides all by
 * the share of cells that are kept. In training and in mode `sample`; evaluation is the identity. A rate of 0 is the
 * identity. With `alpha: 0` it is `dropBlock({ scale: "count" })`, bit for bit where a model has the same seed and path.
 *
 * Masks are `dropBlock`'s: see there for `border`, and for the rate, which is the share of cells that are distorted. The
 * authors' program takes the deviation and the share of kept cells from the whole batch; here each example has its own, so
 * that none depends on the others, and an example that keeps nothing gives zeros where the program divides by zero: so a
 * rate of 1 gives zeros with zero gradients. The authors raise the rate linearly from 0:
 * `rate: linear({ from: 0, to: 0.09 })`. Gradients are those of the kept cells: claim `surrogate`.
 *
 * When: in place of `dropBlock`, where losing blocks altogether costs too much of the accuracy in training.
 * Cost: that of `dropBlock` and a normal number for each entry; two tensors of the map's size are held for the gradient.
 *
 * @throws {ShapeError} for an input without spatial axes, with more than three, or with others than `block` names
 *
 * @example
 * ```ts
 * import { buildModel, disout, Tensor } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const model = buildModel(disout({ rate: 0.3, block: 2 }), { inputShape: [4, 6, 6], seed: 1 });
 * const x = Tensor.from(Float32Array.from({ length: 144 }, (_, i) => i + 1), [1, 4, 6, 6]);
 * const y = model.forward(x, { mode: "train", step: 0 });
 * assert(y.floats.every((value) => value !== 0)); // nothing is dropped: what is not kept is noise
 * assertEquals(model.forward(x).toArray(), x.toArray()); // eval: identity
 * ```
 */
export const disout: Factory<"activation", DisoutOptions> = definePlugin({
  name: "disout",
  kernels: [dropBlocks],
  summary: "Distorts contiguous blocks of feature maps by noise in training.",
  paper: {
    authors: "Tang, Wang, Xu, Shi, Xu, Xu, Xu",
    year: 2020,
    title: "Beyond Dropout: Feature Map Distortion to Regularize Deep Neural Networks",
    url: "https://arxiv.org/abs/2002.11022",
  },
  options: z.object({
    ...blockSchemas(0.09, 6),
    alpha: z.number(atLeast0).min(0, atLeast0).default(5).describe("strength of the distortion, at least 0"),
    weight: z.number(atLeast0).min(0, atLeast0).default(0.01)
      .describe("what stands for the weights that the map goes into, at least 0"),
  }),
  activation(x, { mode, key, options }) {
    blockAxes(x.shape, options); // refuses other shapes in every mode
    if (mode === "eval" || options.rate === 0) return x;
    return options.rate === 1 ? applyMask(x, { key, rate: 1 }) : distorted(x, key, options);
  },
  claims: ({ alpha, weight, border, channels }) => ({
    eval: "identity",
    shares: ["entries", ...(channels === "shared" ? [1] : [])],
    ...(alpha * weight > 0 ? { gradient: "surrogate", adaptive: true } : {}),
    ...(alpha * weight > 0 || border === "inside" ? { dropped: "otherwise" } : {}),
  }),
  cases: [{ block: 2 }, { block: 2, channels: "shared", alpha: 0 }],
});
