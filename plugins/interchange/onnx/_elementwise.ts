/** Activations and fixed masks as nodes. @module */
import type { AnyFactory, OnnxAttribute, OnnxValue } from "../../../core/mod.ts";
import { elu } from "../../layers/elu.ts";
import { gelu } from "../../layers/gelu.ts";
import { leakyRelu } from "../../layers/leaky_relu.ts";
import { logSoftmax } from "../../layers/log_softmax.ts";
import { relu } from "../../layers/relu.ts";
import { selu } from "../../layers/selu.ts";
import { sigmoid } from "../../layers/sigmoid.ts";
import { silu } from "../../layers/silu.ts";
import { softmax } from "../../layers/softmax.ts";
import { softplus } from "../../layers/softplus.ts";
import { tanh } from "../../layers/tanh.ts";
import { fixedMask } from "../../shrinking/fixed_mask.ts";
import type { OnnxPart, Site } from "./_site.ts";

/** A layer that is one operator, with attributes by its options. */
function single<Options>(type: string, attributes?: (options: Options) => Record<string, OnnxAttribute>): OnnxPart {
  return (x, site: Site<Options>) => site.op(type, [x], { attributes: attributes?.(site.options) });
}

/** `x Phi(x)`, by the error function or by its approximation with tanh. */
export function geluOf(site: Site, x: OnnxValue, approximate: "none" | "tanh"): OnnxValue {
  const number = (value: number) => site.constant(value);
  const mul = (a: OnnxValue, b: OnnxValue) => site.op("Mul", [a, b]);
  const inner = approximate === "none" ? site.op("Erf", [mul(x, number(Math.SQRT1_2))]) : site.op("Tanh", [
    mul(site.op("Add", [x, mul(mul(mul(x, x), x), number(0.044715))]), number(Math.sqrt(2 / Math.PI))),
  ]);
  return mul(mul(x, number(0.5)), site.op("Add", [inner, number(1)]));
}

/** Activations, and masks that no longer change. */
export const elementwise: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [elu, single<{ alpha: number }>("Elu", ({ alpha }) => ({ alpha: { float: alpha } }))],
  [
    fixedMask,
    (x, site) => {
      const { factor, shift } = site.state;
      return site.op("Add", [site.op("Mul", [x, site.constant(factor)]), site.constant(shift)]);
    },
  ],
  [gelu, (x, site) => geluOf(site, x, site.options.approximate)],
  [
    leakyRelu,
    single<{ negativeSlope: number }>("LeakyRelu", ({ negativeSlope }) => ({ alpha: { float: negativeSlope } })),
  ],
  [logSoftmax, single<{ axis: number }>("LogSoftmax", ({ axis }) => ({ axis }))],
  [relu, single("Relu")],
  [
    selu,
    single("Selu", () => ({ alpha: { float: 1.6732632423543772 }, gamma: { float: 1.0507009873554805 } })),
  ],
  [sigmoid, single("Sigmoid")],
  [silu, (x, site) => site.op("Mul", [x, site.op("Sigmoid", [x])])],
  [softmax, single<{ axis: number }>("Softmax", ({ axis }) => ({ axis }))],
  [softplus, single("Softplus")],
  [tanh, single("Tanh")],
];
