/** What all ways of judging predictions have in common. @module */
import type { Dataset, Split } from "./data.ts";
import type { Model } from "../plugin/model.ts";
import { isPredictor, type Member, type Predictor, predictorOf, type PredictorOptions } from "./predictor.ts";
import { wholeNumber } from "./whole_number.ts";

/** What both ways of judging are told. */
export interface JudgingOptions extends PredictorOptions {
  /** Which examples; default the test part. */
  split?: Split;
  /** Most examples that are run at a time, at least 1; no result depends on it. Default: up to 1000. */
  batchSize?: number;
}

/** Something that was not done, and why. */
export interface NotDone {
  /** Why, in a sentence. */
  readonly reason: string;
}

/** What can be judged: a model, several whose predictions are averaged, or another predictor. */
export type Judged = Model | readonly (Model | Member)[] | Predictor;

/** The names of {@linkcode JudgingOptions}. */
export const judgingKeys: readonly (keyof JudgingOptions)[] = ["samples", "seed", "progress", "split", "batchSize"];

/** Reads what is asked. */
export function askedOf(of: Judged, dataset: Dataset, options: JudgingOptions): Asked {
  const { split = dataset.test, samples, seed, progress } = options;
  const batchSize = options.batchSize === undefined ? undefined : wholeNumber(options.batchSize, 1, "batchSize");
  const predictor = isPredictor(of) ? of : predictorOf(of, { samples, seed, progress });
  return { predictor, dataset, split, batchSize };
}

/** What is to be judged, and on which examples. */
export interface Asked {
  readonly predictor: Predictor;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly batchSize: number | undefined;
}
