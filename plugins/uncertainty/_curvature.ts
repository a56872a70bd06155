/**
 * The curvature of the likelihood in the weights of a last layer, by the generalised Gauss-Newton matrix, in the basis of its
 * eigenvectors: there, a prior's precision is added to each eigenvalue.
 *
 * @module
 */
import { Tensor } from "../../core/mod.ts";
import { type Eigen, symmetricEigen } from "./_symmetric_eigen.ts";

/** A curvature of all weights `[outputs, features]`, in float64, for data whose noise has variance 1. */
export interface Curvature {
  /** Its eigenvalues, at least 0, one for each weight. */
  readonly values: Float64Array;
  /** What it is made of, under the names by which it is kept. */
  readonly eigen: Readonly<Record<string, Eigen>>;
  /**
   * What outputs vary by when weights do, for each example: `J (values * scale + precision)^-1 J^T`.
   *
   * @param features `[examples, features]`
   * @returns `[examples, outputs, outputs]`
   */
  variances(features: Tensor, scale: number, precision: number): Float64Array;
  /** Weights with the covariance `(values * scale + precision)^-1`, from as many independent standard normal numbers. */
  draw(normal: ArrayLike<number>, scale: number, precision: number): Float64Array;
}

/** Sums over the training examples, in float64. */
export interface Sums {
  /** Number of examples. */
  readonly count: number;
  /** Of `x x^T`, `[features, features]`. */
  readonly inputs: Float64Array;
  /** Of the likelihood's second derivatives in the outputs, `[outputs, outputs]`. */
  readonly outputs: Float64Array;
}

const atLeast0 = ({ values, ...rest }: Eigen): Eigen => ({
  ...rest,
  values: values.map((value) => Math.max(0, value)),
});

/** The rows of eigenvectors as a tensor. */
function rows({ size, vectors }: Eigen, like: Tensor): Tensor {
  return Tensor.from(vectors, [size, size], like.floatType);
}

/**
 * The Kronecker product of two means times the number of examples: exact where the second derivatives are the same for all,
 * as those of squared errors are.
 */
export function kroneckerCurvature({ count, inputs, outputs }: Sums, width: number, units: number): Curvature {
  const right = atLeast0(symmetricEigen(outputs, units));
  const mean = { ...right, values: right.values.map((value) => value / count) };
  return kroneckerOf(atLeast0(symmetricEigen(inputs, width)), mean);
}

/** The Kronecker product of a matrix of features and one of outputs, both taken apart. */
export function kroneckerOf(left: Eigen, right: Eigen): Curvature {
  const [width, units] = [left.size, right.size];
  const values = new Float64Array(units * width);
  for (let j = 0; j < units; j++) {
    for (let i = 0; i < width; i++) values[j * width + i] = left.values[i] * right.values[j];
  }
  return {
    values,
    eigen: { features: left, outputs: right },
    variances(features, scale, precision) {
      const count = features.shape[0];
      const squares = features.matmul(rows(left, features), { transposeB: true }).square();
      const parts = Tensor.from(
        values.map((value) => 1 / (value * scale + precision)),
        [units, width],
        features.floatType,
      );
      const along = squares.matmul(parts, { transposeB: true }).floats; // [examples, units]
      const out = new Float64Array(count * units * units);
      for (let row = 0; row < count; row++) {
        for (let k = 0; k < units; k++) {
          for (let l = 0; l < units; l++) {
            let sum = 0;
            for (let j = 0; j < units; j++) {
              sum += right.vectors[j * units + k] * right.vectors[j * units + l] * along[row * units + j];
            }
            out[(row * units + k) * units + l] = sum;
          }
        }
      }
      return out;
    },
    draw(normal, scale, precision) {
      const half = new Float64Array(units * width);
      for (let j = 0; j < units; j++) {
        for (let i = 0; i < width; i++) {
          const part = normal[j * width + i] / Math.sqrt(values[j * width + i] * scale + precision);
          for (let d = 0; d < width; d++) half[j * width + d] += part * left.vectors[i * width + d];
        }
      }
      const out = new Float64Array(units * width);
      for (let j = 0; j < units; j++) {
        for (let k = 0; k < units; k++) {
          const part = right.vectors[j * units + k];
          for (let d = 0; d < width; d++) out[k * width + d] += part * half[j * width + d];
        }
      }
      return out;
    },
  };
}

/** The whole matrix `[weights, weights]`, whose rows are the weights of the first output, then those of the second, ... */
export function fullCurvature(matrix: Float64Array, width: number, units: number): Curvature {
  return fullOf(atLeast0(symmetricEigen(matrix, width * units)), width);
}

/** The whole matrix, taken apart, for outputs of `width` weights each. */
export function fullOf(all: Eigen, width: number): Curvature {
  const { size, values, vectors } = all;
  const units = size / width;
  return {
    values,
    eigen: { weights: all },
    variances(features, scale, precision) {
      const count = features.shape[0];
      const root = Tensor.from(
        values.map((value) => 1 / Math.sqrt(value * scale + precision)),
        [size],
        features.floatType,
      );
      const whole = rows(all, features);
      const parts = Array.from({ length: units }, (_, k) => {
        const own = whole.slice([0, k * width], [size, (k + 1) * width]);
        return features.matmul(own, { transposeB: true }).mul(root); // [examples, weights]
      });
      const out = new Float64Array(count * units * units);
      for (let k = 0; k < units; k++) {
        for (let l = 0; l <= k; l++) {
          const sums = parts[k].mul(parts[l]).sum(1).floats;
          for (let row = 0; row < count; row++) {
            out[(row * units + k) * units + l] = sums[row];
            out[(row * units + l) * units + k] = sums[row];
          }
        }
      }
      return out;
    },
    draw(normal, scale, precision) {
      const out = new Float64Array(size);
      for (let i = 0; i < size; i++) {
        const part = normal[i] / Math.sqrt(values[i] * scale + precision);
        for (let d = 0; d < size; d++) out[d] += part * vectors[i * size + d];
      }
      return out;
    },
  };
}
