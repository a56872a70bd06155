/** Softmax, its logarithm, and cross-entropy, each with its gradient. @module */
import * as kernels from "../../backend/kernels.ts";
import { record } from "../autograd.ts";
import { DataError, ShapeError, showShape } from "../../errors.ts";
import { normalizeAxis } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { checkTypes } from "./elementwise.ts";
import { transpose } from "./movement.ts";

function alongRows(x: Tensor, log: boolean): Tensor {
  const cols = x.shape[x.rank - 1];
  const rows = x.size / Math.max(cols, 1);
  const out = Tensor.empty(x.shape, x.dtype);
  kernels.softmax(x.floats, out.floats, rows, cols, log);
  return record(log ? "logSoftmax" : "softmax", [x], out, (dy) => {
    const dx = Tensor.empty(x.shape, x.dtype);
    kernels.softmaxGradient(out.floats, dy.floats, dx.floats, rows, cols, log);
    return [dx];
  });
}

/** Softmax, or its logarithm, along an axis. */
export function softmax(x: Tensor, axisIn = -1, log = false): Tensor {
  const axis = normalizeAxis(axisIn, x.rank, log ? "logSoftmax" : "softmax");
  if (axis === x.rank - 1) return alongRows(x, log);
  const order = x.shape.map((_, i) => i);
  [order[axis], order[x.rank - 1]] = [order[x.rank - 1], order[axis]];
  return transpose(alongRows(transpose(x, order), log), order);
}

/** Settings of {@linkcode crossEntropyRows}. */
export interface CrossEntropyOptions {
  /** Label smoothing in [0, 1]; default 0. */
  labelSmoothing?: number;
  /** A weight for each class, `[classes]`; default 1 for all. */
  weights?: Tensor;
  /** Rows with this label count nothing. */
  ignoreIndex?: number;
}

/**
 * Cross-entropy of softmax(logits) with the labels, one loss a row, fused with its gradient.
 *
 * @param logits `[batch, classes]`
 * @param labels int32 `[batch]`, in [0, classes)
 * @throws {DataError} naming a label outside the classes
 */
export function crossEntropyRows(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  if (logits.rank !== 2 || labels.rank !== 1 || labels.shape[0] !== logits.shape[0]) {
    throw new ShapeError(
      `crossEntropy: expected logits [batch, classes] and labels [batch], ` +
        `found ${showShape(logits.shape)} and ${showShape(labels.shape)}.`,
    );
  }
  const [rows, cols] = logits.shape;
  const ignore = options.ignoreIndex ?? null;
  const values = labels.ints;
  for (let row = 0; row < rows; row++) {
    if ((values[row] < 0 || values[row] >= cols) && values[row] !== ignore) {
      throw new DataError(`crossEntropy: expected labels in [0, ${cols}), found ${values[row]} at row ${row}.`);
    }
  }
  const weights = options.weights;
  if (weights !== undefined && weights.size !== cols) {
    throw new ShapeError(`crossEntropy: expected ${cols} class weights, found shape ${showShape(weights.shape)}.`);
  }
  if (weights !== undefined) checkTypes("crossEntropy", logits, weights);
  const losses = Tensor.empty([rows], logits.dtype);
  const slope = Tensor.empty(logits.shape, logits.dtype);
  kernels.crossEntropy(
    logits.floats,
    values,
    weights?.floats ?? null,
    losses.floats,
    slope.floats,
    { rows, cols, smoothing: options.labelSmoothing ?? 0, ignore },
  );
  return record("crossEntropy", [logits], losses, (dy) => [slope.mul(dy.reshape([rows, 1]))]);
}
