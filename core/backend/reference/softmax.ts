/** Softmax and cross-entropy, plain. @module */
import type { Floats, Ints } from "../arrays.ts";
import type { CrossEntropyShape } from "../softmax.ts";

/** Softmax or its logarithm along rows. */
export function softmax(x: Floats, out: Floats, rows: number, cols: number, log: boolean): void {
  for (let r = 0; r < rows; r++) {
    const at = r * cols;
    let max = -Infinity;
    for (let c = 0; c < cols; c++) max = Math.max(max, x[at + c]);
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += Math.exp(x[at + c] - max);
    const shift = max + Math.log(sum);
    for (let c = 0; c < cols; c++) {
      out[at + c] = log ? x[at + c] - shift : Math.exp(x[at + c] - max) / sum;
    }
  }
}

/** Gradient of softmax or its logarithm. */
export function softmaxGradient(y: Floats, dy: Floats, dx: Floats, rows: number, cols: number, log: boolean): void {
  for (let r = 0; r < rows; r++) {
    const at = r * cols;
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += log ? dy[at + c] : dy[at + c] * y[at + c];
    for (let c = 0; c < cols; c++) {
      dx[at + c] = log ? dy[at + c] - Math.exp(y[at + c]) * sum : y[at + c] * (dy[at + c] - sum);
    }
  }
}

/** Cross-entropy of softmax and its gradient. */
export function crossEntropy(
  logits: Floats,
  labels: Ints,
  weights: Floats | null,
  losses: Floats,
  gradient: Floats,
  shape: CrossEntropyShape,
): void {
  const { rows, cols, smoothing, ignore } = shape;
  for (let r = 0; r < rows; r++) {
    const at = r * cols;
    const label = labels[r];
    if (ignore !== null && label === ignore) {
      losses[r] = 0;
      for (let c = 0; c < cols; c++) gradient[at + c] = 0;
      continue;
    }
    let max = -Infinity;
    for (let c = 0; c < cols; c++) max = Math.max(max, logits[at + c]);
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += Math.exp(logits[at + c] - max);
    const shift = max + Math.log(sum);
    // target[c] = (1 - s) w[y] [c = y] + s / cols w[c]; loss = -sum target[c] log p[c].
    let loss = 0;
    let mass = 0;
    for (let c = 0; c < cols; c++) {
      const weight = weights === null ? 1 : weights[c];
      const target = (c === label ? (1 - smoothing) * weight : 0) + smoothing / cols * weight;
      if (target !== 0) loss -= target * (logits[at + c] - shift);
      mass += target;
    }
    for (let c = 0; c < cols; c++) {
      const weight = weights === null ? 1 : weights[c];
      const target = (c === label ? (1 - smoothing) * weight : 0) + smoothing / cols * weight;
      gradient[at + c] = mass * Math.exp(logits[at + c] - shift) - target;
    }
    losses[r] = loss;
  }
}
