/** What is found when a model is looked at. @module */
import type { AdviceSource } from "./_sources.ts";

export type { AdviceSource } from "./_sources.ts";

/** What kind of finding it is. */
export type FindingCode =
  | "output-dropped"
  | "before-batch-norm"
  | "strong-weight-decay"
  | "fresh-recurrent-masks"
  | "selu-without-alpha"
  | "alpha-without-selu"
  | "units-of-feature-maps"
  | "rate-above-usual"
  | "keep-probability"
  | "embedding-units"
  | "no-max-norm"
  | "narrow-layer"
  | "doubled-variant"
  | "nothing-drawn"
  | "passes-alike"
  | "few-blocks"
  | "level-depth";

/** One change to a configuration. */
export interface AdviceChange {
  /** Where: `model.3.rate`, `optimizer.weightDecay`. */
  readonly path: string;
  /** What stands there then; null takes it away. */
  readonly value: unknown;
}

/** Something that is wrong with a model's dropout, or might be better. */
export interface DropoutFinding {
  /** What kind it is. */
  readonly code: FindingCode;
  /** `fault`: it does harm, or nothing. `warning`: it mostly does harm. `hint`: another way is mostly better. */
  readonly severity: "fault" | "warning" | "hint";
  /** Where it stands, as in a configuration: `model.3`, `model.2.block.layers.1`, `optimizer`, `loss`. */
  readonly path: string;
  /** What is found there, in a sentence. */
  readonly problem: string;
  /** What to do, in a sentence. */
  readonly remedy: string;
  /** The changes that do it; empty where there is more than one way. */
  readonly changes: readonly AdviceChange[];
  /** Who says so. */
  readonly source: AdviceSource;
}
