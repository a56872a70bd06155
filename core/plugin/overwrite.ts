/** Putting saved numbers in the place of others. @module */
import { CheckpointError, showShape } from "../errors.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Overwrites tensors by those of the same names: all of them, or none.
 *
 * @throws {CheckpointError} when one is missing or has another shape; nothing has been changed then
 */
export function overwrite(mine: ReadonlyMap<string, Tensor>, saved: ReadonlyMap<string, Tensor>): void {
  for (const [name, tensor] of mine) {
    const found = saved.get(name);
    if (found === undefined || !sameShape(found.shape, tensor.shape)) {
      throw new CheckpointError(
        `The checkpoint is of another architecture: expected ${name} of shape ${showShape(tensor.shape)}, ` +
          `found ${found === undefined ? "none" : showShape(found.shape)}.`,
      );
    }
  }
  for (const [name, tensor] of mine) tensor.assign(saved.get(name)!);
}
