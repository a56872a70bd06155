/**
 * A test helper: compares the gradients of a function with central differences.
 *
 * @module
 */
import { gradients, Key, noGrad, OptionError, Tensor, ThinnedError } from "../core/mod.ts";

/** A gradient that differs from what central differences give. */
export class GradientError extends ThinnedError {}

/** Settings of {@linkcode checkGradient}. */
export interface GradientCheckOptions {
  /**
   * Largest difference allowed, relative to the largest entry of the input's gradient (or to 0.001, if that is larger).
   * Default 1e-6.
   */
  tolerance?: number;
  /** What the random upstream gradient follows from: a whole number in [0, 2^53). Default 0. */
  seed?: number;
  /** Tensors that `f` uses beside its inputs, such as a model's parameters: checked too, and left as they were. */
  parameters?: readonly Tensor[];
}

/** Where an entry stands, from its number in row-major order. */
function position(flat: number, shape: readonly number[]): string {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at.unshift(flat % shape[axis]);
    flat = Math.floor(flat / shape[axis]);
  }
  return `[${at.join(", ")}]`;
}

/**
 * Throws unless the gradients of `f` agree with central differences at the given point.
 *
 * @param f any composition of ops; must give the same for the same inputs, so draws need a fixed key
 * @param inputs the point, float64; it should lie at least 1e-4 away from kinks
 * @throws {GradientError} naming the input, the position, and both values
 *
 * @example
 * ```ts
 * import { Tensor } from "@thinned/dropout";
 * import { checkGradient } from "@thinned/dropout/testing";
 *
 * checkGradient(([x]) => x.square().sin(), [Tensor.of([0.5, -1.25], "float64")]);
 * ```
 */
export function checkGradient(
  f: (inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradientCheckOptions = {},
): void {
  const { tolerance = 1e-6, seed = 0, parameters = [] } = options;
  const nameOf = (i: number) => i < inputs.length ? `input ${i}` : `parameter ${i - inputs.length}`;
  [...inputs, ...parameters].forEach((input, i) => {
    if (input.dtype !== "float64") throw new OptionError(nameOf(i), "a float64 tensor", input.dtype);
  });
  const leaves = inputs.map((input) => input.clone().withGradient());
  const points = [...leaves, ...parameters];
  const output = f([...leaves]);
  if (output.dtype !== "float64") throw new OptionError("f", "a float64 output", output.dtype);
  const upstream = Tensor.normal(output.shape, Key.seed(seed).at("checkGradient"), "float64");
  if (!output.requiresGradient) {
    throw new GradientError("checkGradient: the output does not depend on any input through ops that have gradients.");
  }
  const found = gradients(output, points, upstream);
  const project = () => noGrad(() => f([...leaves]).mul(upstream).sum().item());
  points.forEach((point, i) => {
    const values = point.floats;
    const expected = Array.from(values, (value, at) => {
      // A step near the cube root of the rounding error balances it against the cubic term, and is exact in binary.
      const step = 2 ** -17 * Math.max(1, 2 ** Math.round(Math.log2(Math.abs(value) || 1)));
      values[at] = value + step;
      const above = project();
      values[at] = value - step;
      const below = project();
      values[at] = value;
      return (above - below) / (2 * step);
    });
    const size = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0.001);
    expected.forEach((value, at) => {
      const difference = Math.abs(found[i].floats[at] - value) / size;
      if (difference <= tolerance) return;
      throw new GradientError(
        `checkGradient: ${nameOf(i)}, position ${position(at, point.shape)}: the gradient is ` +
          `${found[i].floats[at]}, central differences give ${value}; they differ by ${difference} of the largest ` +
          `entry, more than ${tolerance} (seed ${seed}).`,
      );
    });
  });
}
