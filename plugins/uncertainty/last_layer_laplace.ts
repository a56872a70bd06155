/**
 * A normal distribution over the weights of a trained net's last layer, so that one pass says how sure it is.
 *
 * Daxberger, Kristiadi, Immer, Eschenhagen, Bauer, Hennig, "Laplace Redux: Effortless Bayesian Deep Learning", NeurIPS 2021,
 * sections 2 and 3; Ritter, Botev, Barber, "A Scalable Laplace Approximation for Neural Networks", ICLR 2018, for the Kronecker
 * product; MacKay, "The Evidence Framework Applied to Classification Networks", Neural Computation 4, 1992, for the marginal
 * likelihood and the probit approximation.
 *
 * @module
 */
import {
  type Dataset,
  Key,
  type Model,
  OptionError,
  type Predictor,
  type Progress,
  recycling,
  refuseUnknown,
  Tensor,
} from "../../core/mod.ts";
import { type Curvature, fullCurvature, kroneckerCurvature } from "./_curvature.ts";
import { lastLayer } from "./_last_layer.ts";
import { evidence, mostLikely } from "./_evidence.ts";
import { gather } from "./_gather.ts";
import { probitLogits } from "./_probit.ts";
import { bestOnValidation } from "./_validated.ts";

/** Weights of which the full matrix is still taken apart within seconds. */
const MOST_FULL = 1500;

/** Options of {@linkcode lastLayerLaplace}. */
export interface LastLayerLaplaceOptions {
  /** The data it was trained on; the validation part only where the prior is chosen by it. */
  data: Dataset;
  /**
   * The curvature: `kronecker`, of two small matrices, or `full`, with each pair of weights, of which there may be at most 1500.
   * Default `kronecker`.
   */
  structure?: "kronecker" | "full";
  /**
   * The precision of the weights' prior, a normal distribution around 0: a number above 0; or the one with the greatest
   * marginal likelihood of the training data, or the one with the least negative log-likelihood on the validation part. Default
   * `marginal-likelihood`.
   */
  priorPrecision?: number | "marginal-likelihood" | "validation";
  /** Of numbers, the variance of the noise in the units of the outputs. Default: by the marginal likelihood. */
  noise?: number;
  /** How far training has come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
}

/** Options of {@linkcode LastLayerLaplace.sampler}. */
export interface LaplaceSamplerOptions {
  /** How many draws of the weights, from 1 to 16384. */
  samples: number;
  /** Which draws: a whole number in [0, 2^32). Default 0. */
  seed?: number;
}

/** What the last layer's outputs are, for some examples: means and covariances. */
export interface LaplaceOutputs {
  /** `[examples, outputs]`. */
  readonly mean: Tensor;
  /** `[examples, outputs, outputs]`, of what comes from the weights, without the data's noise. */
  readonly covariance: Tensor;
}

/** The layer's distribution. */
interface Parts {
  readonly features: (inputs: Tensor, carry?: Map<string, Tensor>) => Tensor;
  readonly weight: Tensor;
  readonly curvature: Curvature;
  readonly scale: number;
  readonly classes: boolean;
  readonly seed: number | bigint;
}

/** A Laplace approximation of the last layer, which predicts. Made by {@linkcode lastLayerLaplace}. */
export class LastLayerLaplace {
  /** The precision of the prior. */
  readonly priorPrecision: number;
  /** Of numbers, the variance of the noise, in the units of the outputs; else undefined. */
  readonly noise: number | undefined;
  /** The logarithm of the marginal likelihood of the training data, in nats. */
  readonly logMarginalLikelihood: number;
  readonly #parts: Parts;

