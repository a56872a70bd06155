/** Takes a tensor apart along its first axis, with a gradient that is put together in one buffer. @module */
import { record } from "../autograd.ts";
import { ShapeError } from "../../errors.ts";
import { sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/**
 * The parts `x[0], x[1], ...` of a tensor, such as the steps of a sequence whose first axis is time: the inverse of
 * `Tensor.stack`. Their gradients are written to one buffer, so that n parts cost as much as one pass over `x`, where n
 * slices would cost n.
 *
 * @param x `[n, ...rest]`
 * @returns n tensors `[...rest]`
 *
 * @example
 * ```ts
 * import { Tensor, unstack } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const [first, second] = unstack(Tensor.of([[1, 2], [3, 4]]));
 * assertEquals(first.toArray(), [1, 2]);
 * assertEquals(second.toArray(), [3, 4]);
 * ```
 */
export function unstack(x: Tensor): Tensor[] {
  if (x.rank === 0) throw new ShapeError("unstack: expected at least one axis, found a scalar.");
  const [count, ...rest] = x.shape;
  const size = sizeOf(rest);
  let collected: Tensor | null = null;
  // An empty tensor stands between x and its parts: its turn comes when all parts have had theirs.
  const hub = record("unstack", [x], Tensor.empty([0], x.dtype), () => {
    const dx = collected ?? Tensor.zeros(x.shape, x.dtype);
    collected = null;
    return [dx];
  });
  return Array.from({ length: count }, (_, i) => {
    const part = Tensor.empty(rest, x.dtype);
    part.storage.array.set(x.storage.array.subarray(i * size, (i + 1) * size));
    return record("unstack", [hub], part, (dy) => {
      collected ??= Tensor.zeros(x.shape, x.dtype);
      collected.storage.array.set(dy.storage.array, i * size);
      return [Tensor.empty([0], x.dtype)];
    });
  });
}
