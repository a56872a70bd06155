/** A dense product with another mask on the weight for each example, with its gradient. @module */
import {
  decisionBits,
  keepProbability,
  type Key,
  rateThreshold,
  record,
  ShapeError,
  showShape,
  Tensor,
} from "../../../core/mod.ts";
import { dropConnectInputGradient, dropConnectProduct, dropConnectWeightGradient } from "./_kernels.ts";
import type { DropConnectShape } from "./_twins.ts";

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
  const threshold = rateThreshold(rate);
  const bits = decisionBits(threshold);
  const batch = x.shape[0];
  const shape: DropConnectShape = {
    batch,
    rows: x.shape.slice(1, -1).reduce((rows, extent) => rows * extent, 1),
    inputs,
    units,
    threshold: bits === 16 ? threshold / 65536 : threshold,
    bits,
    scale: inverted ? 1 / keepProbability(threshold) : 1,
  };
  const draw = key.draw(batch, units * inputs, bits);
  const out = Tensor.empty([...x.shape.slice(0, -1), units], x.dtype);
  dropConnectProduct(x.floats, weight.floats, out.floats, draw, shape);
  return record("dropConnect", [x, weight], out, (dy, needs) => {
    const dx = needs[0] ? Tensor.empty(x.shape, x.dtype) : null;
    const dWeight = needs[1] ? Tensor.empty(weight.shape, weight.dtype) : null;
    if (dx !== null) dropConnectInputGradient(weight.floats, dy.floats, dx.floats, draw, shape);
    if (dWeight !== null) dropConnectWeightGradient(x.floats, dy.floats, dWeight.floats, draw, shape);
    return [dx, dWeight];
  });
}
