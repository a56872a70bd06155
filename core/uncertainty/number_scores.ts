/**
 * All scores of predicted numbers. What is predicted is an even mixture of normal distributions, one for each pass: Gal and
 * Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016, appendix 4.4.
 *
 * @module
 */
import { type SelectiveScores, selectiveScores } from "./class_scores.ts";
import {
  intervalCoverage,
  type LevelFound,
  normalCdf,
  normalLogDensity,
  type QuantileCalibration,
  quantileCalibration,
} from "./quantile_calibration.ts";

/** What passes say of numbers, and what is true: `[examples, outputs]`, row after row. */
export interface NumberPredictions {
  /** Number of outputs. */
  readonly outputs: number;
  /** What each pass says. */
  readonly means: readonly ArrayLike<number>[];
  /** The variance of the noise around it, for each output; or for each pass and number, where the model says it. */
  readonly noise: readonly number[] | readonly ArrayLike<number>[];
  /** The true numbers. */
  readonly targets: ArrayLike<number>;
  /** By what each output was divided: errors and densities are given in the units before that. */
  readonly deviations: readonly number[];
}

/** The scores of predicted numbers. */
export interface NumberScores {
  /** The root of the mean squared error of the mean over passes, in the targets' units. */
  readonly error: number;
  /** Mean over examples of the negative logarithm of the predicted density of all outputs, in nats and the targets' units. */
  readonly negativeLogLikelihood: number;
  /** The part of the targets in their central intervals: see `intervalCoverage`. */
  readonly coverage: readonly LevelFound[];
  /** The part of the targets at or below their quantiles: see `quantileCalibration`. */
  readonly quantiles: QuantileCalibration;
  /** How far refusing helps, the largest predicted variances first; risks are squared errors in the targets' units. */
  readonly selective: SelectiveScores;
  /** Mean over targets of the predicted standard deviation, passes and noise together, in the targets' units. */
  readonly deviation: number;
}

/** Root of the mean squared error of the mean over passes. */
export function meanError({ outputs, means, targets, deviations }: Omit<NumberPredictions, "noise">): number {
  let squares = 0;
  for (let i = 0; i < targets.length; i++) {
    let mean = 0;
    for (const pass of means) mean += pass[i] / means.length;
    squares += ((mean - targets[i]) * deviations[i % outputs]) ** 2;
  }
  return Math.sqrt(squares / targets.length);
}

/** Scores predictions whose noise is known. */
export function numberScores(predictions: NumberPredictions): NumberScores {
  const { outputs, means, noise, targets, deviations } = predictions;
  const count = targets.length / outputs;
  const passes = means.length;
  const noiseAt = (pass: number, i: number): number => {
    const given = noise[typeof noise[0] === "number" ? i % outputs : pass];
    return typeof given === "number" ? given : given[i];
  };
  const below = new Float64Array(targets.length);
  const logs = new Float64Array(passes);
  const variances = new Float64Array(count);
  const squares = new Float64Array(count);
  let negative = 0;
  let deviation = 0;
  for (let row = 0; row < count; row++) {
    logs.fill(0);
    for (let i = row * outputs; i < (row + 1) * outputs; i++) {
      const unit = deviations[i % outputs];
      let mean = 0;
      let square = 0;
      let own = 0;
      for (let pass = 0; pass < passes; pass++) {
        const [value, variance] = [means[pass][i], noiseAt(pass, i)];
        const before = value - mean;
        mean += before / (pass + 1);
        square += before * (value - mean);
        own += variance / passes;
        below[i] += normalCdf((targets[i] - value) / Math.sqrt(variance)) / passes;
        logs[pass] += normalLogDensity(targets[i], value, variance) - Math.log(unit);
      }
      const variance = (square / passes + own) * unit * unit;
      variances[row] += variance / outputs;
      squares[row] += ((mean - targets[i]) * unit) ** 2 / outputs;
      deviation += Math.sqrt(variance) / targets.length;
    }
    negative -= logMeanExp(logs) / count;
  }
  // Sums of parts may be above 1 by rounding.
  const parts = below.map((value) => Math.min(1, value));
  return {
    error: meanError(predictions),
    negativeLogLikelihood: negative,
    coverage: intervalCoverage(parts),
    quantiles: quantileCalibration(parts),
    selective: selectiveScores(variances.map((variance) => -variance), squares),
    deviation,
  };
}

/** The logarithm of the mean of exponentials. */
export function logMeanExp(logs: ArrayLike<number>): number {
  let largest = -Infinity;
  for (let i = 0; i < logs.length; i++) largest = Math.max(largest, logs[i]);
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < logs.length; i++) sum += Math.exp(logs[i] - largest);
  return largest + Math.log(sum / logs.length);
}

/** Variances of the noise that are looked at, as parts of the mean squared distance from the targets. */
const LEAST = 1e-8;
const MOST = 10;
const STEPS = 40;

/**
 * The variance of normal noise with the greatest likelihood of the targets, one output by itself: the best of a range in equal
 * ratios, made exact by sections in the golden ratio around it.
 *
 * @returns the variance for each output, in the units of the predictions; above 0
 */
export function fitNoise(
  { outputs, means, targets }: Pick<NumberPredictions, "outputs" | "means" | "targets">,
): number[] {
  return Array.from({ length: outputs }, (_, output) => {
    const logs = new Float64Array(means.length);
    let square = 0;
    for (let i = output; i < targets.length; i += outputs) {
      for (const pass of means) square += (pass[i] - targets[i]) ** 2;
    }
    square /= means.length * targets.length / outputs;
    if (square === 0) return LEAST;
    if (means.length === 1) return square; // the closed form
    const likelihood = (exponent: number) => {
      const variance = square * Math.exp(exponent);
      let sum = 0;
      for (let i = output; i < targets.length; i += outputs) {
        for (let pass = 0; pass < means.length; pass++) {
          logs[pass] = normalLogDensity(targets[i], means[pass][i], variance);
        }
        sum += logMeanExp(logs);
      }
      return sum;
    };
    const [low, high] = [Math.log(LEAST), Math.log(MOST)];
    const step = (high - low) / STEPS;
    let best = low;
    let most = -Infinity;
    for (let i = 0; i <= STEPS; i++) {
      const value = likelihood(low + i * step);
      if (value > most) [best, most] = [low + i * step, value];
    }
    return square * Math.exp(goldenSection(likelihood, Math.max(low, best - step), Math.min(high, best + step)));
  });
}

/** The place of a function's maximum between two places, to 1e-6. */
export function goldenSection(of: (x: number) => number, low: number, high: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atA, atB] = [of(a), of(b)];
  while (high - low > 1e-6) {
    if (atA > atB) {
      [high, b, atB] = [b, a, atA];
      a = high - ratio * (high - low);
      atA = of(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + ratio * (high - low);
      atB = of(b);
    }
  }
  return (low + high) / 2;
}
