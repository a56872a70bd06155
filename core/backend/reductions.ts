/** Reductions along one axis. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { code, input, number, output, places, size } from "./parameters.ts";
import * as twins from "./reference/reductions.ts";

/** The name of a reduction; `magnitude` is the largest absolute value. */
export type ReduceOp = "sum" | "max" | "min" | "magnitude";

/** Reductions along one axis, in the order of their native codes. */
export const reduceOps: readonly ReduceOp[] = ["sum", "max", "min", "magnitude"];

/** Reduces the middle axis of `x: [outer, n, inner]` to `out: [outer, inner]` and multiplies by `scale`. */
export const reduce: Kernel<typeof twins.reduce> = defineKernel({
  name: "reduce",
  parameters: [
    code("op", reduceOps),
    input("x", ["outer", "n", "inner"]),
    output("out", ["outer", "inner"]),
    size("outer"),
    size("n"),
    size("inner"),
    number("scale"),
  ],
  twin: twins.reduce,
});

/** Index of the largest entry of each row; the first among equals. */
export const argmax: Kernel<typeof twins.argmax> = defineKernel({
  name: "argmax",
  parameters: [
    input("x", ["rows", "cols"]),
    places("out", ["rows"], ["cols"]),
    size("rows"),
    size("cols", { max: 2 ** 31 - 1 }),
  ],
  twin: twins.argmax,
});
