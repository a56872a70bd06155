/** A dense product with another mask on the weight for each example, with its gradient. @module */
import { keepProbability, type Key, rateThreshold, ShapeError, showShape, Tensor } from "../../core/mod.ts";

/**
 * `x (M * W)^T` with a mask M for each example, which all its rows share; no mask is ever in memory.
 *
 * @param x `[batch, ..., inputs]`
 * @param weight `[units, inputs]`
 * @param key where the masks lie; the same as those of `Tensor.bernoulli([batch, units, inputs], key, rate)`
 * @param rate probability of dropping a connection, in (0, 1)
 * @param inverted whether kept weights are divided by the keep probability
 */
export function exampleProduct(x: Tensor, weight: Tensor, key: Key, rate: number, inverted: boolean): Tensor {
  const [units, inputs] = weight.shape;
  if (x.rank < 2 || x.shape[x.rank - 1] !== inputs) {
    throw new ShapeError(`expected an input [batch, ..., ${inputs}], found ${showShape(x.shape)}.`);
  }
  const scale = inverted ? 1 / keepProbability(rateThreshold(rate)) : 1;
  const batch = x.shape[0];
  const masks = Tensor.bernoulli([batch, units, inputs], key, rate, scale, x.floatType);
  const rows = x.reshape([batch, x.shape.slice(1, -1).reduce((all, extent) => all * extent, 1), inputs]);
  return rows.matmul(weight.mul(masks), { transposeB: true }).reshape([...x.shape.slice(0, -1), units]);
}
