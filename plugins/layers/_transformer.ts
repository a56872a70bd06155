/** What the transformer's blocks share: options, sub-layers with their norms and variants, and the feed-forward part. @module */
import { z } from "zod";
import {
  addMasked,
  type LayerContext,
  layerPart,
  type LayerPlugin,
  type OptionsSchema,
  part,
  type Plugin,
  type Tensor,
} from "../../core/mod.ts";
import { partOf } from "./_parts.ts";
import { weightPart, type WeightVariant } from "./_product.ts";
import { addBranch } from "./_shortcut.ts";
import { dense } from "./dense.ts";
import { layerNorm } from "./layer_norm.ts";

/** Options of {@linkcode encoderBlock} and {@linkcode decoderBlock}. */
export interface TransformerBlockOptions {
  /** Number of heads, at least 1; must divide the number of features. */
  heads: number;
  /** Units of the hidden layer of the feed-forward part, at least 1. Default 4 times the features. */
  feedForward?: number;
  /** `post` (default), as in the paper: `norm(x + f(x))`. `pre`: `x + f(norm(x))`. */
  norm?: "post" | "pre";
  /** Activation of the feed-forward part. Default `relu`. */
  activation?: "relu" | "gelu";
  /** Added to the variance in layer norms, above 0. Default 1e-5. */
  epsilon?: number;
  /** Whether a query sees only keys up to its own time. Default false in an encoder, true in a decoder. */
  causal?: boolean;
  /** A variant inside attention, such as `attentionDropout`. */
  attention?: Plugin<"attention">;
  /** A variant that the weights of all projections and of the feed-forward part pass through, each for itself. */
  weight?: WeightVariant;
  /** A variant on each sub-layer's output before it is added to the shortcut, such as `dropout`. */
  dropout?: LayerPlugin;
  /** A variant on the hidden layer of the feed-forward part. */
  hidden?: LayerPlugin;
  /**
   * A variant on the output of the feed-forward part, in place of `dropout`. In a block without `branch` it is told, as a
   * second input, how much attention each position received in the self-attention, `[batch, time]`; see `hiddenCut`.
   */
  output?: LayerPlugin;
  /** A variant that each sub-layer passes through as a branch, such as `stochasticDepth`. */
  branch?: Plugin<"branch">;
}

/** The options as the blocks see them. */
export interface BlockOptions extends TransformerBlockOptions {
  heads: number;
  norm: "post" | "pre";
  activation: "relu" | "gelu";
  epsilon: number;
  causal: boolean;
}

const wholeNumber = z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1");

/** The options' schema. `causal` is the default of that option. */
export function blockSchema(causal: boolean): OptionsSchema<TransformerBlockOptions, BlockOptions> {
  return z.object({
    heads: wholeNumber.describe("number of heads"),
    feedForward: wholeNumber.optional().describe("units of the feed-forward part; default 4 times the features"),
    norm: z.enum(["post", "pre"]).default("post").describe("where the layer norms stand"),
    activation: z.enum(["relu", "gelu"]).default("relu").describe("activation of the feed-forward part"),
    epsilon: z.number().positive("expected a number above 0").default(1e-5).describe("added to the variance in norms"),
    causal: z.boolean().default(causal).describe("whether a query sees only keys up to its own time"),
    attention: part("attention").optional().describe("a variant inside attention"),
    weight: weightPart().optional().describe("a variant that the weights of projections and feed-forward part pass"),
    dropout: layerPart().optional().describe("a variant on each sub-layer's output"),
    hidden: layerPart().optional().describe("a variant on the hidden layer of the feed-forward part"),
    output: layerPart().optional().describe("a variant on the feed-forward part's output, in place of dropout"),
    branch: part("branch").optional().describe("a variant that each sub-layer passes through as a branch"),
  });
}

/**
 * One sub-layer with its shortcut, norm and variants: `norm(x + f(x))` or `x + f(norm(x))`.
 *
 * @param number which sub-layer of the block this is, from 1: its norm stands at `norm1`, and so on
 * @param vary what becomes of f's output before it is added; default the block's `dropout`
 */
export function sublayer(
  context: LayerContext<BlockOptions>,
  x: Tensor,
  further: readonly Tensor[],
  number: number,
  f: (x: Tensor, ...further: Tensor[]) => Tensor,
  vary?: (y: Tensor) => Tensor,
): Tensor {
  const { norm, epsilon, dropout, branch } = context.options;
  const place = `dropout${number}`;
  const layer = partOf(context.options, "norm", () => layerNorm({ epsilon }));
  const normalized = (value: Tensor) => context.run(layer, value, `norm${number}`);
  const block = ([value, ...rest]: readonly Tensor[]) => {
    const y = f(norm === "pre" ? normalized(value) : value, ...rest);
    if (vary !== undefined) return vary(y);
    return dropout === undefined ? y : context.run(dropout, y, place);
  };
  // A plain mask is applied while the branch is added.
  const plain = dropout === undefined || branch !== undefined || vary !== undefined || context.building
    ? undefined
    : context.masks(dropout, place)?.plain(x.shape);
  const sum = plain
    ? addMasked(x, f(norm === "pre" ? normalized(x) : x, ...further), plain)
    : addBranch(context, branch, x, [x, ...further], block, `branch${number}`);
  return norm === "pre" ? sum : normalized(sum);
}

/** Whether the variant at a block's `output` is told of attention. */
function tells({ output, branch }: BlockOptions): boolean {
  // A branch may leave out attention for some examples. A layer takes the inputs that it asks for, and no others.
  return output !== undefined && !("layer" in output.serves) && branch === undefined;
}

/**
 * Runs a block's self-attention.
 *
 * @param inputs the sequence, and perhaps a mask
 * @param receive called with the attention that each position received, `[batch, time]`, if `output` is told of it
 */
export function selfAttention(
  context: LayerContext<BlockOptions>,
  layer: LayerPlugin,
  inputs: readonly Tensor[],
  receive: (attention: Tensor) => void,
): Tensor {
  if (!tells(context.options)) return context.run(layer, inputs, "self_attn");
  const listen = (name: string, value: Tensor) => {
    if (name === "received") receive(value);
  };
  return context.run(layer, inputs, "self_attn", { listen });
}

/** The feed-forward part as the last sub-layer of a block, with what `selfAttention` told. */
export function lastSublayer(
  context: LayerContext<BlockOptions>,
  x: Tensor,
  number: number,
  received: Tensor | undefined,
): Tensor {
  const { output } = context.options;
  const vary = output === undefined
    ? undefined
    : (y: Tensor) => context.run(output, received === undefined ? y : [y, received], "output");
  return sublayer(context, x, [], number, (value) => feedForward(context, value), vary);
}

/** `linear2(hidden(activation(linear1(x))))`. */
function feedForward(context: LayerContext<BlockOptions>, x: Tensor): Tensor {
  const { feedForward, activation, hidden, weight } = context.options;
  const features = x.shape[2];
  const linear = (units: number) =>
    partOf(context.options, `dense ${units}`, () => dense(units, { initializer: "glorot-uniform", weight }));
  const wide = linear(feedForward ?? 4 * features);
  const relu = activation === "relu" && !context.building;
  const ahead = hidden === undefined || context.building ? undefined : context.masks(hidden, "hidden");
  let h = context.run(wide, x, "linear1", relu ? { epilogue: "relu", ahead } : {});
  if (!relu) h = activation === "relu" ? h.relu() : h.gelu();
  if (hidden !== undefined) h = context.run(hidden, h, "hidden");
  return context.run(linear(features), h, "linear2");
}
