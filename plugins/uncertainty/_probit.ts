/** The mean of a softmax over normal logits, in closed form. @module */
import { Tensor } from "../../core/mod.ts";

/**
 * Logarithms of the approximation of the probabilities, up to their sum: see `LastLayerLaplace.probit`.
 *
 * @param mean `[examples, outputs]`
 * @param covariance `[examples, outputs, outputs]`
 */
export function probitLogits(mean: Tensor, covariance: Tensor): Tensor {
  const [count, units] = mean.shape;
  const [f, v] = [mean.storage.array, covariance.storage.array];
  const logits = new Float64Array(mean.size);
  const terms = new Float64Array(units);
  for (let row = 0; row < count; row++) {
    const at = (k: number, l: number) => v[(row * units + k) * units + l];
    for (let k = 0; k < units; k++) {
      let largest = 0;
      for (let l = 0; l < units; l++) {
        const variance = Math.max(0, at(k, k) + at(l, l) - 2 * at(k, l));
        terms[l] = (f[row * units + l] - f[row * units + k]) / Math.sqrt(1 + Math.PI / 8 * variance);
        largest = Math.max(largest, terms[l]);
      }
      const sum = terms.reduce((sum, term) => sum + Math.exp(term - largest), 0);
      logits[row * units + k] = -largest - Math.log(sum);
    }
  }
  return Tensor.from(logits, mean.shape, mean.floatType);
}
