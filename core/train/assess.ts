/**
 * Judging predictions: not only how often they are right, but what their probabilities are worth.
 *
 * @module
 */
import type { Dataset, Split } from "./data.ts";
import { defaultLoss } from "./default_loss.ts";
import { OptionError, refuseUnknown, ShapeError, showShape } from "../errors.ts";
import { gatherClasses, gatherNumbers } from "./gather_passes.ts";
import { Model } from "../plugin/model.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { type Member, type Predictor, predictorOf, type PredictorOptions } from "./predictor.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { ClassPredictions } from "../uncertainty/class_predictions.ts";
import {
  type ClassScores,
  classScores,
  type ForeignScores,
  foreignScores,
  tempered,
} from "../uncertainty/class_scores.ts";
import { fitNoise, meanError, type NumberScores, numberScores } from "../uncertainty/number_scores.ts";
import { type FittedTemperature, fitTemperature } from "../uncertainty/temperature.ts";
import { wholeNumber } from "./whole_number.ts";

/** What both ways of judging are told. */
export interface JudgingOptions extends PredictorOptions {
  /** Which examples; default the test part. */
  split?: Split;
  /** Most examples that are run at a time, at least 1; no result depends on it. Default: up to 1000. */
  batchSize?: number;
}

/** Options of {@linkcode assessClassification}. */
export interface AssessClassificationOptions extends JudgingOptions {
  /** Examples of another kind, which the model should be unsure of: inputs of the same size. Default none. */
  foreign?: Split;
  /** Bins of the reliability diagrams, at least 1. Default 15. */
  bins?: number;
}

/** Options of {@linkcode assessRegression}. */
export interface AssessRegressionOptions extends JudgingOptions {
  /** The loss, which says what of the outputs is a prediction. Default: all of them. */
  loss?: Plugin<"loss">;
  /**
   * The variance of the noise around each output, in the targets' units. Default: what the model says itself, where the loss
   * is one for that, such as `gaussian-nll`; else that with the greatest likelihood on the validation part.
   */
  noise?: number | readonly number[];
}

/** Something that was not done, and why. */
export interface NotDone {
  /** Why, in a sentence. */
  readonly reason: string;
}

/** A temperature that was fitted, and the scores with it. */
export interface TemperatureScores extends FittedTemperature {
  /** Number of validation examples that it was fitted on. */
  readonly validationExamples: number;
  /** The scores of the same examples at that temperature. */
  readonly scores: ClassScores;
}

/** What predictions of classes are worth. */
export interface ClassAssessment {
  /** Number of examples, or of their positions, where each has a class. */
  readonly examples: number;
  /** Number of passes that were averaged, over all models. */
  readonly passes: number;
  /** The scores. */
  readonly scores: ClassScores;
  /** Temperature scaling, fitted on the validation part. */
  readonly temperature: TemperatureScores | NotDone;
  /** How well foreign examples are spotted; only where there are some. */
  readonly foreign?: ForeignScores;
}

/** The noise around predictions. */
export interface KnownNoise {
  /** Its variance for each output, in the targets' units; of a model that says it, the mean over examples and passes. */
  readonly variance: readonly number[];
  /** Who says it: the caller, the model itself, or the likelihood on the validation part. */
  readonly from: "given" | "model" | "validation";
}

/** What predictions of numbers are worth. */
export interface NumberAssessment {
  /** Number of examples. */
  readonly examples: number;
  /** Number of passes that were averaged, over all models. */
  readonly passes: number;
  /** The root of the mean squared error of the mean, in the targets' units. */
  readonly error: number;
  /** The variance of the noise around each output, and who says it. */
  readonly noise: KnownNoise | NotDone;
  /** The scores; undefined where the noise is not known, without which nothing is predicted but a mean. */
  readonly scores?: NumberScores;
}

const common: readonly (keyof JudgingOptions)[] = ["samples", "seed", "progress", "split", "batchSize"];

/** What can be judged: a model, several whose predictions are averaged, or another predictor. */
export type Judged = Model | readonly (Model | Member)[] | Predictor;

