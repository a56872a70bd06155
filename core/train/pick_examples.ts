/** Some examples of a part. @module */
import type { Split } from "./data.ts";
import { OptionError } from "../errors.ts";
import { sizeOf } from "../tensor/shape.ts";

/**
 * Copies of some examples of a part with their labels or targets, in the order in which they are named: a smaller part, or
 * those that have labels so far.
 *
 * @param split the part
 * @param examples their numbers, each a whole number in [0, count); one may be named more than once
 * @throws {OptionError} for a number outside
 *
 * @example
 * ```ts
 * import { digits, loadDataset, pickExamples } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = await loadDataset(digits({ train: 50, test: 10 }));
 * const few = pickExamples(train, [7, 3]);
 * assertEquals([...few.labels!], [train.labels![7], train.labels![3]]);
 * ```
 */
export function pickExamples(split: Split, examples: ArrayLike<number>): Split {
  const { inputs, labels, targets } = split;
  const chosen = Array.from(examples);
  chosen.forEach((example, row) => {
    if (Number.isInteger(example) && example >= 0 && example < split.count) return;
    throw new OptionError(`examples.${row}`, `a whole number in [0, ${split.count})`, example);
  });
  const size = sizeOf(split.shape);
  const width = targets === undefined ? 0 : targets.length / split.count;
  const rows = <T extends { length: number; set(from: T, at: number): void; subarray(from: number, to: number): T }>(
    from: T,
    to: T,
    size: number,
  ): T => {
    chosen.forEach((example, row) => to.set(from.subarray(example * size, (example + 1) * size), row * size));
    return to;
  };
  const positions = split.labelsPerExample ?? 1;
  const count = chosen.length;
  return {
    ...split,
    count,
    inputs: inputs instanceof Float32Array
      ? rows(inputs, new Float32Array(count * size), size)
      : rows(inputs, new Uint8Array(count * size), size),
    ...(labels === undefined ? {} : { labels: rows(labels, new Int32Array(count * positions), positions) }),
    ...(targets === undefined ? {} : { targets: rows(targets, new Float32Array(count * width), width) }),
  };
}
