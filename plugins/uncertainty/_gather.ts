/** Sums over training examples that the curvature of a last layer is made of. @module */
import {
  type Dataset,
  evaluationBatches,
  makeBatch,
  noGrad,
  recycling,
  type Split,
  type Tensor,
} from "../../core/mod.ts";
import type { Sums } from "./_curvature.ts";

/** What the sums are of. */
interface GatherOptions {
  /** The layer's inputs. */
  readonly features: (inputs: Tensor, carry?: Map<string, Tensor>) => Tensor;
  /** `[outputs, features]`. */
  readonly weight: Tensor;
  /** Whether the full matrix is wanted. */
  readonly full: boolean;
}

/** The sums, and how well the layer fits. */
export interface Gathered extends Sums {
  /** The whole matrix, where it is wanted: all weights of the first output, then those of the second, ... */
  readonly full?: Float64Array;
  /** The logarithm of the likelihood of classes. */
  readonly logLikelihood: number;
  /** The sum of the squared distances of numbers. */
  readonly squares: number;
}

/** Visits the examples of a part batch by batch. */
export function eachBatch(
  data: Dataset,
  split: Split,
  visit: (batch: { inputs: Tensor; targets: Tensor; carry: Map<string, Tensor> | undefined }) => void,
): void {
  const carry = new Map<string, Tensor>();
  for (const { from, to, order, carried } of evaluationBatches(data, split)) {
    recycling(() =>
      noGrad(() => visit({ ...makeBatch(split, data.outputs, from, to, order), carry: carried ? carry : undefined }))
    );
  }
}

/** Adds numbers to sums. */
function add(sums: Float64Array, more: Tensor): void {
  const numbers = more.storage.array;
  for (let i = 0; i < sums.length; i++) sums[i] += numbers[i];
}

/** Sums over all examples of a part. */
export function gather(data: Dataset, split: Split, { features, weight, full }: GatherOptions): Gathered {
  const [units, width] = weight.shape;
  const inputs = new Float64Array(width * width);
  const outputs = new Float64Array(units * units);
  const whole = full ? new Float64Array((units * width) ** 2) : undefined;
  let [count, logLikelihood, squares] = [0, 0, 0];
  eachBatch(data, split, ({ inputs: x, targets, carry }) => {
    const rows = features(x, carry);
    const found = rows.matmul(weight, { transposeB: true });
    count += rows.shape[0];
    add(inputs, rows.matmul(rows, { transposeA: true }));
    if (data.classes === 0) {
      squares += found.sub(targets).square().sum().item();
      for (let k = 0; k < units; k++) outputs[k * units + k] += rows.shape[0];
      if (whole !== undefined) {
        const gram = rows.matmul(rows, { transposeA: true }).storage.array;
        for (let k = 0; k < units; k++) place(whole, gram, k, k, width, units);
      }
      return;
    }
    const logs = found.logSoftmax();
    const p = logs.exp();
    const labels = targets.ints;
    for (let row = 0; row < labels.length; row++) logLikelihood += logs.floats[row * units + labels[row]];
    // The second derivatives of cross-entropy: diag(p) - p p^T.
    const own = p.sum(0).floats;
    const product = p.matmul(p, { transposeA: true }).floats;
    for (let i = 0; i < outputs.length; i++) outputs[i] -= product[i];
    for (let k = 0; k < units; k++) outputs[k * units + k] += own[k];
    if (whole === undefined) return;
    const columns = Array.from({ length: units }, (_, k) => p.slice([0, k], [p.shape[0], k + 1]));
    for (let k = 0; k < units; k++) {
      for (let l = 0; l <= k; l++) {
        const second = k === l ? columns[k].mul(columns[k].neg().add(1)) : columns[k].mul(columns[l]).neg();
        const gram = rows.mul(second).matmul(rows, { transposeA: true }).storage.array;
        place(whole, gram, k, l, width, units);
        if (k !== l) place(whole, gram, l, k, width, units);
      }
    }
  });
  return { count, inputs, outputs, full: whole, logLikelihood, squares };
}

/** Adds a block, which is symmetric, to the whole matrix. */
function place(
  whole: Float64Array,
  block: ArrayLike<number>,
  k: number,
  l: number,
  width: number,
  units: number,
): void {
  const size = width * units;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) whole[(k * width + i) * size + l * width + j] += block[i * width + j];
  }
}
