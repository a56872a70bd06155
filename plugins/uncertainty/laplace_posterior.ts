/**
 * A normal distribution over the weights of a last layer, and what it says of inputs.
 *
 * MacKay, "The Evidence Framework Applied to Classification Networks", Neural Computation 4, 1992, for the probit approximation
 * of two classes.
 *
 * @module
 */
import {
  type ClassificationPrediction,
  Key,
  mixtureQuantile,
  OptionError,
  predict,
  type Predictor,
  recycling,
  refuseUnknown,
  type RegressionPrediction,
  type TargetUnits,
  Tensor,
} from "../../core/mod.ts";
import { encoded } from "./_laplace_file.ts";
import type { LaplaceParts } from "./_laplace_parts.ts";
import { probitLogits } from "./_probit.ts";

/** Options of {@linkcode LastLayerLaplace.sampler}. */
export interface LaplaceSamplerOptions {
  /** How many draws of the weights, from 1 to 16384. */
  samples: number;
  /** Which draws: a whole number in [0, 2^32). Default 0. */
  seed?: number;
}

/** Options of {@linkcode LastLayerLaplace.predict}. */
export interface LaplacePredictOptions {
  /** How many draws of the weights, from 1 to 16384; 0, the default, for none, which is a formula. */
  samples?: number;
  /** Which draws: a whole number in [0, 2^32). Default 0. */
  seed?: number;
  /** Levels, in [0, 1], of quantiles. Default none. */
  quantiles?: readonly number[];
  /** Of numbers, the units in which they are given: see `units` of {@linkcode PredictOptions}. */
  units?: TargetUnits;
}

/** What the last layer's outputs are, for some examples: means and covariances. */
export interface LaplaceOutputs {
  /** `[examples, outputs]`. */
  readonly mean: Tensor;
  /** `[examples, outputs, outputs]`, of what comes from the weights, without the data's noise. */
  readonly covariance: Tensor;
}

/** A Laplace approximation of the last layer, which predicts. Made by {@linkcode lastLayerLaplace}. */
export class LastLayerLaplace {
  /** The precision of the prior. */
  readonly priorPrecision: number;
  /** Of numbers, the variance of the noise, in the units of the outputs; else undefined. */
  readonly noise: number | undefined;
  /** The logarithm of the marginal likelihood of the training data, in nats. */
  readonly logMarginalLikelihood: number;
  readonly #parts: LaplaceParts;

  /** Prefer {@linkcode lastLayerLaplace}. */
  constructor(
    parts: unknown,
    found: { priorPrecision: number; noise: number | undefined; logMarginalLikelihood: number },
  ) {
    this.#parts = parts as LaplaceParts;
    this.priorPrecision = found.priorPrecision;
    this.noise = found.noise;
    this.logMarginalLikelihood = found.logMarginalLikelihood;
  }

  /**
   * Means and covariances of the outputs.
   *
   * @param x `[batch, ...inputShape]`
   */
  outputs(x: Tensor): LaplaceOutputs {
    return this.#outputs(this.#parts.features(x));
  }

