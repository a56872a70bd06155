/**
 * What a model says of inputs: once, or averaged over Monte Carlo passes, and how sure it is.
 *
 * Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016,
 * equations (6) and (7): mean and variance over passes with dropout on. Srivastava et al., "Dropout: A Simple Way to
 * Prevent Neural Networks from Overfitting", JMLR 15 (2014), section 7.5 and figure 11: weight scaling beside Monte Carlo
 * averaging.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import { OptionError, refuseUnknown } from "../errors.ts";
import { Model } from "../plugin/model.ts";
import type { Progress } from "../plugin/plugin.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Rows } from "../random/rows.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { TargetUnits } from "./data.ts";
import { checkLevels } from "../uncertainty/quantiles.ts";
import { ClassBatch, Gathered, NumberBatch } from "./passes_of_batch.ts";
import { wholeNumber } from "./whole_number.ts";

const BATCH = 1000;

/** Passes that addresses tell apart. */
const MOST_PASSES = 2 ** 14;

/** Numbers of all passes over a batch that are kept at a time, where quantiles need them. */
const MOST_KEPT = 2 ** 23;

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

const optionNames: readonly (keyof PredictOptions)[] = [
  "samples",
  "sites",
  "seed",
  "batchSize",
  "softmax",
  "read",
  "noise",
  "units",
  "quantiles",
  "keepPasses",
  "weightScaling",
  "first",
  "examples",
  "carry",
  "progress",
];

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

/**
 * Runs a model on inputs and returns the mean and the variance over passes, in the model's element type; of classes and of
 * numbers with noise also what kind of uncertainty it is. They outlive the training step in which it may be called; no
 * gradients are recorded. Everything but quantiles, and the passes themselves, is summed up as passes come.
 *
 * @param model the model; or the members of an ensemble, whose passes count alike, those of the first member first
 * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
 * @throws {OptionError} for an option out of range
 * @throws {ShapeError} when the input does not fit the model
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, predict, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(3)]);
 * const model = buildModel(net, { inputShape: [4], seed: 1 });
 * const { mean, variance, mutualInformation } = predict(model, Tensor.ones([2, 4]), { samples: 20, softmax: true });
 * assertEquals(mean.shape, [2, 3]);
 * assert(Math.abs(mean.sum().item() - 2) < 1e-5); // probabilities of two examples
 * assert(variance.min().item() > 0); // the passes disagree
 * assertEquals(mutualInformation.shape, [2]); // how far, in nats
 * ```
 */
