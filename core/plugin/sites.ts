/**
 * The sites inside a model at which dropout variants stand: what each is called with, how often, and what it gives back.
 *
 * @module
 */
import type { Mask } from "../tensor/ops/mask.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Context, ProductContext } from "./contexts.ts";
import type { Multiply } from "./multiply.ts";

/**
 * A value inside a recurrent layer that a `recurrent` variant can act on, in the order of a step:
 *
 * - `input`: x_t, before its product.
 * - `input-by-gate`: x_t as each gate's part of the product sees it, `[batch, gates, features]`.
 * - `previous-hidden`: h_{t-1}, before its product; only the product sees what becomes of it.
 * - `previous-hidden-by-gate`: h_{t-1} as each gate's part of the product sees it, `[batch, gates, features]`.
 * - `candidate`: g_t of an LSTM, n_t of a GRU.
 * - `cell`: the new c_t; both h_t and the next step see what becomes of it.
 * - `carried-cell`: the new c_t once h_t has been computed; only the next step sees what becomes of it.
 * - `hidden`: the new h_t; both the output and the next step see what becomes of it.
 * - `output`: h_t of the uppermost layer, as it leaves the layer; the next step does not see what becomes of it.
 */
export type RecurrentPlace = (typeof recurrentPlaces)[number];

/** All places in a recurrent layer, in the order of a step. */
export const recurrentPlaces = [
  "input",
  "input-by-gate",
  "previous-hidden",
  "previous-hidden-by-gate",
  "candidate",
  "cell",
  "carried-cell",
  "hidden",
  "output",
] as const;

/** Where and when a recurrent layer calls a `recurrent` variant. */
export interface RecurrentStep {
  /** Which value it is. */
  readonly place: RecurrentPlace;
  /**
   * Step in the sequence, from 0. A draw from `key.at(place)` is the same at every step; one from `key.at(place).later(time)`
   * is another each time.
   */
  readonly time: number;
  /** The same quantity as the step before left it, for `cell`, `carried-cell` and `hidden`; else null. */
  readonly previous: Tensor | null;
}

/**
 * What an attention layer hands to an `attention` variant: the scores before softmax `[batch, heads, queries, keys]`, the
 * weights after it (same shape), or each head's result `[batch, heads, queries, features]`. Scores of keys that a mask
 * hides are at most half of `maskedScore`, which is -1e30.
 */
export type AttentionStage = (typeof attentionStages)[number];

/** All stages of attention, in their order. */
export const attentionStages = ["scores", "weights", "heads"] as const;

/** What a mask is asked for, at any site: the shape that it is drawn for, batch first but for a weight or a table. */
export interface MaskSite {
  /** Shape of what the mask is applied to. At an embedding it is `[vocabulary, features]`. */
  readonly shape: Shape;
}

/** What a mask inside a recurrent layer is asked for. */
export interface RecurrentMaskSite extends MaskSite, RecurrentStep {}

/** What a mask inside an attention layer is asked for. */
export interface AttentionMaskSite extends MaskSite {
  /** Which quantity it is. */
  readonly stage: AttentionStage;
}

/**
 * A variant that only draws a mask says which, and the core applies it: fused with what stands around it, drawn again in the
 * backward pass, for many passes in one batch, or not computed at all where whole examples are dropped.
 */
export interface MaskPart<Options, Site extends MaskSite = MaskSite> {
  /**
   * The draw, or null for none: asked for in every mode, once for each time the site is reached; in mode `eval` only what
   * the mask says of evaluation is used. Must depend on its arguments alone.
   */
  mask(context: Context<Options>, site: Site): Mask | null;
}

