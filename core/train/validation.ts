/**
 * Holding back a part of the training examples, to choose settings by without a look at the test part.
 *
 * @module
 */
import type { Dataset } from "./data.ts";
import { OptionError } from "../errors.ts";
import { Key } from "../random/key.ts";
import { pickExamples } from "./pick_examples.ts";
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
  if (dataset.validation !== undefined) {
    throw new OptionError("validation", `none, because ${dataset.name} has a validation part of its own`, fraction);
  }
  const { train } = dataset;
  const key = dataset.order === "lanes" ? null : Key.seed(seed).at("validation");
  const { kept, held } = partExamples(train.count, fraction, key, "validation");
  return { ...dataset, train: pickExamples(train, kept), validation: pickExamples(train, held) };
}

/** Which examples stay, and which are held back; both in their order. */
export interface PartedExamples {
  /** Those to train on. */
  readonly kept: Uint32Array;
  /** Those that are held back. */
  readonly held: Uint32Array;
}

/**
 * Parts the numbers of examples, for a part that is held back. Each example has a random number at the key, and those with
 * the smallest are held back.
 *
 * @param count number of examples
 * @param fraction which part is held back, in (0, 1); rounded to a number of examples, at least 1
 * @param key where the random numbers lie; null: the last examples are held back
 * @param path the option that asks for it, for errors
 * @throws {OptionError} for another fraction, or one that leaves no example to train on
 */
export function partExamples(count: number, fraction: number, key: Key | null, path: string): PartedExamples {
  if (!(typeof fraction === "number" && fraction > 0 && fraction < 1)) {
    throw new OptionError(path, "a number between 0 and 1, both excluded", fraction);
  }
  const held = Math.max(1, Math.round(count * fraction));
  if (held >= count) {
    throw new OptionError(path, `a part that leaves some of ${count} examples to train on`, fraction);
  }
  const isHeld = key === null ? lastOnes(count, held) : drawn(count, held, key);
  const all = Uint32Array.from({ length: count }, (_, example) => example);
  return { kept: all.filter((example) => !isHeld[example]), held: all.filter((example) => isHeld[example]) };
}

function lastOnes(count: number, held: number): boolean[] {
  return Array.from({ length: count }, (_, example) => example >= count - held);
}

/** The examples with the smallest random numbers; the first among equals. */
function drawn(count: number, held: number, key: Key): boolean[] {
  const numbers = Tensor.uniform([count], key).floats;
  const order = Array.from({ length: count }, (_, example) => example)
    .sort((a, b) => numbers[a] - numbers[b] || a - b);
  const isHeld = new Array<boolean>(count).fill(false);
  for (const example of order.slice(0, held)) isHeld[example] = true;
  return isHeld;
}
