/** The sites of an exam: where a variant is called, on what, and what stands there without it. @module */
import {
  type AnyDefinition,
  type AttentionStage,
  type DType,
  type FloatType,
  type LayerPlugin,
  type Model,
  type Plugin,
  type RecurrentPlace,
  type Shape,
  Tensor,
} from "../core/mod.ts";
import {
  attentionHost,
  branchHost,
  embeddingHost,
  fixed,
  plainProduct,
  productHost,
  recurrentHost,
  TABLE,
  UNITS,
  weightHost,
} from "./hosts.ts";

/** How many rows of input to make, and of which type. */
export interface InputRequest {
  /** Number of rows. */
  readonly batch: number;
  /** Element type. */
  readonly dtype: FloatType;
  /** Whether all rows are the same. Default false. */
  readonly equal?: boolean;
}

/** One way in which a layer calls a variant. */
export interface Site {
  /** What messages call it: `attention at the weights`. */
  readonly label: string;
  /** Sites of one group differ in shape only; a variant may refuse shapes, but not all of a group. */
  readonly group: string;
  /** Shapes of the model's inputs, without the batch axis. */
  readonly inputShapes: readonly Shape[];
  /** Element type of the inputs: `int32` for indices. */
  readonly inputType?: DType;
  /** Whether the output's first axis is the batch. */
  readonly batched: boolean;
  /** Whether examples are expected to have draws of their own. */
  readonly samples: boolean;
  /** The model: a host with the variant. */
  root(variant: Plugin): LayerPlugin;
  /** Inputs that fit the site. */
  inputs(request: InputRequest): Tensor[];
  /** The output as it would be without the variant. */
  plain(model: Model, inputs: readonly Tensor[]): Tensor;
  /** The tensor whose entries the output's stand for, one to one; null if there is none. */
  probe(model: Model, inputs: readonly Tensor[]): Tensor | null;
  /** Which entry of the probe an entry of the output is read from. Default: the one at the same position. */
  readonly source?: (inputs: readonly Tensor[], entry: number) => number;
  /** What the layer makes of the output at once, where gradients of the output say nothing. Default: the output. */
  readonly readout?: (output: Tensor) => Tensor;
}

/** Rows of standard normal numbers: the same whatever their count. */
function rows(shape: Shape, name: string, { batch, dtype, equal }: InputRequest): Tensor {
  const all = fixed([Math.max(batch, 1), ...shape], name, dtype);
  if (!equal) return batch === 0 ? all.slice([0], [0]) : all;
  return all.slice([0], [1]).broadcastTo([batch, ...shape]);
}

function parameter(model: Model, name: string): Tensor {
  return model.parameters().find((parameter) => parameter.name === name)!.tensor;
}

function activationSite(shape: Shape): Site {
  return {
    label: `activation [batch, ${shape.join(", ")}]`,
    group: "activation",
    inputShapes: [shape],
    batched: true,
    samples: true,
    root: (variant) => variant as LayerPlugin,
    inputs: (request) => [rows(shape, "x", request)],
    plain: (_model, [x]) => x,
    probe: (_model, [x]) => x,
  };
}

function weightSite(shape: number[]): Site {
  return {
    label: `weight [${shape.join(", ")}]`,
    group: "weight",
    inputShapes: [[1]],
    batched: false,
    samples: false,
    root: (variant) => weightHost({ variant: variant as Plugin<"weight">, shape }),
    inputs: (request) => [rows([1], "x", request)],
    plain: (model) => parameter(model, "weight"),
    probe: (model) => parameter(model, "weight"),
  };
}

function productSite(shape: Shape, kernel: Shape = []): Site {
  const weight = kernel.length === 0 ? [UNITS, shape[shape.length - 1]] : [UNITS, shape[0], ...kernel];
  const kind = kernel.length === 0 ? "product" : "product by convolution";
  return {
    label: `${kind} [batch, ${shape.join(", ")}] by [${weight.join(", ")}]`,
    group: kind,
    inputShapes: [shape],
    batched: true,
    samples: true,
    root: (variant) => productHost({ variant: variant as Plugin<"product">, shape: weight }),
    inputs: (request) => [rows(shape, "x", request)],
    plain: (model, [x]) => plainProduct(x, parameter(model, "weight"), parameter(model, "bias")),
    probe: () => null,
  };
}

