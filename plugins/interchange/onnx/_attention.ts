/** Attention, positions and transformer blocks as nodes. @module */
import { type AnyFactory, type OnnxExtent, type OnnxValue, Tensor } from "../../../core/mod.ts";
import { decoderBlock } from "../../layers/decoder_block.ts";
import { encoderBlock } from "../../layers/encoder_block.ts";
import { learnedPositions } from "../../layers/learned_positions.ts";
import { multiHeadAttention } from "../../layers/multi_head_attention.ts";
import { sinusoidalPositions } from "../../layers/sinusoidal_positions.ts";
import { geluOf } from "./_elementwise.ts";
import { affineOf, beside, transposed } from "./_products.ts";
import type { OnnxPart, Site } from "./_site.ts";

/** An extent of a value as a number that the graph computes. */
export function extentAt(site: Site, x: OnnxValue, axis: number): OnnxValue {
  const extent = x.shape[axis];
  if (typeof extent === "number") return site.constant(extent, "int64");
  const shape = site.op("Shape", [x], { shape: [x.shape.length], type: "int64" });
  return site.op("Gather", [shape, site.constant(axis, "int64")], { shape: [] });
}

/** The numbers 0, 1, ... below an extent of a value, int64. */
export function rangeOf(site: Site, x: OnnxValue, axis: number): OnnxValue {
  const [zero, one] = [0, 1].map((value) => site.constant(value, "int64"));
  return site.op("Range", [zero, extentAt(site, x, axis), one], { shape: [x.shape[axis]] });
}

/** Which keys a query may see, `[queries, keys]`. */
function causalMask(site: Site, x: OnnxValue, memory: OnnxValue): OnnxValue {
  const queries = beside(site, rangeOf(site, x, 1), 1);
  const keys = beside(site, rangeOf(site, memory, 1), 0);
  return site.op("GreaterOrEqual", [queries, keys], { shape: [x.shape[1], memory.shape[1]], type: "bool" });
}

interface AttentionSettings {
  readonly heads: number;
  readonly attends: "self" | "memory";
  readonly causal: boolean;
}

/**
 * Multi-head attention.
 *
 * @param receive called with the attention that each key received, `[batch, keys]`, if somebody wants it
 */
const attentionPart: OnnxPart = (x, site: Site<AttentionSettings>) => {
  const { params, inputs, options: { heads, attends, causal } } = site;
  const features = x.shape[2] as number;
  const memory = attends === "memory" ? inputs[1] : x;
  const keyMask = inputs[attends === "memory" ? 2 : 1];
  const ints = (values: readonly number[]) => site.constant(values, "int64");
  const project = (from: OnnxValue, part: number, name: string) => {
    const rows = [features * part, features * (part + 1)];
    const weight = params[`${name[0]}_proj_weight`] ?? params.in_proj_weight.detach().slice([rows[0]], [rows[1]]);
    const bias = params.in_proj_bias?.detach().slice([rows[0]], [rows[1]]) ?? null;
    const y = site.product(`weight_${name}`, from, weight, bias, affineOf(site));
    const apart = site.op("Reshape", [y, ints([0, 0, heads, features / heads])], {
      shape: [y.shape[0], y.shape[1], heads, features / heads],
    });
    return site.op("Transpose", [apart], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: [y.shape[0], heads, y.shape[1], features / heads],
    });
  };
  const [q, k, v] = [project(x, 0, "query"), project(memory, 1, "key"), project(memory, 2, "value")];
  const square: OnnxExtent[] = [x.shape[0], heads, x.shape[1], memory.shape[1]];
  const scaled = site.op("Mul", [q, site.constant(1 / Math.sqrt(features / heads))]);
  let scores = site.op("MatMul", [scaled, transposed(site, k)], { shape: square });
  let seen: OnnxValue | undefined = causal ? causalMask(site, x, memory) : undefined;
  if (keyMask !== undefined) {
    const visible = site.op("Not", [
      site.op("Equal", [keyMask, site.constant(0, keyMask.type)], { type: "bool" }),
    ]);
    const rows = beside(site, beside(site, visible, 1), 1);
    seen = seen === undefined ? rows : site.op("And", [rows, seen], { shape: [square[0], 1, square[2], square[3]] });
  }
  if (seen !== undefined) {
    scores = site.op("Where", [seen, scores, site.constant(-1e30)], { shape: square, type: scores.type });
  }
  let weights = site.op("Softmax", [site.attention("attention", scores, "scores")], { attributes: { axis: -1 } });
  // Where a mask hides every key softmax is uniform: such a query gets zeros.
  if (seen !== undefined && keyMask !== undefined) {
    weights = site.op("Where", [seen, weights, site.constant(0)], { shape: square, type: weights.type });
  }
  const used = site.attention("attention", weights, "weights");
  const attended = site.op("MatMul", [used, v], { shape: q.shape });
  const turned = site.op("Transpose", [site.attention("attention", attended, "heads")], {
    attributes: { perm: [0, 2, 1, 3] },
    shape: [x.shape[0], x.shape[1], heads, features / heads],
  });
  const all = site.op("Reshape", [turned, ints([0, 0, features])], { shape: x.shape });
  return site.product("weight_out", all, params["out_proj.weight"], params["out_proj.bias"] ?? null, affineOf(site));
};

