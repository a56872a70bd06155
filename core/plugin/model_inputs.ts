/** Inputs of a model: what they are to be, and zeros in their place. @module */
import { ShapeError, showShape } from "../errors.ts";
import type { Shape } from "../tensor/shape.ts";
import type { DType } from "../tensor/storage.ts";
import { type FloatType, Tensor } from "../tensor/tensor.ts";

/** One example of zeros, with extents of 1 where any is taken. */
export function zerosFor(
  shapes: readonly Shape[],
  inputType: DType | readonly DType[],
  dtype: FloatType,
): Tensor[] {
  return shapes.map((shape, i) =>
    Tensor.zeros(
      [1, ...shape.map((extent) => extent === -1 ? 1 : extent)],
      typeof inputType === "string" ? inputType : inputType[i] ?? dtype,
    )
  );
}

/**
 * The inputs of a call as a list.
 *
 * @throws {ShapeError} for another number of them, and one that is of another shape
 */
export function checkInputs(x: Tensor | readonly Tensor[], shapes: readonly Shape[]): readonly Tensor[] {
  const inputs = x instanceof Tensor ? [x] : x;
  if (inputs.length !== shapes.length) {
    throw new ShapeError(`model: expected ${shapes.length} inputs, found ${inputs.length}.`);
  }
  inputs.forEach((x, i) => {
    const shape = shapes[i];
    const batch = i === 0 ? "batch" : inputs[0].shape[0];
    const fits = x.rank === shape.length + 1 &&
      shape.every((extent, axis) => extent === -1 || extent === x.shape[axis + 1]);
    if (!fits || (i > 0 && x.shape[0] !== batch)) {
      const which = inputs.length === 1 ? "an input" : `input ${i}`;
      throw new ShapeError(
        `model: expected ${which} of shape [${
          [batch, ...shape.map((extent) => extent === -1 ? "any" : extent)].join(", ")
        }], found ${showShape(x.shape)}.`,
      );
    }
  });
  return inputs;
}
