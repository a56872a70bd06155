/** Masks as nodes: what evaluation makes of them, and draws where the graph samples. @module */
import { type Mask, type OnnxValue, Tensor } from "../../../core/mod.ts";
import { batch } from "./_graph.ts";
import { extentsOf, keepOf, type Place } from "./_place.ts";

/** Values of the graph that tensors stand for which a mask was told of. */
export type Placeholders = ReadonlyMap<Tensor, OnnxValue>;

/** Random numbers of a graph, and of whom they are. */
export interface Draws {
  /** `U(0, 1)` in the shape of a value. */
  uniform(like: OnnxValue): OnnxValue;
}

/** Uniform numbers in [0, 1), one for each entry of a value. */
export function uniformLike(site: Place, like: OnnxValue): OnnxValue {
  return site.op("RandomUniformLike", [like], { attributes: { dtype: 1 }, type: "float32" });
}

/** Standard normal numbers, one for each entry of a value. */
export function normalLike(site: Place, like: OnnxValue): OnnxValue {
  return site.op("RandomNormalLike", [like], { attributes: { dtype: 1 }, type: "float32" });
}

/** The first entry of a value along some axes: the shape of a draw that they share. */
export function firstAlong(site: Place, x: OnnxValue, axes: readonly number[]): OnnxValue {
  if (axes.length === 0) return x;
  const list = (values: readonly number[]) => site.constant(values, "int64");
  return site.op("Slice", [x, list(axes.map(() => 0)), list(axes.map(() => 1)), list(axes)], {
    shape: x.shape.map((extent, axis) => axes.includes(axis) ? 1 : extent),
  });
}

/** The batch's extent, a number. */
export function batchOf(site: Place, x: OnnxValue): OnnxValue {
  const shape = site.op("Shape", [x], { shape: [x.shape.length], type: "int64" });
  return site.op("Gather", [shape, site.constant(0, "int64")], { shape: [] });
}

/** Uniform numbers for a mask's decisions, in a shape that stretches to that of `x`. */
function decisionNumbers(site: Place, x: OnnxValue, { share = [], group = 1, key }: Mask): OnnxValue {
  const axes = [...new Set(share.map((axis) => axis < 0 ? axis + x.shape.length : axis))].sort();
  const like = firstAlong(site, x, axes);
  if (group === 1 || key.isWhole || axes.includes(0)) return uniformLike(site, like);
  // Every so many examples one draw.
  const list = (value: number) => site.constant([value], "int64");
  const rows = site.op("Slice", [like, list(0), list(2 ** 31), list(0), list(group)], {
    shape: [site.unknown(), ...like.shape.slice(1)],
  });
  const zero = site.constant(0, "int64");
  const index = site.op("Range", [zero, batchOf(site, x), site.constant(1, "int64")], {
    shape: [batch],
    type: "int64",
  });
  const own = site.op("Div", [index, site.constant(group, "int64")]);
  return site.op("Gather", [uniformLike(site, rows), own], { shape: like.shape });
}

/** Which entries of a value a mask keeps. */
export function keptEntries(site: Place, x: OnnxValue, mask: Mask, u?: OnnxValue): OnnxValue {
  const numbers = u ?? decisionNumbers(site, x, mask);
  return site.op("GreaterOrEqual", [numbers, site.constant(1 - keepOf(mask.rate))], { type: "bool" });
}

/** The numbers that a mask's draw is made of, for a mask that is applied several times. */
export function drawOf(site: Place, x: OnnxValue, mask: Mask): OnnxValue {
  return decisionNumbers(site, x, mask);
}

/** A number or tensor of a mask as a value. */
function valueOf(site: Place, part: number | Tensor, placeholders: Placeholders): OnnxValue {
  if (!(part instanceof Tensor)) return site.constant(part);
  const found = placeholders.get(part);
  if (found !== undefined) return found;
  if (part.floats.some(Number.isNaN)) {
    site.refuse("its mask is computed from values, which only a run of the model has");
  }
  return site.constant(part);
}

/** `a x + b`, in no more nodes than are needed. */
function scaled(site: Place, x: OnnxValue, a: OnnxValue | 1, b: OnnxValue | 0): OnnxValue {
  const ax = a === 1 ? x : site.op("Mul", [x, a]);
  return b === 0 ? ax : site.op("Add", [ax, b]);
}

/**
 * `kept ? a x + b : c`, or what evaluation makes of it.
 *
 * @param u the numbers of its draw, where they are at hand
 */
