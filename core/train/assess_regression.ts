/** Judging predictions of numbers: what the distributions that they stand for are worth. @module */
import type { Dataset, Split } from "./data.ts";
import { defaultLoss } from "./default_loss.ts";
import { OptionError, refuseUnknown } from "../errors.ts";
import { gatherNumbers } from "./gather_passes.ts";
import { type Asked, askedOf, type Judged, judgingKeys, type JudgingOptions, type NotDone } from "./judged.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { fitNoise, meanError, type NumberScores, numberScores } from "../uncertainty/number_scores.ts";

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
  refuseUnknown(options, [...judgingKeys, "loss", "noise"], "assessRegression");
  if (dataset.classes > 0) throw new OptionError("dataset", "one with numbers to predict", dataset.name);
  return numbers(askedOf(of, dataset, options), options.loss ?? defaultLoss(dataset), options.noise);
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
    scores: numberScores({ ...own, noise: withOwn(noise, own.own, outputs) }),
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

/** The noise around numbers, and what the passes say of their own variance beside it. */
function withOwn(
  noise: readonly number[] | readonly Float64Array[],
  own: readonly Float64Array[] | undefined,
  outputs: number,
): readonly number[] | readonly Float64Array[] {
  if (own === undefined) return noise;
  return own.map((variances, pass) => {
    const around = noise[pass];
    return variances.map((value, i) =>
      value + (typeof around === "object" ? around[i] : (noise as readonly number[])[i % outputs])
    );
  });
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