/** The methods of the sites. Each may be given as a mask instead, where one is possible. */
export interface SiteMethods<Options> {
  /** Any layer position, once a pass: from a tensor, batch first, to one of the same shape. */
  activation(x: Tensor, context: Context<Options>): Tensor;
  /** A weight before it is used, once a pass: from a weight to one of the same shape. */
  weight(weight: Tensor, context: Context<Options>): Tensor;
  /**
   * A whole product `x W^T + b`, once a pass, for a variant whose mask differs from example to example, or whose inference
   * is not a weight. In a dense layer `x: [batch, ..., inputs]`, `weight: [units, inputs]`, and the result is
   * `[batch, ..., units]`; in a convolution `x: [batch, inputs, ...]`, `weight: [channels, inputs / groups, ...kernel]`, and
   * the result is `[batch, channels, ...]`. `bias: [units]` or null. `context.multiply` is the layer's own product, by which
   * a variant serves both; one that is written for dense layers alone refuses a weight of more than two axes. Layers that
   * can hand their product over ask for it in place of `weight`. The layer applies its activation to the result, unless
   * the variant `fuses`.
   */
  product(x: Tensor, weight: Tensor, bias: Tensor | null, context: ProductContext<Options>): Tensor;
  /**
   * A value inside a recurrent layer, once a step: `[batch, features]`, or `[batch, gates, features]` at a place by gate, to
   * one of the same shape. Called only for the places that `places` names.
   */
  recurrent(value: Tensor, step: RecurrentStep, context: Context<Options>): Tensor;
  /**
   * A residual branch, once a pass: from its input to what is added to the shortcut, of the shape that `block` gives. It may
   * leave `block` uncalled and return null: then nothing is added, and nothing computed.
   */
  branch(x: Tensor, block: (x: Tensor) => Tensor, context: Context<Options>): Tensor | null;
  /** A quantity inside attention, once a pass: to one of the same shape. Called only for the stages that `stages` names. */
  attention(value: Tensor, stage: AttentionStage, context: Context<Options>): Tensor;
  /**
   * An embedding, once a pass: from the table `[n, features]` and int32 indices `[batch, ...]` to `[...indices, features]`.
   */
  embedding(table: Tensor, indices: Tensor, context: Context<Options>): Tensor;
}

/** What can be given in the place of a site's method, where the variant only draws a mask. */
export interface SiteMasks<Options> {
  /** Applied to the layer's input. */
  activation: MaskPart<Options>;
  /** Applied to the weight; the draw has no batch axis. */
  weight: MaskPart<Options>;
  /** No product can be given as a mask. */
  product: never;
  /** Applied to the value. */
  recurrent: MaskPart<Options, RecurrentMaskSite>;
  /**
   * Applied to the branch's output, with one decision for each example, or for the batch if axis 0 is shared; the shape that
   * it is asked for is `[batch]`. Where c is 0, dropped examples are not computed: the others are gathered and run, unless a
   * layer of the branch mixes examples, carries or hands out something, or adds a penalty. A branch that all examples lost
   * is not run even if its layers mix them.
   */
  branch: MaskPart<Options>;
  /** Applied to the quantity. */
  attention: MaskPart<Options, AttentionMaskSite>;
  /**
   * Applied to the table as each example sees it: a mask that shares the batch (axis 0 of `share`) drops a word everywhere;
   * one that does not, in each example anew. The draw is `[batch, vocabulary, features]`; a, b and c stretch to the result.
   */
  embedding: MaskPart<Options>;
}

/** The roles of dropout variants: the sites inside a model. */
export type SiteRole = keyof SiteMethods<unknown>;

/** The arguments of a site's method, without the context. */
export interface SiteSignatures {
  /** See {@linkcode SiteMethods.activation}. */
  activation: [x: Tensor];
  /** See {@linkcode SiteMethods.weight}. */
  weight: [weight: Tensor];
  /** See {@linkcode SiteMethods.product}; `multiply` is the layer's linear map, by default that of a dense layer. */
  product: [x: Tensor, weight: Tensor, bias: Tensor | null, multiply?: Multiply | undefined];
  /** See {@linkcode SiteMethods.recurrent}. */
  recurrent: [value: Tensor, step: RecurrentStep];
  /** See {@linkcode SiteMethods.branch}. */
  branch: [x: Tensor, block: (inputs: readonly Tensor[]) => Tensor, further: readonly Tensor[]];
  /** See {@linkcode SiteMethods.attention}. */
  attention: [value: Tensor, stage: AttentionStage];
  /** See {@linkcode SiteMethods.embedding}. */
  embedding: [table: Tensor, indices: Tensor];
}

/** The arguments of one site's method, without the context. */
export type SiteArguments<R extends SiteRole> = SiteSignatures[R];

/** What a site's method returns. */
export type SiteResult<R extends SiteRole> = R extends "branch" ? Tensor | null : Tensor;