function recurrentSite(place: RecurrentPlace): Site {
  const shape = place.endsWith("-by-gate") ? [3, 2, 4] : [3, 4];
  return {
    label: `recurrent at ${place}`,
    group: `recurrent at ${place}`,
    inputShapes: [shape, shape],
    batched: true,
    samples: true,
    root: (variant) => recurrentHost({ variant: variant as Plugin<"recurrent">, place }),
    inputs: (request) => [rows(shape, "x", request), rows(shape, "previous", request)],
    plain: (_model, [x]) => x,
    probe: (_model, [x]) => x,
  };
}

function branchSite(shape: Shape): Site {
  return {
    label: `branch [batch, ${shape.join(", ")}]`,
    group: "branch",
    inputShapes: [shape],
    batched: true,
    samples: true,
    root: (variant) => branchHost({ variant: variant as Plugin<"branch"> }),
    inputs: (request) => [rows(shape, "x", request)],
    plain: (model, [x]) => x.mul(parameter(model, "gain")),
    probe: (_model, [x]) => x,
  };
}

function attentionSite(stage: AttentionStage): Site {
  const shape = [4, 3, 3];
  return {
    label: `attention at the ${stage}`,
    group: `attention at the ${stage}`,
    inputShapes: [shape],
    batched: true,
    samples: true,
    root: (variant) => attentionHost({ variant: variant as Plugin<"attention">, stage }),
    inputs: (request) => {
      const x = rows(shape, "x", request);
      return [stage === "weights" && x.size > 0 ? x.softmax() : x];
    },
    plain: (_model, [x]) => x,
    probe: (_model, [x]) => x,
    // A hidden key's score is so low that differences vanish beside it; its weight is 0, with a gradient of 0.
    ...(stage === "scores" ? { readout: (scores: Tensor) => scores.softmax() } : {}),
  };
}

function embeddingSite(): Site {
  const time = 4;
  const [words, features] = TABLE;
  return {
    label: "embedding",
    group: "embedding",
    inputShapes: [[time]],
    inputType: "int32",
    batched: true,
    samples: false,
    root: (variant) => embeddingHost({ variant: variant as Plugin<"embedding"> }),
    inputs: ({ batch, equal }) => {
      const word = (i: number) => (equal ? i % time : i) * 7 % words;
      return [Tensor.from(Int32Array.from({ length: batch * time }, (_, i) => word(i)), [batch, time])];
    },
    plain: (model, [indices]) => parameter(model, "table").take(indices),
    probe: (model) => parameter(model, "table"),
    source: ([indices], entry) => indices.ints[Math.floor(entry / features)] * features + entry % features,
  };
}

/** Places of a recurrent layer, where a variant does not say on which it acts. */
const places: readonly RecurrentPlace[] = [
  "input",
  "previous-hidden",
  "candidate",
  "cell",
  "carried-cell",
  "hidden",
  "output",
];

/** All sites that a variant serves; `plugin` has the options by which it may choose places and stages. */
export function sitesOf(definition: AnyDefinition, plugin: Plugin): Site[] {
  const sites: Site[] = [];
  if (definition.activation !== undefined) sites.push(...[[7], [4, 5], [3, 4, 5], [2, 8, 9]].map(activationSite));
  if (definition.weight !== undefined) sites.push(...[[UNITS, 4], [UNITS, 2, 3, 2]].map(weightSite));
  if (definition.product !== undefined) {
    sites.push(...[[4], [3, 4]].map((shape) => productSite(shape)), productSite([2, 3, 4], [2, 2]));
  }
  if (definition.recurrent !== undefined) {
    sites.push(...(definition.places?.(plugin.options, "train") ?? places).map(recurrentSite));
  }
  if (definition.branch !== undefined) sites.push(...[[4], [2, 3, 3]].map(branchSite));
  if (definition.attention !== undefined) {
    sites.push(...(definition.stages?.(plugin.options, "train") ?? ["weights" as const]).map(attentionSite));
  }
  if (definition.embedding !== undefined) sites.push(embeddingSite());
  return sites;
}
