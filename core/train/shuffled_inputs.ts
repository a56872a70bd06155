/** Foreign examples made of one's own. @module */
import type { Split } from "./data.ts";
import { Key } from "../random/key.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * Examples each of whose inputs is that of another example, drawn at random: every input by itself is as it ever was, and
 * nothing is left of what inputs have to do with each other. A model should be unsure of them.
 *
 * @param split the examples
 * @param seed a whole number in [0, 2^53). Default 0
 *
 * @example
 * ```ts
 * import { digits, loadDataset, shuffledInputs } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { test } = await loadDataset(digits({ train: 10, test: 50 }));
 * assertEquals(shuffledInputs(test).count, 50);
 * ```
 */
export function shuffledInputs(split: Split, seed: number = 0): Split {
  const { count } = split;
  const size = sizeOf(split.shape);
  const inputs = split.inputs.slice();
  const key = Key.seed(seed).at("shuffled-inputs");
  for (let input = 0; input < size; input++) {
    const numbers = Tensor.uniform([count], key.atStep(input)).floats;
    for (let example = 0; example < count; example++) {
      const other = Math.min(count - 1, Math.floor(numbers[example] * count));
      inputs[example * size + input] = split.inputs[other * size + input];
    }
  }
  return { ...split, inputs };
}
