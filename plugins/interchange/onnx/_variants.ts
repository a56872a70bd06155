/** Variants that are more than masks, as nodes: what evaluation makes of them, and their draws where the graph samples. @module */
import { type AnyFactory, type OnnxValue, sizeOf, Tensor } from "../../../core/mod.ts";
import { type AxisName, sharedAxes } from "../../dropout/_axes.ts";
import { concreteDropout } from "../../dropout/concrete_dropout.ts";
import { gaussianDropout } from "../../dropout/gaussian_dropout.ts";
import { gaussianNoise } from "../../dropout/gaussian_noise.ts";
import { masksembles } from "../../dropout/masksembles.ts";
import { maxPoolingDropout } from "../../dropout/max_pooling_dropout.ts";
import { patchDropout } from "../../dropout/patch_dropout.ts";
import { shakeDrop } from "../../dropout/shake_drop.ts";
import { shakeShake } from "../../dropout/shake_shake.ts";
import { stochasticPooling } from "../../dropout/stochastic_pooling.ts";
import { swapout } from "../../dropout/swapout.ts";
import { uout } from "../../dropout/uout.ts";
import { affine, maskOf, times } from "./_arithmetic.ts";
import { batch } from "./_graph.ts";
import { applyMask, batchOf, drawOf, firstAlong, keptEntries, normalLike, uniformLike } from "./_masks.ts";
import { averagePoolPart, maxPoolPart } from "./_pooling.ts";
import { beside, windowOf, type WindowOptions } from "./_products.ts";
import { extentsOf, keepOf } from "./_place.ts";
import type { OnnxPart, Site } from "./_site.ts";
import { relaxed } from "./_product_variants.ts";
import { joined } from "./_structure.ts";

/** Noise that some axes share. */
function shared(site: Site<{ share: readonly (AxisName | number)[] }>, x: OnnxValue): OnnxValue {
  return firstAlong(site, x, sharedAxes(site.options.share, extentsOf(x)));
}

const gaussianDropoutPart: OnnxPart = (x, site) => {
  const { rate } = site.options;
  if (!site.samples || rate === 0) return x;
  return times(site, affine(site, normalLike(site, shared(site, x)), Math.sqrt(rate / (1 - rate)), 1), x);
};

const gaussianNoisePart: OnnxPart = (x, site) => {
  const { stddev } = site.options;
  if (!site.samples || stddev === 0) return x;
  return site.op("Add", [x, affine(site, normalLike(site, shared(site, x)), stddev, 0)]);
};

const uoutPart: OnnxPart = (x, site) => {
  const { beta } = site.options;
  if (!site.samples || beta === 0) return x;
  return times(site, affine(site, uniformLike(site, shared(site, x)), 2 * beta, 1 - beta), x);
};

const masksemblesPart: OnnxPart = (x, site: Site<{ masks: number; channels: "first" | "last" }>) => {
  const { options: { masks, channels }, state } = site;
  const whole = (value: number) => site.constant(value, "int64");
  let which: OnnxValue;
  if (site.samples) {
    // One mask for a whole pass, as passes take them by turns.
    const u = uniformLike(site, site.constant([0]));
    const turn = site.op("Cast", [affine(site, u, masks, 0)], { attributes: { to: 7 }, type: "int64" });
    which = site.op("Min", [turn, whole(masks - 1)]);
  } else {
    const rows = site.op("Range", [whole(0), batchOf(site, x), whole(1)], { shape: [batch] });
    which = site.op("Mod", [rows, whole(masks)]);
  }
  const count = state.masks.shape[1];
  const own = site.op("Gather", [site.constant(state.masks), which], { shape: [which.shape[0], count], type: x.type });
  if (channels === "last" && x.shape.length === 2 || channels === "first" && x.shape.length === 2) {
    return times(site, own, x);
  }
  const extents = x.shape.slice(1).map((_, i) => i === (channels === "first" ? 0 : x.shape.length - 2) ? count : 1);
  const shape = [own.shape[0], ...extents];
  return times(site, site.op("Reshape", [own, site.constant([-1, ...extents], "int64")], { shape }), x);
};

