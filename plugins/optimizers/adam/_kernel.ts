/** The kernel of an Adam or AdamW update. @module */
import { defineUpdate, type Floats, parameters, type UpdateKernel } from "../../../core/mod.ts";
import text from "./adam.c" with { type: "text" };

const { block, field, inout, input } = parameters;

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

/** Adam or AdamW in place. */
function twin(weight: Floats, gradient: Floats, first: Floats, second: Floats, settings: AdamSettings): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay, decoupled, iteration } = settings;
  const correction1 = 1 - beta1 ** iteration;
  const correction2 = Math.sqrt(1 - beta2 ** iteration);
  for (let i = 0; i < weight.length; i++) {
    const w = decoupled ? weight[i] * (1 - learningRate * weightDecay) : weight[i];
    const g = decoupled ? gradient[i] : gradient[i] + weightDecay * w;
    const m = beta1 * first[i] + (1 - beta1) * g;
    const v = beta2 * second[i] + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = w - learningRate / correction1 * m / (Math.sqrt(v) / correction2 + epsilon);
  }
}

/** Adam in place on the weight and both moments. */
export const adamKernel: UpdateKernel<typeof twin> = defineUpdate({
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
  twin,
  source: { file: "adam.c", text },
});
