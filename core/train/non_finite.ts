/** Refusing numbers that are no numbers before they reach the weights. @module */
import { DivergenceError } from "../errors.ts";
import type { Parameter } from "../plugin/model.ts";
import { noGrad } from "../tensor/autograd.ts";
import { isSurelyFinite } from "../tensor/ops/gradient_product.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Throws unless all gradients are finite.
 *
 * @param gradients in the order of the parameters; null for none
 * @param parameters those that are trained, which are named in the error
 * @param step steps done before
 * @param lastLoss the last finite loss; null when there was none, undefined when nobody knows
 * @throws {DivergenceError}
 */
export function refuseNonFinite(
  gradients: readonly (Tensor | null)[],
  parameters: readonly Parameter[],
  step: number,
  lastLoss?: number | null,
): void {
  const wrong = gradients.findIndex((gradient) => gradient !== null && !allFinite(gradient));
  if (wrong < 0) return;
  const { name } = parameters[wrong];
  throw new DivergenceError(step + 1, `the gradient of ${name} is not finite`, lastLoss);
}

/** Whether all numbers are finite. A sum shows it at the price of one pass, unless finite numbers add up to infinity. */
function allFinite(tensor: Tensor): boolean {
  return isSurelyFinite(tensor) || Number.isFinite(noGrad(() => tensor.sum().item())) ||
    tensor.floats.every(Number.isFinite);
}
