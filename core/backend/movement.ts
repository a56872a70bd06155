/** Copies between dense and strided boxes, and rows by index. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { box, indices, inout, input, output, size } from "./parameters.ts";
import * as twins from "./reference/movement.ts";

/** Gathers with strides: `out` is dense with extents `dims`, and reads `x` from `offset` on. */
export const copyStrided: Kernel<typeof twins.copyStrided> = defineKernel({
  name: "copyStrided",
  parameters: [
    input("x", (sizes) => sizes.box === 0 ? 0 : sizes.offset + sizes.x),
    output("out", ["box"]),
    box("box", ["x"]),
    size("offset"),
  ],
  twin: twins.copyStrided,
});

/** The adjoint of `copyStrided`: adds the dense `x` into `out` at `offset` with strides, in the dense order. */
export const addStrided: Kernel<typeof twins.addStrided> = defineKernel({
  name: "addStrided",
  parameters: [
    input("x", ["box"]),
    inout("out", (sizes) => sizes.box === 0 ? 0 : sizes.offset + sizes.out),
    box("box", ["out"]),
    size("offset"),
  ],
  twin: twins.addStrided,
});

const rows = (sizes: Readonly<Record<string, number>>) => Math.floor(sizes.entries / sizes.cols);

/** `out[i, :] = table[index[i], :]`. */
export const gatherRows: Kernel<typeof twins.gatherRows> = defineKernel({
  name: "gatherRows",
  parameters: [
    input("table", ["entries"]),
    indices("index", ["count"], rows),
    output("out", ["count", "cols"]),
    size("cols"),
  ],
  twin: twins.gatherRows,
});

/** `out[index[i], :] += x[i, :]`, in the order of i. */
export const scatterAddRows: Kernel<typeof twins.scatterAddRows> = defineKernel({
  name: "scatterAddRows",
  parameters: [
    input("x", ["count", "cols"]),
    indices("index", ["count"], rows),
    inout("out", ["entries"]),
    size("cols"),
  ],
  twin: twins.scatterAddRows,
});
