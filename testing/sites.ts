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
  type SiteRole,
  Tensor,
} from "../core/mod.ts";
import type { Picker } from "./chance.ts";
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
  /** Which numbers they are. Default the same each time. */
  readonly draw?: string;
  /** Whether all numbers are above 0. Default false. */
  readonly positive?: boolean;
}

/**
 * What an axis of a site's output is: the examples, the steps of a sequence, the places or stages at which one variant acts,
 * the words of a table, or an axis of what the variant is applied to, by its number.
 */
export type AxisKind = "examples" | "time" | "places" | "words" | number;

/** One way in which a layer calls a variant. */
export interface Site {
  /** What messages call it: `attention at the weights`. */
  readonly label: string;
  /** The role in which it calls the variant. A variant that is a layer by itself stands where activations do. */
  readonly role: SiteRole;
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
  /** What the output's axes are. */
  readonly axes: readonly AxisKind[];
  /** Whether entries of one example depend on each other whatever the variant draws. */
  readonly mixes: boolean;
  /** Number of axes of what the variant is applied to, the batch among them. */
  readonly rank: number;
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
  /** Whether training may give an output of another shape than evaluation, of as many examples. Default false. */
  readonly reshapes?: boolean;
  /** What the layer makes of the output at once, where gradients of the output say nothing. Default: the output. */
  readonly readout?: (output: Tensor) => Tensor;
}

/** Rows of standard normal numbers: the same whatever their count. */
function rows(shape: Shape, name: string, { batch, dtype, equal, draw = "", positive = false }: InputRequest): Tensor {
  const normal = fixed([Math.max(batch, 1), ...shape], draw === "" ? name : `${name} ${draw}`, dtype);
  const all = positive ? normal.abs().add(0.0625) : normal;
  if (!equal) return batch === 0 ? all.slice([0], [0]) : all;
  return all.slice([0], [1]).broadcastTo([batch, ...shape]);
}

/** A parameter of the only host of a model, or of the first of several. */
export function parameter(model: Model, name: string): Tensor {
  return model.parameters().find((parameter) => parameter.name === name || parameter.name.endsWith(`.${name}`))!.tensor;
}

/** Numbers of the axes behind the batch. */
function numbered(shape: Shape): number[] {
  return shape.map((_, axis) => axis + 1);
}

function activationSite(shape: Shape): Site {
  return {
    label: `activation [batch, ${shape.join(", ")}]`,
    role: "activation",
    group: "activation",
    inputShapes: [shape],
    batched: true,
    samples: true,
    axes: ["examples", ...numbered(shape)],
    mixes: false,
    rank: shape.length + 1,
    root: (variant) => variant as LayerPlugin,
    inputs: (request) => [rows(shape, "x", request)],
    plain: (_model, [x]) => x,
    probe: (_model, [x]) => x,
  };
}

/** Whether a plugin is a layer that claims something of what it draws. */
export function isVariantLayer({ forward, claims }: AnyDefinition): boolean {
  return forward !== undefined && claims !== undefined;
}

/** A variant that is a layer by itself, such as a pooling that draws: without a draw it is what it is at evaluation. */
function layerSite(shape: Shape): Site {
  return {
    ...activationSite(shape),
    label: `layer [batch, ${shape.join(", ")}]`,
    group: "layer",
    mixes: true,
    reshapes: true,
    plain: (model, inputs) => model.forward(inputs),
    probe: () => null,
  };
}

function weightSite(shape: number[]): Site {
  return {
    label: `weight [${shape.join(", ")}]`,
    role: "weight",
    group: "weight",
    inputShapes: [[1]],
    batched: false,
    samples: false,
    axes: shape.map((_, axis) => axis),
    mixes: false,
    rank: shape.length,
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
    role: "product",
    group: kind,
    inputShapes: [shape],
    batched: true,
    samples: true,
    axes: ["examples", ...numbered(shape)],
    mixes: true,
    rank: shape.length + 1,
    root: (variant) => productHost({ variant: variant as Plugin<"product">, shape: weight }),
    inputs: (request) => [rows(shape, "x", request)],
    plain: (model, [x]) => plainProduct(x, parameter(model, "weight"), parameter(model, "bias")),
    probe: () => null,
  };
}

/** Whether a place sees its value once for each gate: `[batch, gates, features]`. */
function byGate(place: RecurrentPlace): boolean {
  return place.endsWith("-by-gate");
}

