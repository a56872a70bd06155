/** A bias and an activation in one pass. @module */
import { epilogues } from "./epilogue.ts";
import { defineKernel, type Kernel } from "./kernel.ts";
import { code, inout, input, number, optionalInput, optionalOutput, output, size } from "./parameters.ts";
import * as twins from "./reference/bias_activation.ts";

const elements = ["rows", "cols"];

/** In place: `x = f(x + bias)` for `x: [rows, cols]`, `bias: [cols]` or null. */
export const biasActivation: Kernel<typeof twins.biasActivation> = defineKernel({
  name: "biasActivation",
  parameters: [
    inout("x", elements),
    optionalInput("bias", ["cols"]),
    code("epilogue", epilogues),
    size("rows"),
    size("cols"),
  ],
  twin: twins.biasActivation,
});

/** `dx = dy f'(y)`, and `dBias = sum of dx over rows` unless null. */
export const biasActivationGradient: Kernel<typeof twins.biasActivationGradient> = defineKernel({
  name: "biasActivationGradient",
  parameters: [
    input("dy", elements),
    input("y", elements),
    output("dx", elements, { mayBe: ["dy"] }),
    optionalOutput("dBias", ["cols"]),
    code("epilogue", epilogues),
    size("rows"),
    size("cols"),
  ],
  twin: twins.biasActivationGradient,
});

/**
 * The gradient behind `rectifyMask`, which needs no draw: `dx = y > 0 ? a dy : 0`, since what is positive was kept and
 * active, and `dBias = sum of dx over rows` unless null.
 */
export const rectifyMaskGradient: Kernel<typeof twins.rectifyMaskGradient> = defineKernel({
  name: "rectifyMaskGradient",
  parameters: [
    input("dy", elements),
    input("y", elements),
    output("dx", elements, { mayBe: ["dy"] }),
    optionalOutput("dBias", ["cols"]),
    number("a"),
    size("rows"),
    size("cols"),
  ],
  twin: twins.rectifyMaskGradient,
});
