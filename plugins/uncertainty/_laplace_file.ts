/** A Laplace approximation as bytes, in the safetensors format, and back. @module */
import { CheckpointError, decodeSafetensors, encodeSafetensors, Tensor } from "../../core/mod.ts";
import { type Curvature, fullOf, kroneckerOf } from "./_curvature.ts";
import type { Eigen } from "./_symmetric_eigen.ts";

/** The format's name in the metadata. */
const FORMAT = "thinned-laplace";

/** The version of the format that is written, and read. */
const VERSION = "1";

/** What is written. */
export interface LaplaceKept {
  /** The precision of the prior. */
  readonly priorPrecision: number;
  /** Of numbers, the variance of the noise. */
  readonly noise: number | undefined;
  readonly logMarginalLikelihood: number;
  /** Whether the outputs are logits of classes. */
  readonly classes: boolean;
  /** `[outputs, features]`. */
  readonly weight: Tensor;
  readonly curvature: Curvature;
}

/** Writes it. */
export function encoded(kept: LaplaceKept): Uint8Array<ArrayBuffer> {
  const { priorPrecision, noise, logMarginalLikelihood, classes, weight, curvature } = kept;
  const tensors = new Map([["weight", weight]]);
  for (const [name, { size, values, vectors }] of Object.entries(curvature.eigen)) {
    tensors.set(`${name}.values`, Tensor.from(values, [size], "float64"));
    tensors.set(`${name}.vectors`, Tensor.from(vectors, [size, size], "float64"));
  }
  const numbers = JSON.stringify({ priorPrecision, noise, logMarginalLikelihood, classes });
  return encodeSafetensors(tensors, { format: FORMAT, version: VERSION, numbers });
}

/**
 * Reads it.
 *
 * @param weight the weights of the model's last layer now
 * @param source what the bytes are called in errors
 * @throws {CheckpointError} for bytes of another kind, and other weights
 */
export function decoded(bytes: Uint8Array, weight: Tensor, source: string): LaplaceKept {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  if (metadata.format !== FORMAT || metadata.version !== VERSION) {
    throw new CheckpointError(
      `${source}: expected a Laplace approximation of version ${VERSION}, found ` +
        `${metadata.format === FORMAT ? `version ${metadata.version}` : "another file"}.`,
    );
  }
  const own = tensors.get("weight");
  const same = own !== undefined && own.shape.join() === weight.shape.join() &&
    own.floats.every((value, i) => value === weight.floats[i]);
  if (!same) {
    throw new CheckpointError(
      `${source}: expected an approximation of the model's last layer as it is, found one of other weights: the model has ` +
        "been trained since, or is another one.",
    );
  }
  const eigen = (name: string): Eigen | undefined => {
    const [values, vectors] = ["values", "vectors"].map((part) => tensors.get(`${name}.${part}`)?.floats);
    if (values === undefined || vectors === undefined) return undefined;
    return { size: values.length, values: Float64Array.from(values), vectors: Float64Array.from(vectors) };
  };
  const [units, width] = weight.shape;
  const [features, outputs, weights] = ["features", "outputs", "weights"].map(eigen);
  const numbers = numbersOf(metadata.numbers);
  if (numbers !== undefined && features?.size === width && outputs?.size === units) {
    return { ...numbers, weight, curvature: kroneckerOf(features, outputs) };
  }
  if (numbers !== undefined && weights?.size === width * units) {
    return { ...numbers, weight, curvature: fullOf(weights, width) };
  }
  throw new CheckpointError(`${source} is damaged: expected the curvature of ${units} x ${width} weights, found none.`);
}

/** The numbers among the metadata; undefined for what is none. */
function numbersOf(text: string): Omit<LaplaceKept, "weight" | "curvature"> | undefined {
  try {
    const found = JSON.parse(text);
    const { priorPrecision, noise, classes } = found;
    const whole = priorPrecision > 0 && typeof classes === "boolean" && (classes || noise > 0);
    return whole ? found : undefined;
  } catch {
    return undefined;
  }
}
