/** What predicting is told, and what it says. @module */
import type { Progress } from "../plugin/plugin.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { TargetUnits } from "./data.ts";

/** Options of {@linkcode predict}. */
export interface PredictOptions {
  /**
   * Number of Monte Carlo passes, in mode `sample`: from 1 to 16384, or 0 (the default) for one pass in mode `eval`. A
   * pass's number addresses its masks, so the first passes of a longer run are those of a shorter one.
   */
  samples?: number;
  /**
   * Which places of the model draw: regular expressions, of which one has to match a place's path, such as `^3$`; all others
   * are as in mode `eval`. Default: all that do. See {@linkcode Model.drawingSites}.
   */
  sites?: readonly string[];
  /** Which masks: a whole number in [0, 2^32). Another seed gives other masks of the same model. Default 0. */
  seed?: number;
  /** Most examples that are run at a time, at least 1. No mask depends on it. Default 1000. */
  batchSize?: number;
  /** Whether outputs are logits, whose softmax over the last axis is averaged. Default false. */
  softmax?: boolean;
  /** What is averaged, from the outputs of a pass (after `softmax`): batch first. Default the outputs themselves. */
  read?: (outputs: Tensor) => Tensor;
  /**
   * The variance of the noise in what is averaged: one number, such as 1 / tau for the precision tau of Gal and
   * Ghahramani, or what of the outputs of a pass says it, in the shape of what is averaged. Default: nobody says.
   */
  noise?: number | ((outputs: Tensor) => Tensor);
  /**
   * Units in which numbers are given, by the last axis: `value * deviation + mean`, and a noise that outputs say times
   * `deviation^2`; a noise that is one number is in these units already. Default: those of the outputs.
   */
  units?: TargetUnits;
  /** Levels, in [0, 1], of quantiles over the passes. Default none. */
  quantiles?: readonly number[];
  /** Whether what each pass gives is kept. Default false. */
  keepPasses?: boolean;
  /** Whether one pass in mode `eval`, by which dropout scales weights in place of averaging, stands beside. Default false. */
  weightScaling?: boolean;
  /** Number of the first example, when these are part of more: masks belong to an example's number, which is below 2^24. Default 0. */
  first?: number;
  /** The number of each example, where these do not follow each other; in place of `first`. */
  examples?: ArrayLike<number>;
  /**
   * State that recurrent layers carry from one call to the next: a map for each pass, empty at first, and one more for
   * `weightScaling`. All examples are then run at once.
   */
  carry?: readonly Map<string, Tensor>[];
  /** How far training has come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
}

/** Mean and variance over passes. */
export interface Prediction {
  /** The mean, of the shape of what is averaged. */
  readonly mean: Tensor;
  /** The variance, of the same shape: the mean squared distance from the mean; zeros for one pass. */
  readonly variance: Tensor;
  /** A quantile over the passes for each of the levels that were asked for, of the same shape. */
  readonly quantiles: readonly Tensor[];
  /** What each pass gives, `[passes, ...shape of the mean]`; only with `keepPasses`. */
  readonly passes?: Tensor;
  /** What one pass in mode `eval` gives, of the same shape; only with `weightScaling`. */
  readonly weightScaling?: Tensor;
}

/** What passes say of classes: see {@linkcode ClassUncertainty}. Shapes are `[batch, ..., classes]` or `[batch, ...]`. */
export interface ClassificationPrediction extends Prediction {
  /** Normalized geometric mean of the probabilities, `[batch, ..., classes]`. */
  readonly geometricMean: Tensor;
  /** Mean over passes of `p (1 - p)`, `[batch, ..., classes]`. */
  readonly aleatoric: Tensor;
  /** Variance over passes of `p`, the same as `variance`. */
  readonly epistemic: Tensor;
  /** `mean (1 - mean)`, the sum of both. */
  readonly total: Tensor;
  /** Entropy of the mean in nats, `[batch, ...]`. */
  readonly entropy: Tensor;
  /** Mean entropy of the passes in nats, `[batch, ...]`. */
  readonly expectedEntropy: Tensor;
  /** Mutual information of class and weights in nats (BALD), the difference of both, `[batch, ...]`. */
  readonly mutualInformation: Tensor;
  /** Share of passes whose most probable class is not that of most, `[batch, ...]`. */
  readonly variationRatio: Tensor;
}

/** What passes say of numbers whose noise is known. */
export interface RegressionPrediction extends Prediction {
  /** Mean over passes of the variance of the noise. */
  readonly aleatoric: Tensor;
  /** Variance over passes of the mean, the same as `variance`. */
  readonly epistemic: Tensor;
  /** The variance of what is predicted, the sum of both. */
  readonly total: Tensor;
  /** A quantile of what is predicted, passes and normal noise together, for each of the levels. */
  readonly predictiveQuantiles: readonly Tensor[];
}
