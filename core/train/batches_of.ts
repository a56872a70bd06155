/** The batches of an epoch, for a loop of one's own. @module */
import type { Batch } from "./batches.ts";
import type { Dataset } from "./data.ts";
import { refuseUnknown } from "../errors.ts";
import { Loader } from "./loader.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { stepsPerEpoch } from "./steps_per_epoch.ts";
import { wholeNumber } from "./whole_number.ts";

/** Which batches {@linkcode batchesOf} makes. */
export interface BatchesOptions {
  /** Which epoch, a whole number from 0: each has an order of its own. */
  epoch: number;
  /** Examples a batch, a whole number of at least 1; the last batch has those that are left. Default 128. */
  batchSize?: number;
  /** What the order and augmentations follow from: a whole number in [0, 2^53). Default 0. */
  seed?: number;
  /** What changes the examples of each batch, in this order. */
  augment?: readonly Plugin<"augmentation">[];
}

/**
 * The batches of an epoch, all training examples once, in an order that follows from the seed and the epoch: the same that
 * `fit` trains on. {@linkcode optimizerFor} shows the loop around it.
 *
 * @param dataset the data set, as `loadDataset` gives it
 * @throws {OptionError} for an option out of range
 *
 * @example
 * ```ts
 * import { batchesOf, digits, loadDataset } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 50, test: 10 }));
 * for (const { inputs, targets } of batchesOf(data, { epoch: 0, batchSize: 25, seed: 1 })) {
 *   assertEquals([inputs.shape, targets.shape], [[25, 784], [25]]);
 * }
 * ```
 */
export function batchesOf(dataset: Dataset, options: BatchesOptions): Iterable<Batch> {
  refuseUnknown(options, ["epoch", "batchSize", "seed", "augment"], "batchesOf");
  const epoch = wholeNumber(options.epoch, 0, "batchesOf: epoch");
  const batchSize = wholeNumber(options.batchSize ?? 128, 1, "batchesOf: batchSize");
  const seed = wholeNumber(options.seed ?? 0, 0, "batchesOf: seed");
  const steps = stepsPerEpoch(dataset, batchSize);
  const loader = new Loader(dataset, {
    batchSize,
    seed,
    stepsPerEpoch: steps,
    totalSteps: Infinity,
    augment: options.augment ?? [],
    prefetch: false,
  });
  return {
    *[Symbol.iterator]() {
      for (let step = epoch * steps; step < (epoch + 1) * steps; step++) yield loader.take(step);
    },
  };
}
