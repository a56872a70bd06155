/**
 * Calibration of a classifier: of the examples to which it gives a confidence of 0.8, are 80 % right?
 *
 * Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015; Guo, Pleiss, Sun,
 * Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2.
 *
 * @module
 */
import { OptionError, refuseUnknown } from "../errors.ts";
import type { NumberData } from "../tensor/read_numbers.ts";
import { argmaxOf, labeledProbabilities } from "./_given.ts";

/** Options of {@linkcode calibration}. */
export interface CalibrationOptions {
  /** Number of bins, at least 1. Default 15. */
  bins?: number;
  /**
   * How confidences fall into bins. `width`: M bins of the same width, `((m - 1) / M, m / M]`, the first with 0 too. `mass`:
   * bins with as many examples each as can be; examples of equal confidence stay together, in the bin where the middle of
   * their ranks falls. Default `width`.
   */
  binning?: "width" | "mass";
}

/** The examples whose confidence falls into a bin. */
export interface CalibrationBin {
  /** The least confidence of the bin: its edge, or with `mass` that of an example; NaN where such a bin is empty. */
  readonly from: number;
  /** The greatest. */
  readonly to: number;
  /** How many examples are in it. */
  readonly count: number;
  /** Their mean confidence; NaN for none. */
  readonly confidence: number;
  /** The part of them that is right, in [0, 1]; NaN for none. */
  readonly accuracy: number;
}

/** What {@linkcode calibration} finds: a reliability diagram, and its distances from the diagonal. */
export interface Calibration {
  /** The bins, by rising confidence; empty ones too. */
  readonly bins: readonly CalibrationBin[];
  /** The expected calibration error: mean over examples of their bin's `|accuracy - confidence|`, in [0, 1]. */
  readonly expectedError: number;
  /** The root of the mean square of that. */
  readonly rootMeanSquareError: number;
  /** The maximum calibration error: the largest over bins that are not empty. */
  readonly maximumError: number;
  /** Mean confidence minus accuracy: above 0 for a model that is too sure of itself. */
  readonly overconfidence: number;
}

/**
 * The reliability of a classifier's confidence, the probability of the class it predicts (the first among equal ones), in
 * bins: the expected calibration error (ECE) and its kin. Empty bins count nothing.
 *
 * Edges are those of Guo et al., closed above. TorchMetrics closes them below and puts a confidence of exactly 1 into a bin of
 * its own; elsewhere its `multiclass_calibration_error` with norms `l1`, `l2` and `max` gives the same three errors.
 *
 * @param probabilities `[examples, classes]`, nested or one row after the other; each row sums to 1
 * @param labels the true class of each example
 * @throws {DataError} for what are no probabilities, or labels outside of the classes
 * @throws {OptionError} for an option out of range
 *
 * @example
 * ```ts
 * import { calibration } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // Two examples with confidence 0.9, of which one is right.
 * const { expectedError } = calibration([[0.9, 0.1], [0.9, 0.1]], [0, 1]);
 * assertAlmostEquals(expectedError, 0.4);
 * ```
 */
export function calibration(
  probabilities: NumberData,
  labels: ArrayLike<number>,
  options: CalibrationOptions = {},
): Calibration {
  refuseUnknown(options, ["bins", "binning"], "calibration");
  const { bins = 15, binning = "width" } = options;
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new OptionError("calibration.bins", "a whole number of at least 1", bins);
  }
  if (binning !== "width" && binning !== "mass") {
    throw new OptionError("calibration.binning", '"width" or "mass"', binning);
  }
  const { numbers, count, classes } = labeledProbabilities(probabilities, labels, "calibration");
  const confidences = new Float64Array(count);
  const right = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    const best = argmaxOf(numbers, row, classes);
    confidences[row] = Math.min(1, numbers[row * classes + best]);
    right[row] = best === labels[row] ? 1 : 0;
  }
  const binOf = binning === "width" ? byWidth(confidences, bins) : byMass(confidences, bins);
  const counts = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  const accuracy = new Float64Array(bins);
  const from = new Float64Array(bins).fill(NaN);
  const to = new Float64Array(bins).fill(NaN);
  for (let row = 0; row < count; row++) {
    const bin = binOf[row];
    counts[bin]++;
    confidence[bin] += confidences[row];
    accuracy[bin] += right[row];
    if (!(from[bin] <= confidences[row])) from[bin] = confidences[row];
    if (!(to[bin] >= confidences[row])) to[bin] = confidences[row];
  }
  const found = Array.from(counts, (size, bin): CalibrationBin => ({
    from: binning === "width" ? bin / bins : from[bin],
    to: binning === "width" ? (bin + 1) / bins : to[bin],
    count: size,
    confidence: confidence[bin] / size,
    accuracy: accuracy[bin] / size,
  }));
  const gaps = found.filter(({ count }) => count > 0)
    .map((bin) => ({ weight: bin.count / count, gap: bin.confidence - bin.accuracy }));
  return {
    bins: found,
    expectedError: gaps.reduce((sum, { weight, gap }) => sum + weight * Math.abs(gap), 0),
    rootMeanSquareError: Math.sqrt(gaps.reduce((sum, { weight, gap }) => sum + weight * gap * gap, 0)),
    maximumError: Math.max(...gaps.map(({ gap }) => Math.abs(gap))),
    overconfidence: gaps.reduce((sum, { weight, gap }) => sum + weight * gap, 0),
  };
}

function byWidth(confidences: Float64Array, bins: number): Int32Array {
  return Int32Array.from(confidences, (confidence) => {
    // The edges as a reader computes them; a product with the number of bins may fall on the wrong side of one.
    let bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    if (confidence <= bin / bins && bin > 0) bin--;
    else if (confidence > (bin + 1) / bins && bin < bins - 1) bin++;
    return bin;
  });
}

function byMass(confidences: Float64Array, bins: number): Int32Array {
  const count = confidences.length;
  const order = Uint32Array.from(confidences, (_, row) => row).sort((a, b) => confidences[a] - confidences[b]);
  const binOf = new Int32Array(count);
  for (let from = 0, to = 0; from < count; from = to) {
    while (to < count && confidences[order[to]] === confidences[order[from]]) to++;
    const bin = Math.floor(bins * (from + to) / (2 * count));
    for (let rank = from; rank < to; rank++) binOf[order[rank]] = bin;
  }
  return binOf;
}