function recurrentSite(
  places: readonly RecurrentPlace[],
  shape: Shape = byGate(places[0]) ? [3, 2, 4] : [3, 4],
): Site {
  const label = `recurrent at ${places.join(", ")}`;
  const several = places.length > 1;
  return {
    label,
    role: "recurrent",
    group: label,
    inputShapes: [shape, shape],
    batched: true,
    samples: true,
    axes: ["examples", "time", ...(several ? ["places" as const] : []), ...numbered(shape.slice(1))],
    mixes: false,
    rank: shape.length,
    root: (variant) => recurrentHost({ variant: variant as Plugin<"recurrent">, places: [...places] }),
    inputs: (request) => [rows(shape, "x", request), rows(shape, "previous", request)],
    plain: (_model, [x]) => several ? Tensor.stack(places.map(() => x), 2) : x,
    probe: (_model, [x]) => several ? null : x,
  };
}

function branchSite(shape: Shape): Site {
  return {
    label: `branch [batch, ${shape.join(", ")}]`,
    role: "branch",
    group: "branch",
    inputShapes: [shape],
    batched: true,
    samples: true,
    axes: ["examples", ...numbered(shape)],
    mixes: true,
    rank: shape.length + 1,
    root: (variant) => branchHost({ variant: variant as Plugin<"branch"> }),
    inputs: (request) => [rows(shape, "x", request)],
    plain: (model, [x]) => x.mul(parameter(model, "gain")),
    probe: (_model, [x]) => x,
  };
}

function attentionSite(stages: readonly AttentionStage[], shape: Shape = [4, 3, 3]): Site {
  const label = `attention at the ${stages.join(", ")}`;
  const several = stages.length > 1;
  return {
    label,
    role: "attention",
    group: label,
    inputShapes: [shape],
    batched: true,
    samples: true,
    axes: several ? ["examples", "places", 1, 2, 3] : ["examples", 1, 2, 3],
    mixes: false,
    rank: 4,
    root: (variant) => attentionHost({ variant: variant as Plugin<"attention">, stages: [...stages] }),
    inputs: (request) => {
      const x = rows(shape, "x", request);
      return [stages.includes("weights") && x.size > 0 ? x.softmax() : x];
    },
    plain: (_model, [x]) => several ? Tensor.stack(stages.map(() => x), 1) : x,
    probe: (_model, [x]) => several ? null : x,
    // A hidden key's score is so low that differences vanish beside it; its weight is 0, with a gradient of 0.
    ...(label.endsWith("the scores") ? { readout: (scores: Tensor) => scores.softmax() } : {}),
  };
}

/** An embedding. `time` is how many words an example has: as many as the table has rows if each comes once. */
function embeddingSite(shape: Shape = TABLE, time: number = 4): Site {
  const [words, features] = shape;
  return {
    label: `embedding [${words}, ${features}]`,
    role: "embedding",
    group: "embedding",
    inputShapes: [[time]],
    inputType: "int32",
    batched: true,
    samples: false,
    axes: ["examples", "words", 2],
    mixes: false,
    rank: 3,
    root: (variant) => embeddingHost({ variant: variant as Plugin<"embedding">, shape: [...shape] }),
    inputs: ({ batch, equal }) => {
      // The table has no number of rows that 7 divides, so that an example's words differ.
      const word = (i: number) => (equal ? i % time : i + Math.floor(i / time) * 3) * 7 % words;
      return [Tensor.from(Int32Array.from({ length: batch * time }, (_, i) => word(i)), [batch, time])];
    },
    plain: (model, [indices]) => parameter(model, "table").take(indices),
    probe: (model) => parameter(model, "table"),
    source: ([indices], entry) => indices.ints[Math.floor(entry / features)] * features + entry % features,
  };
}

/** Places of a recurrent layer, where a variant does not say on which it acts. */
const allPlaces: readonly RecurrentPlace[] = [
  "input",
  "previous-hidden",
  "candidate",
  "cell",
  "carried-cell",
  "hidden",
  "output",
];

function placesOf({ places }: AnyDefinition, { options }: Plugin): readonly RecurrentPlace[] {
  return places?.(options, "train") ?? allPlaces;
}

function stagesOf({ stages }: AnyDefinition, { options }: Plugin): readonly AttentionStage[] {
  return stages?.(options, "train") ?? ["weights"];
}

