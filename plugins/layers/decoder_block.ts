/**
 * The transformer's decoder block.
 *
 * Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.1.
 *
 * @module
 */
import { definePlugin, type Factory, ShapeError, type Tensor } from "../../core/mod.ts";
import { blockSchema, lastSublayer, selfAttention, sublayer, type TransformerBlockOptions } from "./_transformer.ts";
import { partOf } from "./_parts.ts";
import { multiHeadAttention } from "./multi_head_attention.ts";

/**
 * Causal self-attention, attention over a memory, and a feed-forward part, each with a shortcut and a layer norm. Inputs:
 * the sequence `[batch, time, features]`, the memory `[batch, keys, features]`, and, where wanted, a mask of the memory
 * `[batch, keys]` and one of the sequence `[batch, time]` (not 0 where a position may be seen). Output:
 * `[batch, time, features]`. Parameters are named as in PyTorch's `TransformerDecoderLayer`.
 *
 * @example
 * ```ts
 * import { buildModel, decoderBlock, dropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(decoderBlock(2, { dropout: dropout({ rate: 0.1 }) }), { inputShape: [[5, 8], [7, 8]] });
 * assertEquals(model.forward([Tensor.ones([3, 5, 8]), Tensor.ones([3, 7, 8])]).shape, [3, 5, 8]);
 * ```
 */
export const decoderBlock: Factory<"layer", TransformerBlockOptions, ["heads"]> = definePlugin({
  name: "decoder-block",
  summary: "Causal self-attention, attention over a memory, and a feed-forward part.",
  paper: {
    authors: "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin",
    year: 2017,
    title: "Attention Is All You Need",
    url: "https://arxiv.org/abs/1706.03762",
  },
  options: blockSchema(true),
  positional: ["heads"],
  forward(x, context) {
    const { options, inputs: [, memory, memoryMask, mask], run } = context;
    const { heads, causal, attention, weight } = options;
    if (memory === undefined) {
      throw new ShapeError("expected a memory [batch, keys, features] as the second input, found none.");
    }
    const present = (...given: (Tensor | undefined)[]) => given.filter((one) => one !== undefined);
    const self = partOf(options, "self", () => multiHeadAttention(heads, { causal, attention, weight }));
    const cross = partOf(options, "cross", () => multiHeadAttention(heads, { attends: "memory", attention, weight }));
    let received: Tensor | undefined;
    const y = sublayer(
      context,
      x,
      present(mask),
      1,
      (...all) => selfAttention(context, self, all, (attention) => received = attention),
    );
    const z = sublayer(context, y, present(memory, memoryMask), 2, (...all) => run(cross, all, "multihead_attn"));
    return lastSublayer(context, z, 3, received);
  },
});
