/** Judging predictions of classes: not only how often they are right, but what their probabilities are worth. @module */
import type { Dataset, Split } from "./data.ts";
import { OptionError, refuseUnknown, ShapeError, showShape } from "../errors.ts";
import { gatherClasses } from "./gather_passes.ts";
import { type Asked, askedOf, type Judged, judgingKeys, type JudgingOptions, type NotDone } from "./judged.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { ClassPredictions } from "../uncertainty/class_predictions.ts";
import {
  type ClassScores,
  classScores,
  type ForeignScores,
  foreignScores,
  tempered,
} from "../uncertainty/class_scores.ts";
import { type FittedTemperature, fitTemperature } from "../uncertainty/temperature.ts";
import { wholeNumber } from "./whole_number.ts";

/** Options of {@linkcode assessClassification}. */
export interface AssessClassificationOptions extends JudgingOptions {
  /** Examples of another kind, which the model should be unsure of: inputs of the same size. Default none. */
  foreign?: Split;
  /** Bins of the reliability diagrams, at least 1. Default 15. */
  bins?: number;
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
  refuseUnknown(options, [...judgingKeys, "foreign", "bins"], "assessClassification");
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
