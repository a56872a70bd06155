/** All scores of a classifier's predictions. @module */
import { argmaxOf } from "./_given.ts";
import { auroc } from "./auroc.ts";
import { type Calibration, calibration } from "./calibration.ts";
import type { ClassPredictions } from "./class_predictions.ts";
import { brierScore } from "./proper_scores.ts";
import { riskCoverage } from "./risk_coverage.ts";

/** The loss that is left when a share of the examples is refused. */
export interface Refusal {
  /** The share that is refused, the least sure first. */
  readonly refused: number;
  /** The mean loss of the others: the fraction of wrong classes, or the mean squared error. */
  readonly risk: number;
}

/** Selective prediction: see `riskCoverage`. */
export interface SelectiveScores {
  /** The area under the curve of risk over coverage. */
  readonly area: number;
  /** How much more than for the best order of the examples. */
  readonly excess: number;
  /** The risk when 0, 0.1, ..., 0.9 of the examples are refused. */
  readonly curve: readonly Refusal[];
}

/** The scores of a classifier's predictions. */
export interface ClassScores {
  /** The fraction of wrong classes. */
  readonly error: number;
  /** See `negativeLogLikelihood`: in nats, lower is better. */
  readonly negativeLogLikelihood: number;
  /** See `brierScore`. */
  readonly brierScore: number;
  /** The reliability in bins of equal width and of equal mass: see `calibration`. */
  readonly calibration: { readonly width: Calibration; readonly mass: Calibration };
  /** How far refusing helps, the least probable predictions first. */
  readonly selective: SelectiveScores;
  /** Means over the examples, in nats. */
  readonly entropy: number;
  /** The same for the mutual information; 0 for a single pass. */
  readonly mutualInformation: number;
}

/** AUROCs by which examples of a model's own kind are told from foreign ones: see `auroc`. */
export interface ForeignScores {
  /** Number of foreign examples. */
  readonly examples: number;
  /** By the entropy of the mean prediction. */
  readonly entropy: number;
  /** By the mutual information; 0.5, which is chance, for a single pass. */
  readonly mutualInformation: number;
  /** By the probability of the predicted class, lower for foreign ones. */
  readonly maxProbability: number;
}

const SHARES = Array.from({ length: 10 }, (_, i) => i / 10);

/** The curve of refusing, its area and excess. */
export function selectiveScores(confidences: ArrayLike<number>, losses: ArrayLike<number>): SelectiveScores {
  const { area, excess, riskWithout } = riskCoverage(confidences, losses);
  return { area, excess, curve: SHARES.map((refused) => ({ refused, risk: riskWithout(refused) })) };
}

/** The logarithm of the probability of the predicted class, of each row. */
function confidencesOf({ count, classes, logProbabilities }: ClassPredictions): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, row) => logProbabilities[row * classes + argmaxOf(logProbabilities, row, classes)],
  );
}

const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Scores predictions.
 *
 * @param labels the true class of each row
 * @param bins bins of the reliability diagrams
 */
export function classScores(predictions: ClassPredictions, labels: ArrayLike<number>, bins: number): ClassScores {
  const { count, classes, logProbabilities, entropy, mutualInformation } = predictions;
  const probabilities = logProbabilities.map(Math.exp);
  let logLoss = 0;
  const wrong = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    logLoss -= logProbabilities[row * classes + labels[row]];
    wrong[row] = argmaxOf(logProbabilities, row, classes) === labels[row] ? 0 : 1;
  }
  return {
    error: meanOf(wrong),
    negativeLogLikelihood: logLoss / count,
    brierScore: brierScore(probabilities, labels),
    calibration: {
      width: calibration(probabilities, labels, { bins }),
      mass: calibration(probabilities, labels, { bins, binning: "mass" }),
    },
    selective: selectiveScores(confidencesOf(predictions), wrong),
    entropy: meanOf(entropy),
    mutualInformation: meanOf(mutualInformation),
  };
}

/** How well foreign examples are told from one's own. */
export function foreignScores(own: ClassPredictions, foreign: ClassPredictions): ForeignScores {
  const doubts = (predictions: ClassPredictions) => confidencesOf(predictions).map((log) => -log);
  return {
    examples: foreign.count,
    entropy: auroc(own.entropy, foreign.entropy),
    mutualInformation: auroc(own.mutualInformation, foreign.mutualInformation),
    maxProbability: auroc(doubts(own), doubts(foreign)),
  };
}

/** Predictions at a temperature: `log softmax(log p / T)`. The mutual information is not known there, and stays. */
export function tempered(predictions: ClassPredictions, temperature: number): ClassPredictions {
  const { count, classes, logProbabilities } = predictions;
  const logs = new Float64Array(logProbabilities.length);
  const entropy = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const from = row * classes;
    let largest = -Infinity;
    for (let i = from; i < from + classes; i++) largest = Math.max(largest, logProbabilities[i]);
    let total = 0;
    for (let i = from; i < from + classes; i++) {
      logs[i] = (logProbabilities[i] - largest) / temperature;
      total += Math.exp(logs[i]);
    }
    for (let i = from; i < from + classes; i++) {
      logs[i] -= Math.log(total);
      if (logs[i] > -Infinity) entropy[row] -= Math.exp(logs[i]) * logs[i];
    }
  }
  return { ...predictions, logProbabilities: logs, entropy };
}
