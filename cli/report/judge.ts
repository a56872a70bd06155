/** What a trained model says of its test examples: which it confuses, what it gets most wrong, what its doubts are worth. @module */
import {
  brierScore,
  type Calibration,
  calibration,
  type Dataset,
  evaluationBatches,
  makeBatch,
  type Model,
  negativeLogLikelihood,
  type Plugin,
  predict,
  type Progress,
  readingOf,
} from "../../mod.ts";
import { Mistakes } from "./mistakes.ts";
import { placeOfLargest } from "./names.ts";
import type { ConfusionReport, Histogram, MistakeReport, ReliabilityReport, UncertaintyReport } from "./report_data.ts";

/** What is judged, and how. */
export interface Judging {
  /** The model, at the moment of training at which it was measured. */
  readonly model: Model;
  /** Its data. */
  readonly dataset: Dataset;
  /** Its loss, which says what of the outputs is a prediction. */
  readonly loss: Plugin<"loss">;
  /** How far training had come. */
  readonly progress: Progress;
  /** Told now and then how many of all examples are done; lets the event loop have a turn, and ends it by throwing. */
  readonly turn: (done: number, of: number) => Promise<void>;
}

/** What of a report is found by predicting; nothing of it where each position of an example has a label. */
export interface Judgement {
  readonly confusion?: ConfusionReport;
  readonly mistakes?: readonly MistakeReport[];
  readonly reliability?: ReliabilityReport;
  readonly uncertainty?: UncertaintyReport;
}

/** Classes up to which a confusion matrix is shown. */
const MOST_CLASSES = 100;

/** Monte Carlo passes, test examples that have them, and examples that are run at a time. */
const PASSES = 20;
const SAMPLED = 1000;
const SAMPLED_BATCH = 100;

/** Milliseconds that Monte Carlo passes may take: fewer examples have them where more would be needed. */
const SAMPLED_MS = 5000;

/** Predicts the test examples, without dropout and with. */
export async function judge(judging: Judging): Promise<Judgement> {
  const { dataset, loss, model, progress, turn } = judging;
  const { test, classes } = dataset;
  if (test.labelsPerExample !== undefined || dataset.order === "lanes") return {};
  const mistakes = new Mistakes(dataset);
  const reading = readingOf(dataset, loss);
  const width = classes || dataset.outputs;
  const said = new Float64Array(classes > 0 ? test.count * classes : 0);
  for (const { from, to } of evaluationBatches(dataset, test)) {
    const examples = Uint32Array.from({ length: to - from }, (_, i) => from + i);
    const { mean } = predict(model, makeBatch(test, dataset.outputs, from, to).inputs, {
      ...reading,
      examples,
      progress,
    });
    for (let row = 0; row < to - from; row++) {
      const own = mean.floats.subarray(row * width, (row + 1) * width);
      mistakes.add(from + row, own);
      if (classes > 0) said.set(own, (from + row) * classes);
    }
    await turn(to, test.count);
  }
  const found = mistakes.worst();
  if (classes === 0) return { mistakes: found };
  return {
    ...(classes <= MOST_CLASSES && { confusion: confusionOf(said, test.labels!, classes) }),
    mistakes: found,
    reliability: reliabilityOf(said, test.labels!, classes),
    ...(model.drawingSites(progress).length > 0 && { uncertainty: await sampled(judging) }),
  };
}

function confusionOf(said: Float64Array, labels: ArrayLike<number>, classes: number): ConfusionReport {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < labels.length; row++) {
    counts[labels[row]][placeOfLargest(said, row * classes, (row + 1) * classes)]++;
  }
  return { counts };
}

/** A number that JSON has; null for any other. */
const finite = (value: number) => Number.isFinite(value) ? value : null;

/** Scores of probabilities, each row of which sums to 1 but for rounding. */
function reliabilityOf(said: Float64Array, labels: ArrayLike<number>, classes: number): ReliabilityReport {
  const examples = said.length / classes;
  const rows = normalized(said, classes);
  let wrong = 0;
  for (let row = 0; row < examples; row++) {
    if (placeOfLargest(said, row * classes, (row + 1) * classes) !== labels[row]) wrong++;
  }
  const truths = Array.from({ length: examples }, (_, row) => labels[row]);
  const width: Calibration = calibration(rows, truths);
  return {
    examples,
    error: wrong / examples,
    negativeLogLikelihood: finite(negativeLogLikelihood(rows, truths)),
    brierScore: finite(brierScore(rows, truths)),
    expectedError: finite(width.expectedError),
    overconfidence: finite(width.overconfidence),
    bins: width.bins.map(({ from, to, count, confidence, accuracy }) => ({
      from,
      to,
      count,
      confidence: finite(confidence),
      accuracy: finite(accuracy),
    })),
  };
}

/** Rows that sum to 1 in double precision, as a list of lists. */
function normalized(said: Float64Array, classes: number): number[][] {
  return Array.from({ length: said.length / classes }, (_, row) => {
    const own = Array.from(said.subarray(row * classes, (row + 1) * classes));
    const sum = own.reduce((a, b) => a + b, 0);
    return own.map((value) => value / sum);
  });
}

/** The same averaged over passes with dropout on, of the first test examples. */
async function sampled({ model, dataset, progress, turn }: Judging): Promise<UncertaintyReport | undefined> {
  const { test, classes } = dataset;
  let count = Math.min(test.count, SAMPLED);
  const said: number[] = [];
  const entropies: number[] = [];
  let information = 0;
  const started = performance.now();
  let from = 0;
  while (from < count) {
    const to = Math.min(count, from + SAMPLED_BATCH);
    const examples = Uint32Array.from({ length: to - from }, (_, i) => from + i);
    const { inputs } = makeBatch(test, 0, from, to);
    const found = predict(model, inputs, { samples: PASSES, softmax: true, examples, progress });
    said.push(...found.mean.floats);
    entropies.push(...found.entropy.floats);
    for (const value of found.mutualInformation.floats) information += value;
    from = to;
    await turn(from, count);
    if (performance.now() - started > SAMPLED_MS) count = from;
  }
  const labels = test.labels!.subarray(0, count);
  const all = Float64Array.from(said);
  const right = entropies.map((_, row) => placeOfLargest(all, row * classes, (row + 1) * classes) === labels[row]);
  const of = (wanted: boolean) => entropies.filter((_, row) => right[row] === wanted);
  return {
    ...reliabilityOf(all, labels, classes),
    passes: PASSES,
    right: histogramOf(of(true), Math.log(classes)),
    wrong: histogramOf(of(false), Math.log(classes)),
    entropy: finite(entropies.reduce((a, b) => a + b, 0) / count),
    mutualInformation: finite(information / count),
  };
}

/** Counts in 24 bins from 0 to a largest number. */
export function histogramOf(values: readonly number[], to: number, bins = 24): Histogram {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (Number.isFinite(value)) counts[Math.max(0, Math.min(bins - 1, Math.floor(value / to * bins)))]++;
  }
  return { from: 0, to, counts };
}