  /** Prefer {@linkcode lastLayerLaplace}. */
  constructor(
    parts: unknown,
    found: { priorPrecision: number; noise: number | undefined; logMarginalLikelihood: number },
  ) {
    this.#parts = parts as Parts;
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
   * One pass that gives, of classes, the probit approximation of the mean over all weights; of numbers, the mean.
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
        if (!classes) return visit(shapedLike(mean, inputs), 0);
        visit(shapedLike(probitLogits(mean, covariance), inputs), 0);
      },
    };
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

/** Rows of positions as rows of examples. */
function shapedLike(rows: Tensor, inputs: Tensor): Tensor {
  const count = inputs.shape[0];
  return rows.shape[0] === count ? rows : rows.reshape([count, -1, rows.shape[1]]);
}

/**
 * The Laplace approximation of a trained model's last layer: the weights are taken to be normal around what they are, with the
 * generalised Gauss-Newton matrix of the likelihood on the training data, and the precision of a prior, as the inverse of their
 * covariance. All layers before are left as they are.
 *
 * The likelihood is that of the data's default loss: of classes, softmax and cross-entropy; of numbers, normal noise.
 *
 * @param model ends in a dense layer; what variants there are take no part: features are those of evaluation
 * @param options the data, and how
 * @throws {PluginError} for a model that ends in anything else
 * @throws {OptionError} for an option out of range, and where the prior is to be chosen by a validation part that there is not
 *
 * @example
 * ```ts
 * import { adam, assessClassification, dense, digits, fit, lastLayerLaplace, loadDataset } from "@thinned/dropout";
 * import { relu, sequential } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 200, test: 100 }));
 * const { model } = await fit(sequential([dense(32), relu(), dense(10)]), { data, optimizer: adam(), epochs: 3 });
 * const laplace = lastLayerLaplace(model, { data });
 * assert(laplace.priorPrecision > 0);
 * const { scores } = assessClassification(laplace.probit(), data); // or laplace.sampler({ samples: 50 })
 * console.log(scores.negativeLogLikelihood, scores.calibration.width.expectedError);
 * ```
 */
export function lastLayerLaplace(model: Model, options: LastLayerLaplaceOptions): LastLayerLaplace {
  refuseUnknown(options, ["data", "structure", "priorPrecision", "noise", "progress"], "lastLayerLaplace");
  const { data, structure = "kronecker", priorPrecision = "marginal-likelihood" } = options;
  check(options);
  const { before, weight, biased } = lastLayer(model);
  const [units, width] = weight.shape;
  const classes = data.classes > 0;
  if (structure === "full" && weight.size > MOST_FULL) {
    throw new OptionError("structure", `"kronecker" for ${weight.size} weights, more than ${MOST_FULL}`, structure);
  }
  const features = (inputs: Tensor, carry?: Map<string, Tensor>) => {
    const raw = before === null ? inputs : before.forward(inputs, { progress: options.progress, carry });
    const rows = raw.reshape([-1, raw.shape[raw.rank - 1]]);
    return biased ? Tensor.concat([rows, Tensor.ones([rows.shape[0], 1], rows.floatType)], 1) : rows;
  };
  const found = gather(data, data.train, { features, weight, full: structure === "full" });
  const curvature = found.full === undefined
    ? kroneckerCurvature(found, width, units)
    : fullCurvature(found.full, width, units);
  const norm = Array.from(weight.floats).reduce((sum, value) => sum + value * value, 0);
  const about = { values: curvature.values, norm, count: found.count * units, squares: found.squares };
  // Of numbers the likelihood has a noise, by which the curvature is divided.
  const [prior, noise] = mostLikely(about, {
    prior: typeof priorPrecision === "number" ? priorPrecision : undefined,
    noise: classes ? null : options.noise,
  });
  const made = (precision: number) => {
    const logMarginalLikelihood = evidence(about, precision, noise) + (classes ? found.logLikelihood : 0);
    const parts: Parts = { features, weight, curvature, scale: 1 / (noise ?? 1), classes, seed: model.built.seed };
    return new LastLayerLaplace(parts, { priorPrecision: precision, noise: noise ?? undefined, logMarginalLikelihood });
  };
  return priorPrecision === "validation" ? bestOnValidation(made, data) : made(prior);
}

function check({ data, structure, priorPrecision, noise }: LastLayerLaplaceOptions): void {
  if (structure !== undefined && structure !== "kronecker" && structure !== "full") {
    throw new OptionError("structure", '"kronecker" or "full"', structure);
  }
  const chosen = priorPrecision === undefined || priorPrecision === "marginal-likelihood" ||
    priorPrecision === "validation";
  if (!chosen && !(typeof priorPrecision === "number" && priorPrecision > 0 && priorPrecision < Infinity)) {
    throw new OptionError("priorPrecision", 'a number above 0, "marginal-likelihood" or "validation"', priorPrecision);
  }
  if (priorPrecision === "validation" && data.validation === undefined) {
    throw new OptionError("priorPrecision", "another choice, since the data have no validation part", priorPrecision);
  }
  if (noise !== undefined && data.classes > 0) throw new OptionError("noise", "nothing for a model of classes", noise);
  if (noise !== undefined && !(noise > 0 && noise < Infinity)) {
    throw new OptionError("noise", "a variance above 0", noise);
  }
}
