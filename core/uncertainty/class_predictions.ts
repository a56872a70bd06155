/** What several passes say of the classes of many examples, in logarithms, so that no probability becomes 0. @module */

/** The mean over passes, and how unsure it is: one row for each example, or for each of its positions. */
export interface ClassPredictions {
  /** Number of rows. */
  readonly count: number;
  /** Number of classes. */
  readonly classes: number;
  /** Logarithms of the mean probabilities, `[count, classes]`, row after row. */
  readonly logProbabilities: Float64Array;
  /** The entropy of the mean, in nats, of each row. */
  readonly entropy: Float64Array;
  /** Its mutual information with what differs between the passes, in nats: the entropy less the mean of the passes' entropies. */
  readonly mutualInformation: Float64Array;
}

/** Takes up passes row by row. */
export interface ClassGathering {
  /**
   * Takes up what a pass says of a row.
   *
   * @param row which one
   * @param logits logits, or logarithms of probabilities
   * @param from place of the first of them
   */
  add(row: number, logits: ArrayLike<number>, from: number): void;
  /** The predictions, once each row has had each pass. */
  done(): ClassPredictions;
}

/** Gathers the predictions of `count` rows in a number of passes. */
export function classPredictions(count: number, classes: number, passes: number): ClassGathering {
  const logs = new Float64Array(count * classes).fill(-Infinity);
  const expected = new Float64Array(count);
  const own = new Float64Array(classes);
  return {
    add(row, logits, from) {
      let largest = -Infinity;
      for (let k = 0; k < classes; k++) largest = Math.max(largest, logits[from + k]);
      let total = 0;
      for (let k = 0; k < classes; k++) total += Math.exp(logits[from + k] - largest);
      const scale = largest + Math.log(total);
      for (let k = 0; k < classes; k++) own[k] = logits[from + k] - scale;
      expected[row] += entropyOf(own, 0, classes) / passes;
      for (let k = 0; k < classes; k++) {
        // log(a + b) from the logarithms of a and b.
        const [before, now] = [logs[row * classes + k], own[k]];
        const larger = Math.max(before, now);
        if (larger === -Infinity) continue;
        logs[row * classes + k] = larger + Math.log1p(Math.exp(Math.min(before, now) - larger));
      }
    },
    done() {
      const entropy = new Float64Array(count);
      const mutualInformation = new Float64Array(count);
      const means = logs.map((log) => log - Math.log(passes));
      for (let row = 0; row < count; row++) {
        entropy[row] = entropyOf(means, row * classes, classes);
        // What is below 0 is rounding.
        mutualInformation[row] = passes === 1 ? 0 : Math.max(0, entropy[row] - expected[row]);
      }
      return { count, classes, logProbabilities: means, entropy, mutualInformation };
    },
  };
}

/** The entropy in nats, from logarithms of probabilities. */
function entropyOf(logs: ArrayLike<number>, from: number, classes: number): number {
  let sum = 0;
  for (let i = from; i < from + classes; i++) if (logs[i] > -Infinity) sum -= Math.exp(logs[i]) * logs[i];
  return Math.max(0, sum);
}
