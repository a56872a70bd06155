/** How many steps make an epoch. @module */
import type { Dataset } from "./data.ts";
import { OptionError } from "../errors.ts";

/**
 * The number of steps in which all training examples are seen once; of those in the order `lanes`, all but the last few,
 * so that every batch is full.
 *
 * @param dataset the data set
 * @param batchSize examples a step, a whole number of at least 1
 * @throws {OptionError} for a data set of fewer lanes than a batch has rows
 */
export function stepsPerEpoch(dataset: Dataset, batchSize: number): number {
  const { count } = dataset.train;
  if (dataset.order !== "lanes") return Math.ceil(count / batchSize);
  if (batchSize <= count) return Math.floor(count / batchSize);
  throw new OptionError("batchSize", `at most ${count}, the number of pieces of ${dataset.name}`, batchSize);
}
