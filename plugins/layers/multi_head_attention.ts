/**
 * Multi-head attention.
 *
 * Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, "Attention Is All You Need", NeurIPS 2017,
 * section 3.2: `MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O`, `head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)`.
 *
 * @module
 */
import { z } from "zod";
import {
  type AttentionStage,
  definePlugin,
  type Factory,
  part,
  type Plugin,
  scaledDotProductAttention,
  ShapeError,
  showShape,
  Tensor,
} from "../../core/mod.ts";
import { type Initializer, initializerSchema, initialWeight } from "./_initializers.ts";
import { product, weightPart, type WeightVariant } from "./_product.ts";

/** Options of {@linkcode multiHeadAttention}. */
export interface MultiHeadAttentionOptions {
  /** Number of heads, at least 1; must divide the number of features. */
  heads: number;
  /**
   * What is attended to. `self` (default): the input itself; further inputs: a mask `[batch, time]`, which may be left
   * out. `memory`: the second input `[batch, keys, features]`; a third may be a mask `[batch, keys]`. Masks are not 0
   * where a key may be seen.
   */
  attends?: "self" | "memory";
  /** Whether a query at time t sees only keys up to time t. Default false. */
  causal?: boolean;
  /** Whether the projections have biases. Default true. */
  bias?: boolean;
  /** How the projections begin; biases begin at 0. Default `glorot-uniform`. */
  initializer?: Initializer;
  /** A variant that acts on scores, weights or heads, such as `attentionDropout`. */
  attention?: Plugin<"attention">;
  /** A variant that each of the four projections' weights passes through before it is used. */
  weight?: WeightVariant;
}

/** `[batch, time, features]` to `[batch, heads, time, features / heads]`. */
function split(x: Tensor, heads: number): Tensor {
  const [batch, time, features] = x.shape;
  return x.reshape([batch, time, heads, features / heads]).transpose([0, 2, 1, 3]);
}

/**
 * Multi-head attention over a sequence, or over a memory. Input `[batch, time, features]`, output the same. Parameters,
 * as in PyTorch: `in_proj_weight: [3 features, features]` (queries, keys and values stacked), `in_proj_bias`,
 * `out_proj.weight`, `out_proj.bias`. A memory with another number of features has `q_proj_weight`, `k_proj_weight`,
 * `v_proj_weight` in place of `in_proj_weight`. A variant of the weights stands at `weight_query`, `weight_key`,
 * `weight_value` and `weight_out`, with draws and state of its own at each. Hands out `received: [batch, keys]`, the
 * attention that each key received, added up over heads and queries and without a gradient.
 *
 * Memory grows with the time, not with its square, unless somebody takes `received` or the variant is more than a mask with
 * a draw for each score or weight (`attentionDropout`, `dropKey`): such a one is given all of them.
 *
 * @example
 * ```ts
 * import { attentionDropout, buildModel, multiHeadAttention, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = multiHeadAttention(2, { causal: true, attention: attentionDropout({ rate: 0.1 }) });
 * const model = buildModel(layer, { inputShape: [5, 8] });
 * assertEquals(model.forward(Tensor.ones([3, 5, 8])).shape, [3, 5, 8]);
 * ```
 */