/** All sites that a variant serves, small; `plugin` has the options by which it may choose places and stages. */
export function sitesOf(definition: AnyDefinition, plugin: Plugin): Site[] {
  const sites: Site[] = [];
  if (definition.activation !== undefined) {
    sites.push(...[[7], [4, 5], [3, 4, 5], [2, 8, 9], [24], [12, 5, 4]].map(activationSite));
  }
  if (isVariantLayer(definition)) sites.push(...[[6], [4, 6], [2, 4, 6], [2, 4, 4, 6]].map(layerSite));
  if (definition.weight !== undefined) sites.push(...[[UNITS, 4], [UNITS, 2, 3, 2]].map(weightSite));
  if (definition.product !== undefined) {
    sites.push(...[[4], [3, 4]].map((shape) => productSite(shape)), productSite([2, 4, 3], [3, 2]));
  }
  if (definition.recurrent !== undefined) {
    sites.push(...placesOf(definition, plugin).map((place) => recurrentSite([place])));
  }
  if (definition.branch !== undefined) sites.push(...[[4], [2, 3, 3]].map(branchSite));
  if (definition.attention !== undefined) {
    sites.push(...stagesOf(definition, plugin).map((stage) => attentionSite([stage])));
  }
  if (definition.embedding !== undefined) sites.push(embeddingSite());
  return sites;
}

/** A number of words that 7 does not divide. */
function words(most: number): number {
  return most % 7 === 0 ? most - 1 : most;
}

/**
 * For each role that a variant serves, makers of sites with so many entries at most for each example, in random shapes: all
 * places and stages of a recurrent or attention layer stand in one site.
 */
export function drawnSites(definition: AnyDefinition, plugin: Plugin): ((pick: Picker, most: number) => Site)[][] {
  const kinds: ((pick: Picker, most: number) => Site)[][] = [];
  if (definition.activation !== undefined) {
    kinds.push(
      [1, 2, 3].map((rank) => (pick, most) =>
        activationSite(rank === 1 ? [Math.max(2, pick.whole(Math.ceil(most / 2), most))] : pick.extents(rank, most))
      ),
    );
  }
  if (definition.weight !== undefined) {
    kinds.push([2, 4].map((rank) => (pick, most) => weightSite(pick.extents(rank, most))));
  }
  if (definition.product !== undefined) {
    kinds.push([
      (pick) => productSite([pick.whole(3, 6)]),
      (pick) => productSite([pick.whole(2, 3), pick.whole(3, 6)]),
    ]);
    if (kinds.length > 0) kinds.push([(pick) => productSite([2, pick.whole(3, 5), 3], [3, 2])]);
  }
  if (definition.recurrent !== undefined) {
    // What is seen by gates has another shape.
    for (const places of Map.groupBy(placesOf(definition, plugin), byGate).values()) {
      const rank = byGate(places[0]) ? 3 : 2;
      kinds.push([(pick, most) => recurrentSite(places, pick.extents(rank, Math.ceil(most / places.length)))]);
    }
  }
  if (definition.branch !== undefined) kinds.push([1, 3].map((rank) => (pick) => branchSite(pick.extents(rank, 8))));
  if (definition.attention !== undefined) {
    const stages = stagesOf(definition, plugin);
    kinds.push([(pick, most) => attentionSite(stages, pick.extents(3, Math.ceil(most / stages.length)))]);
  }
  if (definition.embedding !== undefined) {
    kinds.push([(pick, most) => {
      const features = pick.whole(2, 3);
      const rows = words(Math.max(4, Math.floor(most / features)));
      return embeddingSite([rows, features], rows);
    }]);
  }
  return kinds;
}

/**
 * Sites of a role with many entries, at least `least` for each example. Of each list, whose shapes differ, the first that
 * the variant takes is enough.
 */
export function wideSites(
  role: SiteRole,
  definition: AnyDefinition,
  plugin: Plugin,
  pick: Picker,
  least: number,
): Site[][] {
  const wide = pick.whole(least, 2 * least);
  const side = (known: number) => Math.ceil(wide / known);
  // Extents that are long along each axis.
  const block = (axes: number) => {
    const length = Math.ceil(wide ** (1 / axes));
    return Array.from({ length: axes }, () => pick.whole(length, length + 9));
  };
  const thin = () => pick.shuffled([2, 4, side(8)]);
  switch (role) {
    case "activation":
      return [[activationSite([wide]), activationSite(thin())], [activationSite(block(2)), activationSite(block(3))]];
    case "weight":
      return [[weightSite(pick.shuffled([4, side(4)]))], [weightSite(block(2)), weightSite(block(4))]];
    case "recurrent": {
      const [place] = placesOf(definition, plugin);
      if (place === undefined) return [];
      const middle = byGate(place) ? [2] : [];
      const [long, short] = [pick.whole(40, 70), side(60)];
      return [[recurrentSite([place], [2, ...middle, side(2)])], [recurrentSite([place], [long, ...middle, short])]];
    }
    case "attention": {
      const stages = stagesOf(definition, plugin).slice(0, 1);
      return stages.length === 0 ? [] : [[attentionSite(stages, thin())], [attentionSite(stages, block(3))]];
    }
    case "embedding":
      return [[embeddingSite([words(wide), 2], words(wide))]];
    default:
      return [];
  }
}
