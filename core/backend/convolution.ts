/** Convolutions over images, sequences and volumes. @module */
import { epilogues } from "./epilogue.ts";
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, code, field, input, optionalInput, output } from "./parameters.ts";
import * as twins from "./reference/convolution.ts";
import { windowFields, type WindowShape } from "./window.ts";

/**
 * A convolution. `x: [batch, groups * inputs, ...input]`, `weight: [groups * outputs, inputs, ...kernel]`,
 * `y: [batch, groups * outputs, ...output]`.
 */
export interface ConvolutionShape extends WindowShape {
  /** Number of examples. */
  readonly batch: number;
  /** Independent groups of channels. */
  readonly groups: number;
  /** Input channels of a group. */
  readonly inputs: number;
  /** Output channels of a group. */
  readonly outputs: number;
}

const shape = block<ConvolutionShape>("shape", {
  batch: field.size(),
  groups: field.size(1),
  inputs: field.size(1),
  outputs: field.size(1),
  ...windowFields,
});
const x = ["batch", "groups", "inputs", "input"];
const weight = ["groups", "outputs", "inputs", "kernel"];
const y = ["batch", "groups", "outputs", "output"];

/** `y = f(x * weight + bias)`, a cross-correlation as is usual; `bias: [groups * outputs]` or null. */
export const convolution: Kernel<typeof twins.convolution> = defineKernel({
  name: "convolution",
  parameters: [
    input("x", x),
    input("weight", weight),
    optionalInput("bias", ["groups", "outputs"]),
    output("y", y),
    code("epilogue", epilogues),
    shape,
  ],
  twin: twins.convolution,
});

/** Gradient of the sum without bias and activation towards `x`. */
export const convolutionInputGradient: Kernel<typeof twins.convolutionInputGradient> = defineKernel({
  name: "convolutionInputGradient",
  parameters: [input("dy", y), input("weight", weight), output("dx", x), shape],
  twin: twins.convolutionInputGradient,
});

/** Gradient of the sum without bias and activation towards the weight. */
export const convolutionWeightGradient: Kernel<typeof twins.convolutionWeightGradient> = defineKernel({
  name: "convolutionWeightGradient",
  parameters: [input("x", x), input("dy", y), output("dWeight", weight), shape],
  twin: twins.convolutionWeightGradient,
});