/** A sum of embeddings and positions, through the variant on it. */
function withPositions(site: Site, x: OnnxValue, positions: OnnxValue): OnnxValue {
  const sum = site.op("Add", [x, positions]);
  return site.has("dropout") ? site.run("dropout", sum) : sum;
}

const learnedPart: OnnxPart = (x, site) => {
  const table = site.weight("weight", site.params.weight);
  if (x.shape[1] === table.shape[0]) return withPositions(site, x, table);
  const list = (values: readonly number[]) => site.constant(values, "int64");
  const end = beside(site, extentAt(site, x, 1), 0);
  const rows = site.op("Slice", [table, list([0]), end, list([0])], { shape: [x.shape[1], table.shape[1]] });
  return withPositions(site, x, rows);
};

const sinusoidalPart: OnnxPart = (x, site: Site<{ scaled: boolean }>) => {
  const features = x.shape[2] as number;
  const input = site.options.scaled ? site.op("Mul", [x, site.constant(Math.sqrt(features))]) : x;
  // A cosine is a sine a quarter of a turn ahead; angles of long sequences want all the digits of float64.
  const each = (value: (feature: number) => number) =>
    site.constant(
      Tensor.from(Array.from({ length: features }, (_, feature) => value(feature)), [features], "float64"),
      "float64",
    );
  const time = site.op("Cast", [rangeOf(site, x, 1)], { attributes: { to: 11 }, type: "float64" });
  const frequency = each((feature) => 1 / 10000 ** ((feature - feature % 2) / features));
  const angle = site.op("Mul", [beside(site, time, 1), frequency], { shape: x.shape.slice(1) });
  const ahead = site.op("Add", [angle, each((feature) => feature % 2 === 0 ? 0 : Math.PI / 2)]);
  const table = site.op("Cast", [site.op("Sin", [ahead])], { attributes: { to: 1 }, type: "float32" });
  return withPositions(site, input, table);
};

interface BlockSettings {
  readonly norm: "post" | "pre";
  readonly activation: "relu" | "gelu";
}

/** `norm(x + f(x))` or `x + f(norm(x))`, with the variants of a block. */
function sublayer(
  site: Site<BlockSettings>,
  x: OnnxValue,
  number: number,
  f: (x: OnnxValue) => OnnxValue,
  variant = `dropout${number}`,
): OnnxValue {
  const pre = site.options.norm === "pre";
  const norm = (value: OnnxValue) => site.run(`norm${number}`, value);
  const added = site.branch(`branch${number}`, () => {
    const y = f(pre ? norm(x) : x);
    return site.has(variant) ? site.run(variant, y) : y;
  });
  const sum = added === null ? x : site.op("Add", [x, added]);
  return pre ? sum : norm(sum);
}

/** The feed-forward part as a block's last sub-layer. */
function feedForward(site: Site<BlockSettings>, x: OnnxValue, number: number): OnnxValue {
  const relu = site.options.activation === "relu";
  const variant = site.has("output") ? "output" : `dropout${number}`;
  return sublayer(site, x, number, (value) => {
    const wide = site.run("linear1", value, { epilogue: relu ? "relu" : "none" });
    const h = relu ? wide : geluOf(site, wide, "none");
    return site.run("linear2", site.has("hidden") ? site.run("hidden", h) : h);
  }, variant);
}

const encoderPart: OnnxPart = (x, site: Site<BlockSettings>) => {
  const mask = site.inputs.slice(1, 2);
  const y = sublayer(site, x, 1, (value) => site.run("self_attn", [value, ...mask]));
  return feedForward(site, y, 2);
};

const decoderPart: OnnxPart = (x, site: Site<BlockSettings>) => {
  const [, memory, memoryMask, mask] = site.inputs;
  const given = (...values: (OnnxValue | undefined)[]) => values.filter((value) => value !== undefined);
  const y = sublayer(site, x, 1, (value) => site.run("self_attn", given(value, mask)));
  const z = sublayer(site, y, 2, (value) => site.run("multihead_attn", given(value, memory, memoryMask)));
  return feedForward(site, z, 3);
};

/** Attention, positions and transformer blocks. */
export const attentions: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [multiHeadAttention, attentionPart],
  [learnedPositions, learnedPart],
  [sinusoidalPositions, sinusoidalPart],
  [encoderBlock, encoderPart],
  [decoderBlock, decoderPart],
];
