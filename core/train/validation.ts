/**
 * Holding back a part of the training examples, to choose settings by without a look at the test part.
 *
 * @module
 */
import type { Dataset, Split } from "./data.ts";
import { OptionError } from "../errors.ts";
import { Key } from "../random/key.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * The data set with a part of its training examples as its validation part. Each training example has a random number,
 * addressed by the seed and its index, and those with the smallest are held back; so the part depends on nothing but the
 * seed, the fraction and the number of examples. Of a data set in the order `lanes`, whose examples are one sequence, the
 * last ones are held back. Both parts keep the order of the examples.
 *
 * @param dataset a data set without a validation part of its own
 * @param fraction which part of the training examples, in (0, 1); rounded to a number of examples, at least 1
 * @param seed a whole number in [0, 2^53)
 * @throws {OptionError} for another fraction, one that leaves no example to train on, or a part that is there already
 *
 * @example
 * ```ts
 * import { digits, holdBack, loadDataset } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, validation } = holdBack(await loadDataset(digits({ train: 50, test: 10 })), 0.1, 1);
 * assertEquals([train.count, validation!.count], [45, 5]);
 * ```
 */
export function holdBack(dataset: Dataset, fraction: number, seed: number): Dataset {
  if (!(typeof fraction === "number" && fraction > 0 && fraction < 1)) {
    throw new OptionError("validation", "a number between 0 and 1, both excluded", fraction);
  }
  if (dataset.validation !== undefined) {
    throw new OptionError("validation", `none, because ${dataset.name} has a validation part of its own`, fraction);
  }
  const { train } = dataset;
  const held = Math.max(1, Math.round(train.count * fraction));
  if (held >= train.count) {
    throw new OptionError("validation", `a part that leaves some of ${train.count} examples to train on`, fraction);
  }
  const isHeld = dataset.order === "lanes" ? lastOnes(train.count, held) : drawn(train.count, held, seed);
  const all = Uint32Array.from({ length: train.count }, (_, example) => example);
  return {
    ...dataset,
    train: pick(train, all.filter((example) => !isHeld[example])),
    validation: pick(train, all.filter((example) => isHeld[example])),
  };
}

function lastOnes(count: number, held: number): boolean[] {
  return Array.from({ length: count }, (_, example) => example >= count - held);
}

/** The examples with the smallest random numbers; the first among equals. */
function drawn(count: number, held: number, seed: number): boolean[] {
  const numbers = Tensor.uniform([count], Key.seed(seed).at("validation")).floats;
  const order = Array.from({ length: count }, (_, example) => example)
    .sort((a, b) => numbers[a] - numbers[b] || a - b);
  const isHeld = new Array<boolean>(count).fill(false);
  for (const example of order.slice(0, held)) isHeld[example] = true;
  return isHeld;
}

/** Copies of some examples. */
function pick(split: Split, examples: Uint32Array): Split {
  const { inputs, labels, targets } = split;
  const size = sizeOf(split.shape);
  const width = targets === undefined ? 0 : targets.length / split.count;
  const rows = <T extends { length: number; set(from: T, at: number): void; subarray(from: number, to: number): T }>(
    from: T,
    to: T,
    size: number,
  ): T => {
    examples.forEach((example, row) => to.set(from.subarray(example * size, (example + 1) * size), row * size));
    return to;
  };
  const positions = split.labelsPerExample ?? 1;
  const count = examples.length;
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
