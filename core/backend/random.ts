/**
 * The kernels that draw. Element j of row r has the random number at position `draw.offset + j` of the row that the
 * draw's table names; an element is dropped iff its number, of 16 or 32 bits, is below the threshold. So one call serves
 * rows of any examples, steps and passes side by side.
 *
 * @module
 */
import { defineKernel, type Kernel } from "./kernel.ts";
import { draw, inout, input, number, oneOf, optionalInput, output, size } from "./parameters.ts";
import * as twins from "./reference/random.ts";

const elements = ["rows", "cols"];
const threshold = size("threshold", { max: 2 ** 32 - 1 });
const bits = oneOf("bits", [16, 32]);
const decision = { bits: "bits", threshold: "threshold" };

/** `out = kept ? a x + b : c`: selected, so that a dropped infinity or NaN gives c. `a x` exactly where b is 0. */
export const mask: Kernel<typeof twins.mask> = defineKernel({
  name: "mask",
  parameters: [
    input("x", elements),
    output("out", elements, { mayBe: ["x"] }),
    draw("draw", "rows", ["cols"], decision),
    size("rows"),
    size("cols"),
    threshold,
    bits,
    number("a"),
    number("b"),
    number("c"),
  ],
  twin: twins.mask,
});

/** `out = kept ? a x : other`. */
export const select: Kernel<typeof twins.select> = defineKernel({
  name: "select",
  parameters: [
    input("x", elements),
    input("other", elements),
    output("out", elements, { mayBe: ["x", "other"] }),
    draw("draw", "rows", ["cols"], decision),
    size("rows"),
    size("cols"),
    threshold,
    bits,
    number("a"),
  ],
  twin: twins.select,
});

/**
 * In place: `x = kept ? a max(x + bias, 0) : 0` for `x: [rows, steps, units]`, `bias: [units]` or null, where a row of the
 * draw has `steps units` elements: what stands behind a product in one pass.
 */
export const rectifyMask: Kernel<typeof twins.rectifyMask> = defineKernel({
  name: "rectifyMask",
  parameters: [
    inout("x", ["rows", "steps", "units"]),
    optionalInput("bias", ["units"]),
    draw("draw", "rows", ["steps", "units"], decision),
    size("rows"),
    size("steps"),
    size("units"),
    threshold,
    bits,
    number("a"),
  ],
  twin: twins.rectifyMask,
});

/** `out = other + (kept ? a x : 0)`: a shortcut beside a branch whose output is masked. */
export const maskAdd: Kernel<typeof twins.maskAdd> = defineKernel({
  name: "maskAdd",
  parameters: [
    input("x", elements),
    input("other", elements),
    output("out", elements, { mayBe: ["x", "other"] }),
    draw("draw", "rows", ["cols"], decision),
    size("rows"),
    size("cols"),
    threshold,
    bits,
    number("a"),
  ],
  twin: twins.maskAdd,
});

/** `out = kept ? value : 0`. */
export const bernoulli: Kernel<typeof twins.bernoulli> = defineKernel({
  name: "bernoulli",
  parameters: [
    output("out", elements),
    draw("draw", "rows", ["cols"], decision),
    size("rows"),
    size("cols"),
    threshold,
    bits,
    number("value"),
  ],
  twin: twins.bernoulli,
});

/** Uniform in (0, 1): odd multiples of 2^-24. */
export const uniform: Kernel<typeof twins.uniform> = defineKernel({
  name: "uniform",
  parameters: [output("out", elements), draw("draw", "rows", ["cols"]), size("rows"), size("cols")],
  twin: twins.uniform,
});

/** Standard normal in (-6.4, 6.4). */
export const normal: Kernel<typeof twins.normal> = defineKernel({
  name: "normal",
  parameters: [output("out", elements), draw("draw", "rows", ["cols"]), size("rows"), size("cols")],
  twin: twins.normal,
});