export function predict(
  model: Model | readonly Model[],
  x: Tensor | readonly Tensor[],
  options: PredictOptions & { softmax: true; read?: undefined },
): ClassificationPrediction;
/** Predicts numbers around which there is noise of a known variance. */
export function predict(
  model: Model | readonly Model[],
  x: Tensor | readonly Tensor[],
  options: PredictOptions & { noise: NonNullable<PredictOptions["noise"]>; softmax?: false },
): RegressionPrediction;
/** Predicts whatever a model gives. */
export function predict(
  model: Model | readonly Model[],
  x: Tensor | readonly Tensor[],
  options?: PredictOptions,
): Prediction;
export function predict(
  model: Model | readonly Model[],
  x: Tensor | readonly Tensor[],
  options: PredictOptions = {},
): Prediction {
  const members = model instanceof Model ? [model] : model;
  if (members.length === 0) throw new OptionError("predict: models", "at least one", members);
  refuseUnknown(options, optionNames, "predict");
  const samples = wholeNumber(options.samples ?? 0, 0, "predict: samples");
  if (samples > MOST_PASSES) {
    throw new OptionError("predict: samples", `a whole number in [0, ${MOST_PASSES}]`, samples);
  }
  const seed = wholeNumber(options.seed ?? 0, 0, "predict: seed");
  const first = wholeNumber(options.first ?? 0, 0, "predict: first");
  const asked = wholeNumber(options.batchSize ?? BATCH, 1, "predict: batchSize");
  const each = Math.max(samples, 1);
  const passes = members.length * each;
  const { carry, progress, examples, sites, keepPasses = false, weightScaling = false } = options;
  const levels = checkLevels(options.quantiles ?? [], "predict: quantiles");
  const { noise, units } = options;
  if (noise !== undefined && options.softmax) {
    throw new OptionError("predict: noise", "nothing with softmax: classes have no noise of their own", noise);
  }
  if (typeof noise === "number" && !(noise >= 0 && noise < Infinity)) {
    throw new OptionError("predict: noise", "a variance of at least 0", noise);
  }
  if (weightScaling && members.length > 1) {
    throw new OptionError("predict: weightScaling", "false for several models: it is what a single one says", true);
  }
  const states = passes + (weightScaling && samples > 0 ? 1 : 0);
  if (carry !== undefined && carry.length < states) {
    throw new OptionError("predict: carry", `a map for each of ${states} passes`, carry.length);
  }
  const inputs = x instanceof Tensor ? [x] : x;
  const count = inputs[0]?.shape[0] ?? 0;
  const batchSize = levels.length === 0 ? asked : Math.min(asked, rowsToKeep(members[0], inputs[0], passes));
  const size = carry === undefined ? batchSize : Math.max(count, 1);
  if (examples !== undefined && examples.length !== count) {
    throw new OptionError("predict: examples", `a number for each of ${count} examples`, examples.length);
  }
  const rowsOf = (from: number, to: number) => {
    if (examples === undefined) return Rows.range({ first: first + from, step: seed });
    return Rows.of(Array.from(examples).slice(from, to).map((sample) => ({ sample, step: seed })));
  };
  const classes = options.softmax === true && options.read === undefined;
  const keeps = keepPasses || levels.length > 0;
  const gathered = new Gathered(count, passes, members[0].dtype);
  // An empty batch is run too, for the shape of its output.
  for (let from = 0; from === 0 || from < count; from += size) {
    const to = Math.min(from + size, count);
    const begin = (): ClassBatch | NumberBatch =>
      classes ? new ClassBatch({ rows: to - from, keeps }) : new NumberBatch({
        rows: to - from,
        keeps,
        softmax: options.softmax === true,
        read: options.read,
        noise,
        units,
      });
    const batch = begin();
    const take = (outputs: Tensor) => batch.add(outputs);
    recycling(() =>
      noGrad(() => {
        const part = from === 0 && to === count ? inputs : inputs.map((input) => rows(input, from, to));
        const at = rowsOf(from, to);
        const evaluated = (model: Model, carry?: Map<string, Tensor>) =>
          model.forward(part, { mode: "eval", rows: at, carry, progress });
        members.forEach((model, member) => {
          if (samples === 0) return recycling(() => take(evaluated(model, carry?.[member])));
          if (carry === undefined) return model.sample(part, { passes: each, rows: at, progress, sites }, take);
          // States are carried for each pass by itself.
          for (let pass = 0; pass < each; pass++) {
            const own = carry[member * each + pass];
            const run = { mode: "sample", rows: at.atPass(pass), carry: own, progress, sites } as const;
            recycling(() => take(model.forward(part, run)));
          }
        });
        batch.gather(gathered, from, levels, keepPasses);
        if (!weightScaling) return;
        const scaled = begin();
        scaled.add(evaluated(members[0], samples === 0 ? undefined : carry?.[passes]));
        gathered.put("weightScaling", scaled.tail, from, scaled.latest);
      })
    );
  }
  const found = gathered.tensors();
  const list = (name: string) => levels.map((_, i) => found.get(`${name}.${i}`)!);
  return {
    ...Object.fromEntries([...found].filter(([name]) => !name.includes("."))),
    quantiles: list("quantiles"),
    ...(noise !== undefined && { predictiveQuantiles: list("predictiveQuantiles") }),
  } as unknown as Prediction;
}

/**
 * What each of several passes gives: `[passes, ...shape of what is averaged]`, in the model's element type. Pass t is the
 * same however many there are, and whatever else is in the batch.
 *
 * @param model the model
 * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
 * @param options as for {@linkcode predict}
 * @throws what {@linkcode predict} throws
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, samplesOf, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dropout({ rate: 0.5 }), dense(3)]), { inputShape: [4], seed: 1 });
 * const passes = samplesOf(model, Tensor.ones([2, 4]), { samples: 20, softmax: true });
 * assertEquals(passes.shape, [20, 2, 3]);
 * ```
 */
export function samplesOf(
  model: Model | readonly Model[],
  x: Tensor | readonly Tensor[],
  options: PredictOptions = {},
): Tensor {
  return predict(model, x, { ...options, keepPasses: true }).passes!;
}

/** How many rows at a time keep all their passes in a limited space. */
function rowsToKeep(model: Model, x: Tensor, passes: number): number {
  const built = sizeOf(model.inputShape.map((extent) => extent === -1 ? 1 : extent));
  const longer = Math.max(1, sizeOf(x.shape.slice(1)) / Math.max(1, built));
  const width = Math.max(1, sizeOf(model.outputShape)) * longer;
  return Math.max(1, Math.floor(MOST_KEPT / (passes * width)));
}

/** A copy of some rows, of numbers or indices. */
function rows(x: Tensor, from: number, to: number): Tensor {
  const width = sizeOf(x.shape.slice(1));
  const part = Tensor.empty([to - from, ...x.shape.slice(1)], x.dtype);
  part.storage.array.set(x.storage.array.subarray(from * width, to * width));
  return part;
}
