/**
 * The transformer's encoder block.
 *
 * Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.1; with the norm in front: Xiong et al., "On Layer
 * Normalization in the Transformer Architecture", ICML 2020.
 *
 * @module
 */
import { definePlugin, type Factory, type Tensor } from "../../core/mod.ts";
import { blockSchema, lastSublayer, selfAttention, sublayer, type TransformerBlockOptions } from "./_transformer.ts";
import { partOf } from "./_parts.ts";
import { multiHeadAttention } from "./multi_head_attention.ts";

export type { TransformerBlockOptions } from "./_transformer.ts";

/**
 * Self-attention and a feed-forward part, each with a shortcut and a layer norm. Inputs: `[batch, time, features]`, and a
 * mask `[batch, time]` (not 0 where a position may be seen), which may be left out. Output: `[batch, time, features]`.
 * With `causal` it is the block of a language model.
 *
 * The three places where the original transformer drops are `attention`, `dropout` (sub-layer outputs) and the `dropout`
 * of `sinusoidalPositions` or `learnedPositions`. Parameters are named as in PyTorch's `TransformerEncoderLayer`.
 *
 * @example
 * ```ts
 * import { attentionDropout, buildModel, dropout, encoderBlock, repeat, sequential } from "@thinned/dropout";
 * import { sinusoidalPositions, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const rate = 0.1;
 * const block = encoderBlock(2, { attention: attentionDropout({ rate }), dropout: dropout({ rate }) });
 * const encoder = sequential([sinusoidalPositions({ dropout: dropout({ rate }) }), repeat(block, 2)]);
 * assertEquals(buildModel(encoder, { inputShape: [5, 8] }).forward(Tensor.ones([3, 5, 8])).shape, [3, 5, 8]);
 * ```
 */
export const encoderBlock: Factory<"layer", TransformerBlockOptions, ["heads"]> = definePlugin({
  name: "encoder-block",
  summary: "Self-attention and a feed-forward part, each with a shortcut and a layer norm.",
  paper: {
    authors: "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin",
    year: 2017,
    title: "Attention Is All You Need",
    url: "https://arxiv.org/abs/1706.03762",
  },
  options: blockSchema(false),
  positional: ["heads"],
  forward(x, context) {
    const { options, inputs } = context;
    const { heads, causal, attention, weight } = options;
    const self = partOf(options, "self", () => multiHeadAttention(heads, { causal, attention, weight }));
    let received: Tensor | undefined;
    const y = sublayer(
      context,
      x,
      inputs.slice(1, 2),
      1,
      (...all) => selfAttention(context, self, all, (attention) => received = attention),
    );
    return lastSublayer(context, y, 2, received);
  },
});
