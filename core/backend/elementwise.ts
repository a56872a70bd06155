/** Elementwise functions of one and two operands, and their gradients. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { box, code, inout, input, number, output } from "./parameters.ts";
import * as twins from "./reference/elementwise.ts";

/** Elementwise functions of one operand, in the order of their native codes. Some take parameters `p` and `q`. */
export const unaryOps = [
  "copy",
  "affine", // p x + q
  "abs",
  "exp",
  "log",
  "sqrt",
  "square",
  "reciprocal",
  "power", // x^p
  "clamp", // min(max(x, p), q)
  "sign",
  "relu",
  "leaky-relu", // slope p
  "elu", // alpha p
  "selu",
  "gelu", // x Phi(x)
  "gelu-tanh",
  "silu",
  "sigmoid",
  "tanh",
  "softplus",
  "sin",
  "cos",
  "erf",
  "log1p",
] as const;

/** The name of an elementwise function of one operand. */
export type UnaryOp = typeof unaryOps[number];

/**
 * Elementwise functions of two operands, in the order of their native codes. Comparisons give 1 or 0. `mask` is
 * `b === 0 ? 0 : a * b`: it selects, so that a dropped infinity or NaN gives 0.
 */
export const binaryOps = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "maximum",
  "minimum",
  "power",
  "mask",
  "greater",
  "greater-equal",
  "equal",
] as const;

/** The name of an elementwise function of two operands. */
export type BinaryOp = typeof binaryOps[number];

/** Sets every element of `out`. */
export const fill: Kernel<typeof twins.fill> = defineKernel({
  name: "fill",
  parameters: [output("out", ["n"]), number("value")],
  twin: twins.fill,
});

/** `out[i] = f(x[i])`, with the parameters that some functions take. */
export const unary: Kernel<typeof twins.unary> = defineKernel({
  name: "unary",
  parameters: [
    code("op", unaryOps),
    input("x", ["n"]),
    output("out", ["n"], { mayBe: ["x"] }),
    number("p"),
    number("q"),
  ],
  twin: twins.unary,
});

/** `dx[i] = dy[i] f'(x[i])`, where `y` is what the forward call gave. */
export const unaryGradient: Kernel<typeof twins.unaryGradient> = defineKernel({
  name: "unaryGradient",
  parameters: [
    code("op", unaryOps),
    input("x", ["n"]),
    input("y", ["n"]),
    input("dy", ["n"]),
    output("dx", ["n"], { mayBe: ["x", "y", "dy"] }),
    number("p"),
    number("q"),
  ],
  twin: twins.unaryGradient,
});

/** `out = f(a, b)` with both operands stretched as the plan says; `out` is dense in the plan's order. */
export const binary: Kernel<typeof twins.binary> = defineKernel({
  name: "binary",
  parameters: [
    code("op", binaryOps),
    input("a", ["a"]),
    input("b", ["b"]),
    output("out", ["plan"], { mayBe: ["a", "b"] }),
    box("plan", ["a", "b"]),
  ],
  twin: twins.binary,
});

/** `y += alpha x`, elementwise. */
export const accumulate: Kernel<typeof twins.accumulate> = defineKernel({
  name: "accumulate",
  parameters: [input("x", ["n"]), inout("y", ["n"]), number("alpha")],
  twin: twins.accumulate,
});
