/** The optimizers' updates and the max-norm projection, plain. @module */
import type { Floats } from "../arrays.ts";
import type { AdamSettings, SgdSettings } from "../optimize.ts";

/** SGD in place. PyTorch's convention: the learning rate multiplies the velocity. */
export function sgd(weight: Floats, gradient: Floats, velocity: Floats | null, settings: SgdSettings): void {
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

/** Adam or AdamW in place. */
export function adam(weight: Floats, gradient: Floats, first: Floats, second: Floats, settings: AdamSettings): void {
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

/** Shrinks long rows to length `max`. */
export function maxNorm(weight: Floats, rows: number, cols: number, max: number): void {
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += weight[r * cols + c] ** 2;
    const norm = Math.sqrt(sum);
    if (norm <= max) continue;
    for (let c = 0; c < cols; c++) weight[r * cols + c] *= max / norm;
  }
}
