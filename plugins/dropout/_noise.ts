/** Multiplying by noise that is drawn again for the gradient, so that nothing is stored. @module */
import { customGradient, kernels, type Key, sameShape, sharedDraw, Tensor } from "../../core/mod.ts";

/** How noise is drawn along the axes that share it. */
export interface NoiseOptions {
  /** Axes along which one number is shared, as numbers of at least 0. */
  sharedAxes: readonly number[];
  /** Standard deviation of the noise. */
  deviation: number;
}

/** Normal noise of mean 1 that stretches to `x`; the first axis is the batch. */
function draw(x: Tensor, key: Key, { sharedAxes, deviation }: NoiseOptions): Tensor {
  const draw = sharedDraw(x.shape, key, sharedAxes);
  const noise = Tensor.normal(draw.shape, draw.key, x.floatType);
  kernels.unary("affine", noise.floats, noise.floats, deviation, 1);
  return noise;
}

function multiply(x: Tensor, key: Key, options: NoiseOptions): Tensor {
  const noise = draw(x, key, options);
  if (!sameShape(noise.shape, x.shape)) return x.mul(noise);
  // The product takes the noise's place.
  const plan = { dims: [x.size], a: [1], b: [1] };
  if (x.size > 0) kernels.binary("multiply", x.floats, noise.floats, noise.floats, plan);
  return noise;
}

/** `x N(1, deviation^2)`, with noise from the key. */
export function timesNormal(x: Tensor, key: Key, options: NoiseOptions): Tensor {
  return customGradient([x], ([x]) => multiply(x, key, options), (dy) => [multiply(dy, key, options)]);
}