/** The entries of each window, one value for each, zeros in the padding: the last axis. */
function taps(site: Site, x: OnnxValue, options: WindowOptions): { entries: OnnxValue; counts: number[] } {
  const { attributes: { kernel_shape: kernel, strides }, extents, pads } = windowOf(site, x, options);
  const [, , ...places] = x.shape;
  if (![...places, ...extents].every((extent) => typeof extent === "number")) {
    site.refuse("its windows depend on extents that are open; build the model with a fixed input shape");
  }
  const list = (values: readonly number[]) => site.constant(values, "int64");
  const output = extents as number[];
  const edges = [0, 0, ...pads.map(([before]) => before), 0, 0, ...pads.map(([, after]) => after)];
  const padded = site.op("Pad", [x, list(edges)], {
    shape: [x.shape[0], x.shape[1], ...places.map((extent, i) => (extent as number) + pads[i][0] + pads[i][1])],
  });
  const axes = output.map((_, i) => i + 2);
  const counts = Array<number>(sizeOf(output)).fill(0);
  const each = Array.from({ length: sizeOf(kernel) }, (_, tap) => {
    const offset = kernel.map(() => 0);
    for (let axis = kernel.length - 1, rest = tap; axis >= 0; axis--) {
      offset[axis] = rest % kernel[axis];
      rest = Math.floor(rest / kernel[axis]);
    }
    counts.forEach((_, place) => {
      let inside = true;
      for (let axis = output.length - 1, rest = place; axis >= 0; axis--) {
        const at = rest % output[axis] * strides[axis] + offset[axis] - pads[axis][0];
        inside &&= at >= 0 && at < (places[axis] as number);
        rest = Math.floor(rest / output[axis]);
      }
      counts[place] += inside ? 1 : 0;
    });
    const ends = offset.map((start, axis) => start + (output[axis] - 1) * strides[axis] + 1);
    const part = site.op("Slice", [padded, list(offset), list(ends), list(axes), list(strides)], {
      shape: [x.shape[0], x.shape[1], ...output],
    });
    return beside(site, part, part.shape.length);
  });
  return { entries: joined(site, each, -1), counts };
}

const maxPoolingDropoutPart: OnnxPart = (x, site: Site<WindowOptions & { rate: number }>) => {
  const { rate } = site.options;
  if (site.samples) return maxPoolPart(applyMask(site, x, maskOf(site, rate)), site);
  const largest = maxPoolPart(x, site);
  if (rate === 0) return largest;
  // Sorted, an entry wins if all before it are dropped and it is not; below 0 it loses against a dropped one.
  const { entries, counts } = taps(site, site.op("Relu", [x]), site.options);
  const count = entries.shape[entries.shape.length - 1] as number;
  const [sorted] = site.several("TopK", [entries, site.constant([count], "int64")], [
    { shape: entries.shape, type: x.type },
    { shape: entries.shape, type: "int64" },
  ]);
  const chances = site.constant(Array.from({ length: count }, (_, rank) => rate ** rank * (1 - rate)));
  const mean = site.op("ReduceSum", [site.op("Mul", [sorted, chances]), site.constant([-1], "int64")], {
    attributes: { keepdims: 0 },
    shape: largest.shape,
  });
  const undropped = Tensor.from(counts.map((n) => (1 - rate) ** n), largest.shape.slice(2) as number[]);
  const below = site.op("Relu", [site.op("Neg", [largest])]);
  return site.op("Sub", [mean, site.op("Mul", [below, site.constant(undropped)])]);
};