export const multiHeadAttention: Factory<"layer", MultiHeadAttentionOptions, ["heads"]> = definePlugin({
  name: "multi-head-attention",
  summary: "Each position gathers from the positions that resemble what it looks for, by several heads.",
  paper: {
    authors: "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin",
    year: 2017,
    title: "Attention Is All You Need",
    url: "https://arxiv.org/abs/1706.03762",
  },
  options: z.object({
    heads: z.int().min(1, "expected a whole number of at least 1").describe("number of heads"),
    attends: z.enum(["self", "memory"]).default("self").describe("what is attended to"),
    causal: z.boolean().default(false).describe("whether a query sees only keys up to its own time"),
    bias: z.boolean().default(true).describe("whether the projections have biases"),
    initializer: initializerSchema.default("glorot-uniform").describe("how the projections begin"),
    attention: part("attention").optional().describe("a variant that acts on scores, weights or heads"),
    weight: weightPart().optional().describe("a variant that each projection's weight passes through"),
  }),
  positional: ["heads"],
  init({ options: { heads, attends, bias, initializer }, inputShape, inputShapes, key, dtype }) {
    const features = inputShape[1];
    if (inputShape.length !== 2 || features % heads !== 0) {
      throw new ShapeError(
        `expected an input [batch, time, features] with features divisible by ${heads} heads, ` +
          `found [batch, ...${showShape(inputShape)}].`,
      );
    }
    const memory = attends === "memory" ? inputShapes[1] : inputShape;
    if (memory?.length !== 2) {
      const found = memory === undefined ? "none" : `[batch, ...${showShape(memory)}]`;
      throw new ShapeError(`expected a memory [batch, keys, features] as the second input, found ${found}.`);
    }
    const draw = (name: string, rows: number, columns: number) =>
      initialWeight(initializer, [rows, columns], columns, rows, key.at(name), dtype);
    const params: Record<string, Tensor> = {};
    if (memory[1] === features) {
      params.in_proj_weight = draw("in_proj_weight", 3 * features, features);
    } else {
      params.q_proj_weight = draw("q_proj_weight", features, features);
      params.k_proj_weight = draw("k_proj_weight", features, memory[1]);
      params.v_proj_weight = draw("v_proj_weight", features, memory[1]);
    }
    if (bias) params.in_proj_bias = Tensor.zeros([3 * features], dtype);
    params["out_proj.weight"] = draw("out_proj", features, features);
    if (bias) params["out_proj.bias"] = Tensor.zeros([features], dtype);
    return { params };
  },
  forward(x, context) {
    const { params, options: { heads, attends, causal, attention, weight: variant }, inputs, emit, heard } = context;
    const features = x.shape[2];
    const memory = attends === "memory" ? inputs[1] : x;
    const project = (from: Tensor, part: number, name: "query" | "key" | "value") => {
      const rows = [features * part, features * (part + 1)];
      const weight = params[`${name[0]}_proj_weight`] ?? params.in_proj_weight.slice([rows[0]], [rows[1]]);
      const bias = params.in_proj_bias?.slice([rows[0]], [rows[1]]) ?? null;
      return split(product(context, variant, from, weight, bias, `weight_${name}`), heads);
    };
    const stages = attention === undefined ? [] : context.acts("attention", attention) ?? ["weights"];
    const at = (stage: AttentionStage) => {
      if (attention === undefined || !stages.includes(stage)) return undefined;
      return (value: Tensor) => context.serve("attention", attention, [value, stage]);
    };
    /** The same as a mask where it is no more, so that no matrix of queries by keys has to be kept. */
    const drawnAt = (stage: AttentionStage) => {
      const serve = at(stage);
      const shape = [x.shape[0], heads, x.shape[1], memory.shape[1]];
      const mask = serve === undefined || heard ? undefined : context.maskAt(attention!, stage, shape);
      return mask === undefined ? serve : mask;
    };
    const vary = drawnAt("weights");
    const weights = !heard ? vary : (found: Tensor) => {
      const used = typeof vary === "function" ? vary(found) : found;
      emit("received", () => used.detach().sum([1, 2]));
      return used;
    };
    const attended = scaledDotProductAttention(
      project(x, 0, "query"),
      project(memory, 1, "key"),
      project(memory, 2, "value"),
      { causal, keyMask: inputs[attends === "memory" ? 2 : 1], scores: drawnAt("scores"), weights },
    );
    const joined = (at("heads")?.(attended) ?? attended).transpose([0, 2, 1, 3]).reshape(x.shape);
    return product(context, variant, joined, params["out_proj.weight"], params["out_proj.bias"] ?? null, "weight_out");
  },
});
