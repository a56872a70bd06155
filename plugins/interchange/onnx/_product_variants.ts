/** Variants of a whole product as nodes: what evaluation makes of them, and their draws where the graph samples. @module */
import type { AnyFactory, OnnxExtent, OnnxMultiply, OnnxValue, Tensor } from "../../../core/mod.ts";
import { concreteDropout } from "../../dropout/concrete_dropout.ts";
import { dropConnect } from "../../dropout/drop_connect/drop_connect.ts";
import { standout } from "../../dropout/standout.ts";
import { affine, maskOf, times } from "./_arithmetic.ts";
import { batch } from "./_graph.ts";
import { applyMask, batchOf, firstAlong, normalLike, uniformLike } from "./_masks.ts";
import { keepOf } from "./_place.ts";
import { beside } from "./_products.ts";
import type { ProductPart, Site } from "./_site.ts";
import { joined } from "./_structure.ts";

/** `x z / (1 - p)` with relaxed masks z. */
export function relaxed(
  x: OnnxValue,
  site: Site<{ spatial: boolean; temperature?: number }>,
  channel: number,
): OnnxValue {
  const { spatial, temperature = spatial ? 2 / 3 : 0.1 } = site.options;
  const logit = site.params.logit.floats[0];
  const axes = spatial ? x.shape.map((_, axis) => axis).filter((axis) => axis !== 0 && axis !== channel) : [];
  const u = uniformLike(site, firstAlong(site, x, axes));
  const odds = site.op("Sub", [site.op("Log", [u]), site.op("Log", [affine(site, u, -1, 1)])]);
  const kept = site.op("Sigmoid", [affine(site, odds, -1 / temperature, -logit / temperature)]);
  return times(site, affine(site, kept, 1 + Math.exp(logit), 0), x);
}

const concreteProduct: ProductPart = (x, weight, bias, multiply, site) => {
  const used = site.samples ? relaxed(x, site, weight.rank > 2 ? 1 : x.shape.length - 1) : x;
  return multiply(used, site.constant(weight), bias && site.constant(bias));
};

/** A bias beside what a product gives: in a convolution the channels lie behind the batch. */
function channelBias(site: Site, bias: Tensor, weight: Tensor): OnnxValue {
  const extents = [bias.size, ...weight.shape.slice(2).map(() => 1)];
  return site.constant(weight.rank > 2 ? bias.detach().reshape(extents) : bias);
}

const standoutPart: ProductPart = (
  x,
  weight,
  bias,
  multiply,
  site: Site<{ alpha: number; beta: number; gate: "tied" | "free" }>,
) => {
  const { options: { alpha, beta, gate }, params } = site;
  const product = multiply(x, site.constant(weight), null);
  const shifted = bias === null ? product : site.op("Add", [product, channelBias(site, bias, weight)]);
  const y = site.activated(shifted);
  const input = gate === "tied" ? product : multiply(x, site.constant(params.gate), site.constant(params.gateBias));
  const keep = alpha === 0
    ? site.constant(1 / (1 + Math.exp(-beta)))
    : site.op("Sigmoid", [affine(site, input, alpha, beta)]);
  if (!site.samples) return times(site, keep, y);
  const kept = site.op("Greater", [keep, uniformLike(site, y)], { shape: y.shape, type: "bool" });
  return site.op("Where", [kept, y, site.constant(0)], { shape: y.shape, type: y.type });
};

interface DropConnectSettings {
  readonly rate: number;
  readonly per: "example" | "batch";
  readonly convention: "inverted" | "classic";
  readonly inference: "mean" | "normal";
}

/** Uniform numbers for each example of a batch: `[batch, ...shape]`. */
function uniformForExamples(site: Site, x: OnnxValue, shape: readonly number[]): OnnxValue {
  const count = beside(site, batchOf(site, x), 0);
  const extents = joined(site, [count, site.constant(shape, "int64")], 0);
  const all: OnnxExtent[] = [batch, ...shape];
  return uniformLike(site, site.op("ConstantOfShape", [extents], { shape: all, type: "float32" }));
}

/** The product with the normal numbers that stand for masks: its mean and standard deviation. */
function normalMoments(
  x: OnnxValue,
  weight: Tensor,
  bias: Tensor | null,
  multiply: OnnxMultiply,
  site: Site<DropConnectSettings>,
): [OnnxValue, OnnxValue] {
  const { rate, convention } = site.options;
  const keep = keepOf(rate);
  const squared = (part: Tensor) => site.constant(part.detach().square());
  const mean = multiply(x, site.constant(weight), bias && site.constant(bias));
  const variance = multiply(site.op("Mul", [x, x]), squared(weight), bias && squared(bias));
  const factor = convention === "inverted" ? (1 - keep) / keep : keep * (1 - keep);
  const positive = site.op("Max", [affine(site, variance, factor, 0), site.constant(0)]);
  return [affine(site, mean, convention === "inverted" ? 1 : keep, 0), site.op("Sqrt", [positive])];
}

const dropConnectPart: ProductPart = (x, weight, bias, multiply, site: Site<DropConnectSettings>) => {
  const { rate, per, convention, inference } = site.options;
  const keep = keepOf(rate);
  const plain = () => multiply(x, site.constant(weight), bias && site.constant(bias));
  if (keep === 1) return site.activated(plain());
  if (inference === "normal" && keep > 0 && (site.samples || site.epilogue !== "none")) {
    if (!site.samples) {
      site.refuse('evaluation averages over its own draws; set inference: "mean", or export random nodes');
    }
    const [mean, deviation] = normalMoments(x, weight, bias, multiply, site);
    return site.activated(site.op("Add", [mean, times(site, deviation, normalLike(site, mean))]));
  }
  if (!site.samples) return site.activated(affine(site, plain(), convention === "inverted" ? 1 : keep, 0));
  const mask = { ...maskOf(site, rate), a: convention === "classic" ? 1 : undefined };
  if (rate === 1) return site.activated(applyMask(site, plain(), mask));
  const draw = (part: Tensor) => {
    if (per === "batch") return applyMask(site, site.constant(part), mask);
    const u = uniformForExamples(site, x, part.shape);
    const own = site.op("Expand", [
      site.constant(part),
      site.op("Shape", [u], { shape: [u.shape.length], type: "int64" }),
    ], {
      shape: u.shape,
    });
    return applyMask(site, own, mask, new Map(), u);
  };
  return site.activated(multiply(x, draw(weight), bias && draw(bias)));
};

/** Variants of the whole product. */
export const productVariants: readonly (readonly [AnyFactory, ProductPart])[] = [
  [concreteDropout, concreteProduct],
  [dropConnect, dropConnectPart],
  [standout, standoutPart],
];