export function applyMask(
  site: Place,
  x: OnnxValue,
  mask: Mask,
  placeholders: Placeholders = new Map(),
  u?: OnnxValue,
): OnnxValue {
  const kept = keepOf(mask.rate);
  const { b = 0, c = 0, empty = "lost" } = mask;
  const value = (part: number | Tensor) => valueOf(site, part, placeholders);
  const factor = (part: number | Tensor, by: number) => {
    if (typeof part === "number") return part * by === 1 ? 1 : site.constant(part * by);
    return by === 1 ? value(part) : site.op("Mul", [value(part), site.constant(by)]);
  };
  const times = (part: number | Tensor, by: number): OnnxValue | 0 => {
    if (part === 0 || by === 0) return 0;
    return typeof part === "number" ? site.constant(part * by) : site.op("Mul", [value(part), site.constant(by)]);
  };
  if (!site.samples) {
    if (mask.eval !== "mean") return x;
    const dropped = times(c, 1 - kept);
    if (kept === 0) return constantLike(site, x, c, placeholders);
    const left = scaled(site, x, mask.a === undefined ? 1 : factor(mask.a, kept), times(b, kept));
    return dropped === 0 ? left : site.op("Add", [left, dropped]);
  }
  if (kept === 0 && empty === "lost") return constantLike(site, x, c, placeholders);
  const a = factor(mask.a ?? (kept === 0 ? 0 : 1 / kept), 1);
  const whole = scaled(site, x, a, b === 0 ? 0 : value(b));
  if (kept === 1) return whole;
  const entries = keptEntries(site, x, mask, u);
  const chosen = site.op("Where", [entries, whole, value(c)], { shape: x.shape, type: x.type });
  if (empty === "lost") return chosen;
  // A row that lost everything, or had lost it to a mask of attention, stays as it was.
  const seen = site.op("Greater", [x, site.constant(-1e30 / 2)], { type: "bool" });
  const left = site.op("And", [seen, entries], { shape: x.shape });
  const row = [...x.shape.slice(0, -1), 1];
  const most = site.op("ReduceMax", [site.op("Cast", [left], { attributes: { to: 1 }, type: "float32" })], {
    attributes: { axes: [x.shape.length - 1], keepdims: 1 },
    shape: row,
  });
  const alive = site.op("Greater", [most, site.constant(0.5)], { type: "bool" });
  return site.op("Where", [alive, chosen, x], { shape: x.shape, type: x.type });
}

/** A number or tensor in the shape of a value. */
function constantLike(site: Place, x: OnnxValue, c: number | Tensor, placeholders: Placeholders): OnnxValue {
  const shape = site.op("Shape", [x], { shape: [x.shape.length], type: "int64" });
  return site.op("Expand", [valueOf(site, c, placeholders), shape], { shape: x.shape, type: x.type });
}

/** What a branch adds under a mask, one decision for each example or for the batch; null for nothing. */
export function branchMask(site: Place, mask: Mask | null, block: () => OnnxValue): OnnxValue | null {
  if (mask === null) return block();
  const { c = 0 } = mask;
  if (!site.samples && mask.eval === "mean" && mask.rate === 1 && c === 0) return null;
  const y = block();
  const whole = mask.share?.includes(0) ?? false;
  return applyMask(site, y, { ...mask, share: y.shape.map((_, axis) => axis).slice(whole ? 0 : 1) });
}

/**
 * Rows of a table under a mask that drops whole rows of it, for each example or for the batch.
 *
 * @param rows the rows as they were read
 */
export function embeddingMask(
  site: Place,
  table: OnnxValue,
  indices: OnnxValue,
  mask: Mask,
  rows: OnnxValue,
): OnnxValue {
  if (!site.samples) return applyMask(site, rows, mask);
  const share = (mask.share ?? []).map((axis) => axis < 0 ? axis + 3 : axis);
  if (!share.includes(2) || share.includes(1) || indices.shape.length !== 2) {
    site.refuse("only masks that drop whole words of sequences [batch, time] have random nodes");
  }
  const [vocabulary] = extentsOf(table);
  const count = share.includes(0) ? site.constant([1], "int64") : firstExtents(site, indices);
  const extents = site.op("Concat", [count, site.constant([vocabulary], "int64")], {
    attributes: { axis: 0 },
    shape: [2],
  });
  const shape = [share.includes(0) ? 1 : batch, vocabulary];
  const u = uniformLike(site, site.op("ConstantOfShape", [extents], { shape, type: "float32" }));
  const own = share.includes(0)
    ? site.op("Gather", [
      site.op("Reshape", [u, site.constant([vocabulary], "int64")], { shape: [vocabulary] }),
      indices,
    ], {
      shape: indices.shape,
    })
    : site.op("GatherElements", [u, indices], { attributes: { axis: 1 }, shape: indices.shape });
  const each = site.op("Unsqueeze", [own, site.constant([2], "int64")], { shape: [...indices.shape, 1] });
  return applyMask(site, rows, mask, new Map(), each);
}

/** The extent of the batch, as a list of one. */
function firstExtents(site: Place, x: OnnxValue): OnnxValue {
  return site.op("Unsqueeze", [batchOf(site, x), site.constant([0], "int64")], { shape: [1] });
}
