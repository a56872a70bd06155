/** What a method's predictions are worth, and what they cost. @module */
import {
  assessClassification,
  type Dataset,
  makeBatch,
  noGrad,
  type Predictor,
  recycling,
  shuffledInputs,
} from "../../mod.ts";
import type { Trained } from "./_methods.ts";

/** A method's figures with one seed. */
export interface Measured {
  /** Its name. */
  readonly name: string;
  /** Fraction of wrong classes of the test images. */
  readonly error: number;
  /** Mean negative log-likelihood, in nats. */
  readonly negativeLogLikelihood: number;
  /** Brier score. */
  readonly brierScore: number;
  /** Expected calibration error, in 15 bins of equal width. */
  readonly calibrationError: number;
  /** Area under risk and coverage. */
  readonly riskCoverageArea: number;
  /** AUROC of spotting shuffled inputs by the entropy. */
  readonly foreign: number;
  /** Learned numbers that a prediction needs. */
  readonly parameters: number;
  /** Seconds of training. */
  readonly trainingSeconds: number;
  /** How long predicting the test images takes, as a multiple of the plain net's time. */
  readonly predictionTimes: number;
}

/** How often predictions are timed, in turn with those of the plain net, since what else a machine does changes all the time. */
const TIMES = 5;

/** Measures a method on the test part. */
export function measure(trained: Trained, plain: Predictor, data: Dataset): Measured {
  const found = assessClassification(trained.predictor, data, { foreign: shuffledInputs(data.test) });
  const { temperature } = found;
  const scores = trained.tempered && "scores" in temperature ? temperature.scores : found.scores;
  return {
    name: trained.name,
    error: scores.error,
    negativeLogLikelihood: scores.negativeLogLikelihood,
    brierScore: scores.brierScore,
    calibrationError: scores.calibration.width.expectedError,
    riskCoverageArea: scores.selective.area,
    foreign: found.foreign!.entropy,
    parameters: trained.parameters,
    trainingSeconds: trained.seconds,
    predictionTimes: timesOf(trained.predictor, plain, data),
  };
}

/** The median of the ratios of both times. */
function timesOf(predictor: Predictor, plain: Predictor, data: Dataset): number {
  const ratios = Array.from({ length: TIMES }, () => secondsToPredict(predictor, data) / secondsToPredict(plain, data));
  return ratios.sort((a, b) => a - b)[TIMES >> 1];
}

function secondsToPredict(predictor: Predictor, data: Dataset): number {
  const { test } = data;
  const batchSize = 1000;
  let seconds = 0;
  for (let from = 0; from < test.count; from += batchSize) {
    recycling(() =>
      noGrad(() => {
        const to = Math.min(test.count, from + batchSize);
        const { inputs } = makeBatch(test, data.outputs, from, to);
        const examples = Uint32Array.from({ length: to - from }, (_, i) => from + i);
        const begun = performance.now();
        predictor.run({ inputs, examples }, (outputs) => void outputs.softmax());
        seconds += (performance.now() - begun) / 1000;
      })
    );
  }
  return seconds;
}
