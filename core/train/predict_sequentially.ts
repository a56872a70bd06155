/**
 * Monte Carlo passes only for as long as an example needs them: sampling stops once its class is settled.
 *
 * @module
 */
import { OptionError, refuseUnknown, ShapeError, showShape } from "../errors.ts";
import { gatherRows } from "../plugin/branch.ts";
import type { Model } from "../plugin/model.ts";
import type { Progress } from "../plugin/plugin.ts";
import { Rows } from "../random/rows.ts";
import { Tensor } from "../tensor/tensor.ts";
import { ClassPasses } from "../uncertainty/class_passes.ts";
import { ClassRace } from "../uncertainty/class_race.ts";
import { wholeNumber } from "./whole_number.ts";

/** Passes that addresses tell apart. */
const MOST_PASSES = 2 ** 14;

/** Samples that addresses tell apart; those of more examples begin again. */
const SAMPLES = 2 ** 24;

/** Numbers of pairs of classes that are kept at a time. */
const MOST_PAIRS = 2 ** 21;

/** Options of {@linkcode predictSequentially}. */
export interface SequentialPredictionOptions {
  /** Most passes for an example, from 1 to 16384. Default 1000. */
  samples?: number;
  /** The probability, in (0, 1), with which an example may be settled at a wrong class. Default 0.01. */
  error?: number;
  /** Which masks: a whole number in [0, 2^32). Default 0. */
  seed?: number;
  /** Which places of the model draw: see `PredictOptions.sites`. */
  sites?: readonly string[];
  /** Most examples that are run at a time, at least 1. No result depends on it. Default 1000. */
  batchSize?: number;
  /** Number of the first example, when these are part of more. Default 0. */
  first?: number;
  /** How far training has come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
}

/** What {@linkcode predictSequentially} gives. */
export interface SequentialPrediction {
  /** Mean probability of each class over the passes that were drawn for the example, `[batch, classes]`. */
  readonly mean: Tensor;
  /** The class that each example is settled at; of one that is still open, the most probable in the mean. */
  readonly classes: readonly number[];
  /** How many passes were drawn for each example. */
  readonly passes: readonly number[];
  /** Whether each example's class is settled. */
  readonly settled: readonly boolean[];
}

/** Sums over the passes of the examples of one batch. */
class Open {
  readonly race: ClassRace;
  readonly sums: Float64Array<ArrayBuffer>;
  readonly passes: number[];

  constructor(rows: number, classes: number, error: number) {
    this.race = new ClassRace(rows, classes, error);
    this.sums = new Float64Array(rows * classes);
    this.passes = new Array<number>(rows).fill(0);
  }
}

/**
 * Runs Monte Carlo passes over examples until the class of each is settled: until it is known, with a stated probability of
 * error, which class has the largest mean probability over all masks. Passes are run in rounds, each a quarter longer than all
 * before it together; examples that are settled leave, and the others are gathered. Pass t of an example is the one that `predict`
 * makes, whatever the batch.
 *
 * The probability that an example is settled at another class than the one with the largest mean over all masks is at most
 * `error`, though one looks after every pass: see {@linkcode ClassRace}. An example without a clear winner, such as one
 * that two classes share, takes all passes.
 *
 * @param model the model, whose outputs `[batch, classes]` are logits
 * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
 * @throws {OptionError} for an option out of range
 * @throws {ShapeError} when the input does not fit the model, or its outputs are not those of one class an example
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, predictSequentially, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(3)]);
 * const model = buildModel(net, { inputShape: [4], seed: 1 });
 * const { classes, passes, settled } = predictSequentially(model, Tensor.ones([2, 4]), { samples: 500, error: 0.05 });
 * assertEquals([classes.length, settled.length], [2, 2]);
 * assert(passes.every((drawn, i) => drawn === 500 || settled[i]));
 * ```
 */
export function predictSequentially(
  model: Model,
  x: Tensor | readonly Tensor[],
  options: SequentialPredictionOptions = {},
): SequentialPrediction {
  refuseUnknown(
    options,
    ["samples", "error", "seed", "sites", "batchSize", "first", "progress"],
    "predictSequentially",
  );
  const { error = 0.01, sites, progress } = options;
  const samples = wholeNumber(options.samples ?? 1000, 1, "predictSequentially: samples");
  if (samples > MOST_PASSES) {
    throw new OptionError("predictSequentially: samples", `a whole number in [1, ${MOST_PASSES}]`, samples);
  }
  if (!(error > 0 && error < 1)) {
    throw new OptionError("predictSequentially: error", "a probability in (0, 1)", error);
  }
  const seed = wholeNumber(options.seed ?? 0, 0, "predictSequentially: seed");
  const offset = wholeNumber(options.first ?? 0, 0, "predictSequentially: first");
  const asked = wholeNumber(options.batchSize ?? 1000, 1, "predictSequentially: batchSize");
  const { outputShape } = model;
  const [classes] = outputShape;
  if (outputShape.length !== 1 || classes < 2) {
    throw new ShapeError(
      `predictSequentially: expected outputs [batch, classes] of at least 2 classes, found ` +
        `[batch, ...${showShape(outputShape)}].`,
    );
  }
  const inputs = x instanceof Tensor ? [x] : x;
  const count = inputs[0]?.shape[0] ?? 0;
  const size = Math.max(1, Math.min(asked, Math.floor(MOST_PAIRS / classes ** 2)));
  const mean = new Float64Array(count * classes);
  const found = { classes: [] as number[], passes: [] as number[], settled: [] as boolean[] };
  for (let first = 0; first < count; first += size) {
    const rows = Math.min(size, count - first);
    const state = new Open(rows, classes, error);
    const { fewest } = state.race;
    let open = Array.from({ length: rows }, (_, row) => row);
    // The length of a round follows from the passes before it alone, so that no result depends on the batch.
    for (let from = 0, round = fewest; from < samples && open.length > 0; from += round, round = Math.ceil(from / 4)) {
      const passes = Math.min(round, samples - from);
      const of = open.map((row) => first + row);
      const part = inputs.map((input) => gatherRows(input, of));
      const at = Rows.of(of.map((row) => ({ sample: (offset + row) % SAMPLES, step: seed })));
      const reader = new ClassPasses(open.length, classes);
      model.sample(part, { passes, from, rows: at, progress, sites }, (outputs) => {
        reader.add(outputs.floats);
        open.forEach((row, i) => {
          state.race.add(row, reader.probabilities, i * classes);
          state.passes[row]++;
          for (let j = 0; j < classes; j++) state.sums[row * classes + j] += reader.probabilities[i * classes + j];
        });
      });
      open = open.filter((row) => state.race.winner(row) < 0);
    }
    for (let row = 0; row < rows; row++) {
      const own = state.sums.subarray(row * classes, (row + 1) * classes).map((sum) => sum / state.passes[row]);
      mean.set(own, (first + row) * classes);
      const winner = state.race.winner(row);
      found.classes.push(winner >= 0 ? winner : own.indexOf(Math.max(...own)));
      found.passes.push(state.passes[row]);
      found.settled.push(winner >= 0);
    }
  }
  return { mean: Tensor.from(mean, [count, classes], model.dtype), ...found };
}
