/**
 * The smallest layers that have a site: what the exam puts around a variant, so that it is called by the driver as a
 * real layer would call it, and sees nothing but the values that the exam chose.
 *
 * Parameters begin at the same numbers whatever the model's seed.
 *
 * @module
 */
import { z } from "zod";
import {
  affine,
  type AttentionStage,
  convolutionMultiply,
  definePlugin,
  denseMultiply,
  type Factory,
  Key,
  layerPart,
  type LayerPlugin,
  type Multiply,
  part,
  type Plugin,
  type RecurrentPlace,
  type Shape,
  Tensor,
  unstack,
} from "../core/mod.ts";

/** Standard normal numbers that depend on the name alone. */
export function fixed(shape: Shape, name: string, dtype: "float32" | "float64"): Tensor {
  return Tensor.normal(shape, Key.seed(20141).at(name), "float64").cast(dtype);
}

/** Number of outputs of a weight: the first axis of `[units, ...inputs]`. */
export const UNITS = 5;

/** Rows of the embedding's table, and numbers in a row, unless said otherwise. */
export const TABLE: Shape = [11, 3];

/** Options of {@linkcode weightHost} and {@linkcode productHost}. */
export interface WeightHostOptions<R extends "weight" | "product"> {
  /** The variant. */
  variant: Plugin<R>;
  /** Shape of the weight. */
  shape: number[];
}

/** A weight: whatever the input, the weight that the variant makes. */
export const weightHost: Factory<"layer", WeightHostOptions<"weight">> = definePlugin({
  name: "weight-host",
  options: z.object({
    variant: part("weight"),
    shape: z.array(z.int()),
  }),
  init: ({ dtype, options: { shape } }) => ({
    params: { weight: fixed(shape, "weight", dtype), bias: fixed([UNITS], "bias", dtype) },
  }),
  forward: (_x, { serve, params, options: { variant } }) => serve("weight", variant, [params.weight]),
});

/** A product of the input with a weight, by the variant: dense, or a convolution if the weight has more than two axes. */
export const productHost: Factory<"layer", WeightHostOptions<"product">> = definePlugin({
  name: "product-host",
  options: z.object({ variant: part("product"), shape: z.array(z.int()) }),
  init: ({ dtype, options: { shape } }) => ({
    params: { weight: fixed(shape, "weight", dtype), bias: fixed([UNITS], "bias", dtype) },
  }),
  forward: (x, { serve, params, options: { variant } }) =>
    serve("product", variant, [x, params.weight, params.bias, multiplyBy(params.weight)], "weight"),
});

/** The map of {@linkcode productHost}. */
function multiplyBy(weight: Tensor): Multiply {
  return weight.rank === 2 ? denseMultiply : convolutionMultiply({
    stride: weight.shape.slice(2).map(() => 2),
    padding: weight.shape.slice(2).map(() => [1, 0] as const),
  });
}

/** What the product is without a variant. */
export function plainProduct(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return multiplyBy(weight)(x, weight, bias);
}

/** Places of a recurrent layer that have a previous value. */
const remembered: readonly RecurrentPlace[] = ["cell", "carried-cell", "hidden"];

/** Options of {@linkcode recurrentHost}. */
export interface RecurrentHostOptions {
  /** The variant. */
  variant: Plugin<"recurrent">;
  /** The places it is called at, in the order of a step. */
  places: RecurrentPlace[];
}

/**
 * Places of a recurrent layer. Inputs: the values `[batch, time, ...]` at each step, and what the step before left
 * there; output: what the variant makes of them, of the same shape for one place, `[batch, time, places, ...]` for
 * several. Where the variant does not act in a mode, the values themselves.
 */
export const recurrentHost: Factory<"layer", RecurrentHostOptions> = definePlugin({
  name: "recurrent-host",
  options: z.object({ variant: part("recurrent"), places: z.array(z.custom<RecurrentPlace>()) }),
  forward(x, { serve, inputs, acts, options: { variant, places } }) {
    const active = acts("recurrent", variant);
    const byTime = (sequence: Tensor) =>
      unstack(sequence.transpose(sequence.shape.map((_, axis) => axis < 2 ? 1 - axis : axis)));
    const before = byTime(inputs[1]);
    const steps = byTime(x).map((value, time) => {
      const made = places.map((place) => {
        if (active !== undefined && !active.includes(place)) return value;
        const previous = remembered.includes(place) ? before[time] : null;
        return serve("recurrent", variant, [value, { place, time, previous }]);
      });
      return made.length === 1 ? made[0] : Tensor.stack(made, 1);
    });
    return Tensor.stack(steps, 1);
  },
});