const stochasticPoolingPart: OnnxPart = (x, site) => {
  if (site.samples) site.refuse("picking an entry by chance has no operator in ONNX; export the graph of evaluation");
  const chances = site.op("Relu", [x]);
  const total = averagePoolPart(chances, site);
  const none = site.op("Equal", [total, site.constant(0)], { type: "bool" });
  const divisor = site.op("Where", [none, site.constant(1), total], { shape: total.shape, type: total.type });
  return site.op("Div", [averagePoolPart(site.op("Mul", [chances, chances]), site), divisor]);
};

const patchDropoutPart: OnnxPart = (x, site) => {
  if (site.samples && site.options.rate > 0) {
    site.refuse("leaving out tokens by chance has no operator in ONNX; export the graph of evaluation");
  }
  return x;
};

/** Axes behind the batch. */
function further({ shape }: OnnxValue): number[] {
  return shape.map((_, axis) => axis).slice(1);
}

const shakeShakePart: OnnxPart = (
  x,
  site: Site<{ blocks: readonly { name?: string }[]; forward: "shake" | "even"; level: "sample" | "batch" }>,
) => {
  const { blocks, forward, level } = site.options;
  const shortcut = site.has("projection") ? site.run("projection", x) : x;
  const [first, second] = blocks.map((block, i) => site.run(block.name ?? String(i), site.inputs));
  const axes = level === "batch" ? [0, ...further(first)] : further(first);
  const a = site.samples && forward === "shake"
    ? uniformLike(site, firstAlong(site, first, axes))
    : site.constant([0.5]);
  const mixed = site.op("Add", [times(site, a, first), times(site, affine(site, a, -1, 1), second)]);
  return site.op("Add", [shortcut, mixed]);
};

const swapoutPart: OnnxPart = (
  x,
  site: Site<{ shortcutRate: number; blockRate: number; shared: boolean }>,
) => {
  const { shortcutRate, blockRate, shared } = site.options;
  const shortcut = site.has("projection") ? site.run("projection", x) : x;
  const branch = site.run("block", site.inputs);
  const [first, second] = [shortcutRate, blockRate].map((rate) => ({ ...maskOf(site, rate), eval: "mean" as const }));
  const u = shared && site.samples ? drawOf(site, shortcut, first) : undefined;
  return site.op("Add", [
    applyMask(site, shortcut, first, new Map(), u),
    applyMask(site, branch, second, new Map(), u),
  ]);
};

const shakeDropPart: OnnxPart = (
  y,
  site: Site<{
    rate: number;
    alpha: readonly [number, number];
    level: "batch" | "sample" | "channel" | "pixel";
    mode: "batch" | "row";
  }>,
) => {
  const { rate, alpha: [least, most], level, mode } = site.options;
  const keep = keepOf(rate);
  if (keep === 1) return y;
  if (!site.samples) return affine(site, y, keep + (1 - keep) * (least + most) / 2, 0);
  const gates = firstAlong(site, y, mode === "batch" ? [0, ...further(y)] : further(y));
  const kept = keptEntries(site, gates, maskOf(site, rate));
  const from = { batch: 0, sample: 1, channel: 2, pixel: y.shape.length }[level];
  const axes = y.shape.map((_, axis) => axis).slice(from);
  const factors = affine(site, uniformLike(site, firstAlong(site, y, axes)), most - least, least);
  const used = site.op("Where", [kept, site.constant(1), factors], { shape: y.shape, type: y.type });
  return times(site, used, y);
};

/** Variants at layer positions, and layers that draw. */
export const variants: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [concreteDropout, (x, site) => site.samples ? relaxed(x, site, 1) : x],
  [gaussianDropout, gaussianDropoutPart],
  [gaussianNoise, gaussianNoisePart],
  [masksembles, masksemblesPart],
  [maxPoolingDropout, maxPoolingDropoutPart],
  [patchDropout, patchDropoutPart],
  [shakeShake, shakeShakePart],
  [stochasticPooling, stochasticPoolingPart],
  [swapout, swapoutPart],
  [uout, uoutPart],
];

/** Variants of a branch. */
export const branchVariants: readonly (readonly [AnyFactory, OnnxPart])[] = [[shakeDrop, shakeDropPart]];