/**
 * Judges predictions of classes on examples with known answers: error, negative log-likelihood, Brier score, calibration,
 * selective prediction. On the data's validation part a temperature is fitted, and everything is given at that one too.
 *
 * @param of a model, several whose predictions are averaged, or another predictor
 * @param dataset the data, with a validation part where a temperature is to be fitted
 * @param options which examples, and how
 * @throws {OptionError} for an option out of range, and data without classes
 * @throws {ShapeError} when the model's outputs do not fit the data, or foreign examples do not fit the model
 *
 * @example
 * ```ts
 * import { adam, assessClassification, dense, digits, dropout, fit, holdBack } from "@thinned/dropout";
 * import { loadDataset, relu, sequential } from "@thinned/dropout";
 *
 * const data = holdBack(await loadDataset(digits({ train: 200, test: 100 })), 0.2, 1);
 * const net = sequential([dense(32), relu(), dropout({ rate: 0.5 }), dense(10)]);
 * const { model } = await fit(net, { data, optimizer: adam(), epochs: 3 });
 * const { scores, temperature } = assessClassification(model, data, { samples: 20 });
 * console.log(scores.calibration.width.expectedError);
 * if ("scores" in temperature) console.log(temperature.temperature, temperature.scores.negativeLogLikelihood);
 * ```
 */
export function assessClassification(
  of: Judged,
  dataset: Dataset,
  options: AssessClassificationOptions = {},
): ClassAssessment {
  refuseUnknown(options, [...common, "foreign", "bins"], "assessClassification");
  const { foreign, bins = 15 } = options;
  wholeNumber(bins, 1, "bins");
  if (dataset.classes === 0) throw new OptionError("dataset", "one with classes", dataset.name);
  const asked = askedOf(of, dataset, options);
  const own = gatherClasses(asked);
  return {
    examples: own.count,
    passes: asked.predictor.passes,
    scores: classScores(own, asked.split.labels!, bins),
    temperature: temperatureOf(asked, own, bins),
    ...(foreign && { foreign: foreignScores(own, gatherForeign(asked, foreign)) }),
  };
}

/**
 * Judges predictions of numbers on examples with known answers: the root mean squared error, and with the noise, given or
 * fitted on the validation part, the negative log-likelihood, coverage of intervals and calibration of quantiles. What is
 * predicted is an even mixture of normal distributions, one for each pass.
 *
 * @param of a model, several whose predictions are averaged, or another predictor
 * @param dataset the data, with a validation part where the noise is to be fitted
 * @param options which examples, and how
 * @throws {OptionError} for an option out of range, and data with classes
 * @throws {ShapeError} when the model's outputs do not fit the data
 *
 * @example
 * ```ts
 * import { arrays, assessRegression, buildModel, dense, dropout, loadDataset, sequential } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const data = await loadDataset(arrays({ train: [[[1], [2], [3], [4]], [1.5, 2, 2.5, 4.5]], test: 0.5 }));
 * const model = buildModel(sequential([dropout({ rate: 0.1 }), dense(1)]), { inputShape: [1], seed: 1 });
 * const { error, scores } = assessRegression(model, data, { samples: 20, noise: 0.25 });
 * assert(error > 0 && scores!.deviation > 0.5); // noise, and what the passes differ
 * ```
 */
export function assessRegression(
  of: Judged,
  dataset: Dataset,
  options: AssessRegressionOptions = {},
): NumberAssessment {
  refuseUnknown(options, [...common, "loss", "noise"], "assessRegression");
  if (dataset.classes > 0) throw new OptionError("dataset", "one with numbers to predict", dataset.name);
  return numbers(askedOf(of, dataset, options), options.loss ?? defaultLoss(dataset), options.noise);
}

function askedOf(of: Judged, dataset: Dataset, options: JudgingOptions): Asked {
  const { split = dataset.test, samples, seed, progress } = options;
  const batchSize = options.batchSize === undefined ? undefined : wholeNumber(options.batchSize, 1, "batchSize");
  const predictor = isPredictor(of) ? of : predictorOf(of, { samples, seed, progress });
  return { predictor, dataset, split, batchSize };
}

