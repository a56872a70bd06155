/**
 * A normal distribution over the weights of a trained net's last layer, so that one pass says how sure it is.
 *
 * Daxberger, Kristiadi, Immer, Eschenhagen, Bauer, Hennig, "Laplace Redux: Effortless Bayesian Deep Learning", NeurIPS 2021,
 * sections 2 and 3; Ritter, Botev, Barber, "A Scalable Laplace Approximation for Neural Networks", ICLR 2018, for the Kronecker
 * product; MacKay, "The Evidence Framework Applied to Classification Networks", Neural Computation 4, 1992, for the marginal
 * likelihood.
 *
 * @module
 */
import { type Dataset, type Model, OptionError, type Progress, refuseUnknown } from "../../core/mod.ts";
import { fullCurvature, kroneckerCurvature } from "./_curvature.ts";
import { featuresOf } from "./_last_layer.ts";
import { evidence, mostLikely } from "./_evidence.ts";
import { gather } from "./_gather.ts";
import { decoded } from "./_laplace_file.ts";
import type { LaplaceParts } from "./_laplace_parts.ts";
import { LastLayerLaplace } from "./laplace_posterior.ts";
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

/** Options of {@linkcode decodeLaplace}. */
export interface DecodeLaplaceOptions {
  /** What the bytes are called in errors, such as the path of their file. Default: the approximation. */
  source?: string;
  /** How far training had come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
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
  const { weight, features } = featuresOf(model, options.progress);
  const [units, width] = weight.shape;
  const classes = data.classes > 0;
  if (structure === "full" && weight.size > MOST_FULL) {
    throw new OptionError("structure", `"kronecker" for ${weight.size} weights, more than ${MOST_FULL}`, structure);
  }
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
    const parts: LaplaceParts = {
      features,
      weight,
      curvature,
      scale: 1 / (noise ?? 1),
      classes,
      seed: model.built.seed,
    };
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

/**
 * Reads an approximation back that {@linkcode LastLayerLaplace.encode} has written, without the data.
 *
 * @param model the model that it was made of
 * @param bytes what was written
 * @param options what the bytes are called in errors, and how far training had come
 * @throws {CheckpointError} for bytes of another kind, and a model whose last layer has other weights
 * @throws {PluginError} for a model that ends in anything but a dense layer
 *
 * @example
 * ```ts
 * import { decodeLaplace, digits, dense, fit, lastLayerLaplace, loadDataset, sgd, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 100, test: 10 }));
 * const { model } = await fit(dense(10), { data, optimizer: sgd(), epochs: 1 });
 * const laplace = lastLayerLaplace(model, { data });
 * const again = decodeLaplace(model, laplace.encode());
 * const x = Tensor.ones([1, 784]);
 * assertEquals(again.predict(x).mean.toArray(), laplace.predict(x).mean.toArray());
 * ```
 */
export function decodeLaplace(model: Model, bytes: Uint8Array, options: DecodeLaplaceOptions = {}): LastLayerLaplace {
  refuseUnknown(options, ["source", "progress"], "decodeLaplace");
  const { features, weight } = featuresOf(model, options.progress);
  const { curvature, ...found } = decoded(bytes, weight, options.source ?? "the approximation");
  const scale = 1 / (found.noise ?? 1);
  const parts: LaplaceParts = { features, weight, curvature, scale, classes: found.classes, seed: model.built.seed };
  return new LastLayerLaplace(parts, found);
}
