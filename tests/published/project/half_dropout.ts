/** A variant with a kernel in C, as a user of the package writes it. @module */
import {
  defineKernel,
  definePlugin,
  type Factory,
  type Kernel,
  parameters,
  rateSchema,
  record,
  Tensor,
} from "@thinned/dropout";
import { z } from "zod";
import text from "./half_dropout.c" with { type: "text" };

const { input, number, output } = parameters;
const source = { file: "half_dropout.c", text };

const halfScale = defineKernel({
  name: "halfScale",
  parameters: [input("x", ["n"]), output("out", ["n"]), number("factor")],
  twin: (x, out, factor) => {
    for (let i = 0; i < x.length; i++) out[i] = x[i] * factor;
  },
  source,
});

const halfOrigin = defineKernel({
  name: "halfOrigin",
  parameters: [output("out", ["n"])],
  twin: (out) => void out.fill(0),
  source,
});

function half(x: Tensor): Tensor {
  const out = Tensor.empty(x.shape, x.dtype);
  halfScale(x.floats, out.floats, 0.5);
  return record("half", [x], out, (dy) => [half(dy)]);
}

/** What computes the kernels: C, or their twins. */
export function origin(): string {
  const out = new Float32Array(1);
  halfOrigin(out);
  return out[0] === 1 ? "C" : "TypeScript";
}

/** The kernels in `half_dropout.c`. */
export const kernels: readonly Kernel[] = [halfScale, halfOrigin];

/** Dropout, and half of what is left. */
export const halfDropout: Factory<"activation", { rate?: number }> = definePlugin({
  name: "half-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  kernels,
  activation: (x, { mode, key, options }) => half(mode === "eval" ? x : x.dropout(key, options.rate)),
});