interface Asked {
  readonly predictor: Predictor;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly batchSize: number | undefined;
}

function isPredictor(of: Judged): of is Predictor {
  return !(of instanceof Model) && !Array.isArray(of);
}

/** Logarithms that a fit can work with: those of probabilities that are exactly 0 are infinite. */
const LEAST_LOG = -1e6;

function temperatureOf(asked: Asked, own: ClassPredictions, bins: number): TemperatureScores | NotDone {
  const { validation } = asked.dataset;
  if (validation === undefined) {
    return {
      reason:
        "No temperature was fitted: the data have no validation part, and on training examples a net is surer than " +
        "on new ones.",
    };
  }
  const held = gatherClasses({ ...asked, split: validation });
  const fitted = fitTemperature(held.logProbabilities.map((log) => Math.max(LEAST_LOG, log)), validation.labels!);
  const scores = classScores(tempered(own, fitted.temperature), asked.split.labels!, bins);
  return { ...fitted, validationExamples: held.count, scores };
}

function gatherForeign(asked: Asked, foreign: Split): ClassPredictions {
  const { shape } = asked.dataset.train;
  if (sizeOf(foreign.shape) !== sizeOf(shape)) {
    throw new ShapeError(
      `foreign: expected examples of shape ${showShape(shape)}, as the model takes them, found ` +
        `${showShape(foreign.shape)}.`,
    );
  }
  // They are no sequence of which one goes on from another.
  return gatherClasses({ ...asked, dataset: { ...asked.dataset, order: "shuffled" }, split: foreign });
}

function numbers(asked: Asked, loss: Plugin<"loss">, given: number | readonly number[] | undefined): NumberAssessment {
  const { dataset, split, predictor } = asked;
  const { outputs, validation } = dataset;
  const deviations = dataset.targetUnits?.deviation ?? new Array<number>(outputs).fill(1);
  const made = (split: Split) => ({
    outputs,
    targets: split.targets!,
    deviations,
    ...gatherNumbers({ ...asked, split }, loss),
  });
  const own = made(split);
  const said = { examples: split.count, passes: predictor.passes, error: meanError(own) };
  const known = (
    noise: readonly number[] | readonly Float64Array[],
    from: KnownNoise["from"],
    units: readonly number[],
  ) => ({
    ...said,
    noise: { variance: units.map((variance, output) => variance * deviations[output] ** 2), from },
    scores: numberScores({ ...own, noise }),
  });
  if (given !== undefined) {
    const noise = givenNoise(given, outputs).map((variance, output) => variance / deviations[output] ** 2);
    return known(noise, "given", noise);
  }
  if (own.noise !== undefined) return known(own.noise, "model", meanNoise(own.noise, outputs));
  if (validation !== undefined) {
    const noise = fitNoise(made(validation));
    return known(noise, "validation", noise);
  }
  const reason =
    "The noise is not known: it is not given, the loss is none by which a model says it, and it cannot be " +
    "fitted, since the data have no validation part.";
  return { ...said, noise: { reason } };
}

/** The mean over examples and passes, for each output. */
function meanNoise(passes: readonly Float64Array[], outputs: number): number[] {
  const sums = new Array<number>(outputs).fill(0);
  for (const pass of passes) pass.forEach((variance, i) => sums[i % outputs] += variance);
  return sums.map((sum) => sum * outputs / (passes.length * passes[0].length));
}

function givenNoise(given: number | readonly number[], outputs: number): readonly number[] {
  const all = typeof given === "number" ? new Array<number>(outputs).fill(given) : given;
  const wrong = all.find((variance) => !(variance > 0 && variance < Infinity));
  if (wrong === undefined && all.length === outputs) return all;
  throw new OptionError("noise", `a variance above 0${outputs > 1 ? ` for each of ${outputs} outputs` : ""}`, given);
}
