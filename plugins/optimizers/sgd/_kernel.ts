/** The kernel of an SGD update. @module */
import { defineUpdate, type Floats, parameters, type UpdateKernel } from "../../../core/mod.ts";
import text from "./sgd.c" with { type: "text" };

const { block, field, inout, input, optionalInout } = parameters;

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

/** SGD in place. PyTorch's convention: the learning rate multiplies the velocity. */
function twin(weight: Floats, gradient: Floats, velocity: Floats | null, settings: SgdSettings): void {
  const { learningRate, momentum, dampening, nesterov, weightDecay, first } = settings;
  for (let i = 0; i < weight.length; i++) {
    let g = gradient[i] + weightDecay * weight[i];
    if (velocity !== null) {
      const v = first ? g : momentum * velocity[i] + (1 - dampening) * g;
      velocity[i] = v;
      g = nesterov ? g + momentum * v : v;
    }
    weight[i] -= learningRate * g;
  }
}

/** SGD in place; `velocity` is null without momentum. */
export const sgdKernel: UpdateKernel<typeof twin> = defineUpdate({
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
  twin,
  source: { file: "sgd.c", text },
});