  #outputs(features: Tensor): LaplaceOutputs {
    const { weight, curvature, scale } = this.#parts;
    const [units] = weight.shape;
    const variances = curvature.variances(features, scale, this.priorPrecision);
    return {
      mean: features.matmul(weight, { transposeB: true }),
      covariance: Tensor.from(variances, [features.shape[0], units, units], features.floatType),
    };
  }

  /**
   * One pass that gives, of classes, the probit approximation of the mean over all weights; of numbers, the mean, and the
   * variance that comes from the weights.
   *
   * Of two classes it is MacKay's `sigmoid(f / sqrt(1 + pi v / 8))`, with the mean f and variance v of the difference of the
   * outputs. Of more, the inverse of the sum over l of `exp(-f_kl / sqrt(1 + pi v_kl / 8))` with those of each difference, made to
   * sum to 1: Lu, Ie, Sha, "Mean-Field Approximation to Gaussian-Softmax Integral with Application to Uncertainty Estimation",
   * 2020, equation (11). Unlike a formula with the variances of single outputs, it knows that what all outputs have in common is
   * of no account.
   */
  probit(): Predictor {
    const { features, classes } = this.#parts;
    return {
      passes: 1,
      run: ({ inputs, carry }, visit) => {
        const of = features(inputs, carry?.[0]);
        const { mean, covariance } = this.#outputs(of);
        if (!classes) return visit(shapedLike(mean, inputs), 0, shapedLike(diagonal(covariance), inputs));
        visit(shapedLike(probitLogits(mean, covariance), inputs), 0);
      },
    };
  }

  /**
   * What the approximation says of inputs: of classes, the mean over all weights, by the probit approximation or by draws; of
   * numbers, their mean, with the variance that comes from the weights beside that of the noise, in closed form or by draws.
   *
   * @param x `[batch, ...inputShape]`
   * @throws {OptionError} for an option out of range
   */
  predict(x: Tensor, options: LaplacePredictOptions = {}): ClassificationPrediction | RegressionPrediction {
    refuseUnknown(options, ["samples", "seed", "quantiles", "units"], "predict");
    const { samples = 0, seed, quantiles = [], units } = options;
    const { classes } = this.#parts;
    const noise = this.noise!;
    if (samples > 0) {
      const passes = this.sampler({ samples, seed });
      if (classes) return predict(passes, x, { softmax: true, quantiles });
      const around = (outputs: Tensor) => Tensor.full(outputs.shape, noise, outputs.floatType);
      return predict(passes, x, { noise: around, quantiles, units });
    }
    return classes ? predict(this.probit(), x, { softmax: true, quantiles }) : this.#numbers(x, quantiles, units);
  }

  /** Normal distributions: those of the weights and of the noise, whose variances add up. */
  #numbers(x: Tensor, levels: readonly number[], units: TargetUnits | undefined): RegressionPrediction {
    const { mean, covariance } = this.outputs(x);
    const [count, width] = mean.shape;
    const center = new Float64Array(mean.size);
    const [own, around] = [center.slice(), center.slice()];
    for (let row = 0; row < count; row++) {
      for (let k = 0; k < width; k++) {
        const i = row * width + k;
        const [shift, deviation] = [units?.mean[k] ?? 0, units?.deviation[k] ?? 1];
        center[i] = mean.floats[i] * deviation + shift;
        own[i] = covariance.floats[(row * width + k) * width + k] * deviation ** 2;
        around[i] = this.noise! * deviation ** 2;
      }
    }
    const tensor = (values: Float64Array<ArrayBuffer>) => Tensor.from(values, mean.shape, mean.floatType);
    const total = own.map((value, i) => value + around[i]);
    const quantilesOf = (variances: Float64Array) =>
      levels.map((level) => tensor(center.map((value, i) => mixtureQuantile([value], [variances[i]], level))));
    const epistemic = tensor(own);
    return {
      mean: tensor(center),
      variance: epistemic,
      epistemic,
      aleatoric: tensor(around),
      total: tensor(total),
      quantiles: quantilesOf(own),
      predictiveQuantiles: quantilesOf(total),
    };
  }

  /**
   * The approximation as bytes, in the safetensors format, for {@linkcode decodeLaplace}: the layer's weights, of which it must
   * be, and the curvature taken apart.
   */
  encode(): Uint8Array<ArrayBuffer> {
    const { weight, curvature, classes } = this.#parts;
    return encoded({ ...this, weight, curvature, classes });
  }

  /** Passes each of which has weights of its own for all examples, drawn by address: pass t is the same however many there are. */
  sampler({ samples, seed = 0 }: LaplaceSamplerOptions): Predictor {
    if (!Number.isSafeInteger(samples) || samples < 1 || samples > 2 ** 14) {
      throw new OptionError("laplace: samples", "a whole number in [1, 16384]", samples);
    }
    const { features, weight, curvature, scale, seed: modelSeed } = this.#parts;
    const key = Key.seed(modelSeed).at("last-layer-laplace").atStep(seed);
    const weights = Array.from({ length: samples }, (_, pass) =>
      recycling(() => {
        const normal = Tensor.normal([1, weight.size], key.atPass(pass), "float64").floats;
        const change = curvature.draw(normal, scale, this.priorPrecision);
        return weight.add(Tensor.from(change, weight.shape, weight.floatType)).keep();
      }));
    return {
      passes: samples,
      run: ({ inputs, carry }, visit) => {
        const of = features(inputs, carry?.[0]);
        weights.forEach((own, pass) =>
          recycling(() => visit(shapedLike(of.matmul(own, { transposeB: true }), inputs), pass))
        );
      },
    };
  }
}

/** The variances `[rows, outputs]` of covariances `[rows, outputs, outputs]`. */
function diagonal(covariance: Tensor): Tensor {
  const [rows, width] = covariance.shape;
  const found = Tensor.empty([rows, width], covariance.floatType);
  for (let i = 0; i < rows * width; i++) found.floats[i] = covariance.floats[i * width + i % width];
  return found;
}

/** Rows of positions as rows of examples. */
function shapedLike(rows: Tensor, inputs: Tensor): Tensor {
  const count = inputs.shape[0];
  return rows.shape[0] === count ? rows : rows.reshape([count, -1, rows.shape[1]]);
}
