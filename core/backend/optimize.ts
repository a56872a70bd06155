/** The optimizers' updates and the max-norm projection. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, inout, input, number, optionalInout, size } from "./parameters.ts";
import * as twins from "./reference/optimize.ts";

/** Settings of one SGD update. */
export interface SgdSettings {
  /** Learning rate. */
  readonly learningRate: number;
  /** Momentum in [0, 1); the velocity is `v = momentum v + (1 - dampening) g`. */
  readonly momentum: number;
  /** Dampening of the gradient in the velocity. */
  readonly dampening: number;
  /** Nesterov's form: step along `g + momentum v`. */
  readonly nesterov: boolean;
  /** L2 penalty: `g += weightDecay w` first. */
  readonly weightDecay: number;
  /** Whether this is the parameter's first update: the velocity starts as the gradient itself, undampened. */
  readonly first: boolean;
}

/** Settings of one Adam or AdamW update. */
export interface AdamSettings {
  /** Learning rate. */
  readonly learningRate: number;
  /** Decay of the first moment. */
  readonly beta1: number;
  /** Decay of the second moment. */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** Weight decay. */
  readonly weightDecay: number;
  /** AdamW: the decay acts on the weight, not through the gradient. */
  readonly decoupled: boolean;
  /** Number of this update, from 1. */
  readonly iteration: number;
}

/** SGD in place; `velocity` is null without momentum. */
export const sgd: Kernel<typeof twins.sgd> = defineKernel({
  name: "sgd",
  parameters: [
    inout("weight", ["n"]),
    input("gradient", ["n"]),
    optionalInout("velocity", ["n"]),
    block<SgdSettings>("settings", {
      learningRate: field.number,
      momentum: field.number,
      dampening: field.number,
      nesterov: field.flag,
      weightDecay: field.number,
      first: field.flag,
    }),
  ],
  twin: twins.sgd,
});

/** Adam in place on the weight and both moments. */
export const adam: Kernel<typeof twins.adam> = defineKernel({
  name: "adam",
  parameters: [
    inout("weight", ["n"]),
    input("gradient", ["n"]),
    inout("first", ["n"]),
    inout("second", ["n"]),
    block<AdamSettings>("settings", {
      learningRate: field.number,
      beta1: field.number,
      beta2: field.number,
      epsilon: field.number,
      weightDecay: field.number,
      decoupled: field.flag,
      iteration: field.size(1),
    }),
  ],
  twin: twins.adam,
});

/** In place: each row of `weight: [rows, cols]` is shrunk to length `max` if it is longer. */
export const maxNorm: Kernel<typeof twins.maxNorm> = defineKernel({
  name: "maxNorm",
  parameters: [inout("weight", ["rows", "cols"]), size("rows"), size("cols"), number("max")],
  twin: twins.maxNorm,
});
