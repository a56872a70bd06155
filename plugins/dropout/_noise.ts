/** Noise, for variants that add it or multiply by it; what is multiplied by is drawn again for the gradient. @module */
import { customGradient, kernels, type Key, sameShape, sharedDraw, Tensor } from "../../core/mod.ts";

/** How noise is drawn along the axes that share it. */
export interface NoiseOptions {
  /** Axes along which one number is shared, as numbers of at least 0. */
  sharedAxes: readonly number[];
  /** Standard deviation of the noise. */
  deviation: number;
}

/** Draws noise in a shape that stretches to that of its argument. */
type Draw = (like: Tensor) => Tensor;

/** Normal noise in a shape that stretches to that of `x`; the first axis is the batch. */
export function normalNoise(x: Tensor, key: Key, { sharedAxes, deviation }: NoiseOptions, mean: number): Tensor {
  const draw = sharedDraw(x.shape, key, sharedAxes);
  const noise = Tensor.normal(draw.shape, draw.key, x.floatType);
  kernels.unary("affine", noise.floats, noise.floats, deviation, mean);
  return noise;
}

/** Noise from `U(1 - width, 1 + width)`. */
function uniformNoise(x: Tensor, key: Key, sharedAxes: readonly number[], width: number): Tensor {
  const draw = sharedDraw(x.shape, key, sharedAxes);
  const noise = Tensor.uniform(draw.shape, draw.key, x.floatType);
  kernels.unary("affine", noise.floats, noise.floats, 2 * width, 1 - width);
  return noise;
}

function multiply(x: Tensor, draw: Draw): Tensor {
  const noise = draw(x);
  if (!sameShape(noise.shape, x.shape)) return x.mul(noise);
  // The product takes the noise's place.
  const plan = { dims: [x.size], a: [1], b: [1] };
  if (x.size > 0) kernels.binary("multiply", x.floats, noise.floats, noise.floats, plan);
  return noise;
}

function times(x: Tensor, draw: Draw): Tensor {
  return customGradient([x], ([x]) => multiply(x, draw), (dy) => [multiply(dy, draw)]);
}

/** `x N(1, deviation^2)`, with noise from the key. */
export function timesNormal(x: Tensor, key: Key, options: NoiseOptions): Tensor {
  return times(x, (like) => normalNoise(like, key, options, 1));
}

/** `x U(1 - width, 1 + width)`, with noise from the key. */
export function timesUniform(x: Tensor, key: Key, sharedAxes: readonly number[], width: number): Tensor {
  return times(x, (like) => uniformNoise(like, key, sharedAxes, width));
}