/** Options of {@linkcode branchHost}. */
export interface BranchHostOptions {
  /** The variant. */
  variant: Plugin<"branch">;
}

/** A branch whose block gives its input times a parameter; without a shortcut, so that what is left out is 0. */
export const branchHost: Factory<"layer", BranchHostOptions> = definePlugin({
  name: "branch-host",
  options: z.object({ variant: part("branch") }),
  init: ({ dtype, inputShape }) => ({ params: { gain: fixed(inputShape, "gain", dtype) } }),
  forward(x, { serve, params, building, options: { variant } }) {
    const block = ([input]: readonly Tensor[]) => input.mul(params.gain);
    const built = building ? block([x]) : null;
    return serve("branch", variant, [x, built === null ? block : () => built, []]) ?? Tensor.zeros(x.shape, x.dtype);
  },
});

/** Options of {@linkcode attentionHost}. */
export interface AttentionHostOptions {
  /** The variant. */
  variant: Plugin<"attention">;
  /** The stages it is called at, in their order. */
  stages: AttentionStage[];
}

/**
 * Stages of attention. Input: the value of all of them, `[batch, heads, ...]`; output: what the variant makes of it, of that
 * shape for one stage, `[batch, stages, heads, ...]` for several.
 */
export const attentionHost: Factory<"layer", AttentionHostOptions> = definePlugin({
  name: "attention-host",
  options: z.object({ variant: part("attention"), stages: z.array(z.enum(["scores", "weights", "heads"])) }),
  forward(x, { serve, acts, options: { variant, stages } }) {
    const active = acts("attention", variant);
    const made = stages.map((stage) =>
      active === undefined || active.includes(stage) ? serve("attention", variant, [x, stage]) : x
    );
    return made.length === 1 ? made[0] : Tensor.stack(made, 1);
  },
});

/** Options of {@linkcode embeddingHost}. */
export interface EmbeddingHostOptions {
  /** The variant. */
  variant: Plugin<"embedding">;
  /** Shape of the table. */
  shape: number[];
}

/** An embedding. Input: indices `[batch, time]`; output `[batch, time, features]`. */
export const embeddingHost: Factory<"layer", EmbeddingHostOptions> = definePlugin({
  name: "embedding-host",
  options: z.object({ variant: part("embedding"), shape: z.array(z.int()) }),
  init: ({ dtype, options: { shape } }) => ({ params: { table: fixed(shape, "table", dtype) } }),
  forward: (x, { serve, params, options: { variant } }) => serve("embedding", variant, [params.table, x]),
});

/** Options of {@linkcode severalHost}. */
export interface SeveralHostOptions {
  /** What stands side by side. */
  layers: LayerPlugin[];
}

/** Layers side by side, each at a place of its own: all see the same inputs, and their outputs are stacked in front. */
export const severalHost: Factory<"layer", SeveralHostOptions> = definePlugin({
  name: "several-host",
  options: z.object({ layers: z.array(layerPart()) }),
  forward: (_x, { run, inputs, options: { layers } }) =>
    Tensor.stack(layers.map((layer, i) => run(layer, inputs, `layer${i}`))),
});

/** Options of {@linkcode noisyHost}. */
export interface NoisyHostOptions {
  /** Number of outputs. */
  units: number;
}

/** What a loss is examined on: classic dropout and a product. */
export const noisyHost: Factory<"layer", NoisyHostOptions> = definePlugin({
  name: "noisy-host",
  options: z.object({ units: z.int() }),
  init: ({ dtype, inputShape, options: { units } }) => ({
    params: { weight: fixed([units, inputShape[0]], "weight", dtype) },
  }),
  forward: (x, { mode, key, params }) => affine(mode === "eval" ? x : x.dropout(key, 0.5), params.weight, null),
});
