/**
 * What a model says of inputs: once, or averaged over Monte Carlo passes.
 *
 * Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016,
 * equations (6) and (7), without the noise term of the latter: mean and variance over passes with dropout on.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import { OptionError, refuseUnknown, ShapeError } from "../errors.ts";
import type { Model } from "../plugin/model.ts";
import type { Progress } from "../plugin/plugin.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Rows } from "../random/rows.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { wholeNumber } from "./whole_number.ts";

const BATCH = 1000;

/** Options of {@linkcode predict}. */
export interface PredictOptions {
  /**
   * Number of Monte Carlo passes, in mode `sample`: from 1 to 16384, or 0 (the default) for one pass in mode `eval`. A
   * pass's number addresses its masks, so the first passes of a longer run are those of a shorter one.
   */
  samples?: number;
  /** Which masks: a whole number in [0, 2^32). Another seed gives other masks of the same model. Default 0. */
  seed?: number;
  /** Most examples that are run at a time, at least 1. No mask depends on it. Default 1000. */
  batchSize?: number;
  /** Whether outputs are logits, whose softmax over the last axis is averaged. Default false. */
  softmax?: boolean;
  /** What is averaged, from the outputs of a pass (after `softmax`): batch first. Default the outputs themselves. */
  read?: (outputs: Tensor) => Tensor;
  /** Number of the first example, when these are part of more: masks belong to an example's number, which is below 2^24. Default 0. */
  first?: number;
  /** The number of each example, where these do not follow each other; in place of `first`. */
  examples?: ArrayLike<number>;
  /**
   * State that recurrent layers carry from one call to the next: a map for each pass, empty at first. All examples are
   * then run at once.
   */
  carry?: readonly Map<string, Tensor>[];
  /** How far training has come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
}

const optionNames: readonly (keyof PredictOptions)[] = [
  "samples",
  "seed",
  "batchSize",
  "softmax",
  "read",
  "first",
  "examples",
  "carry",
  "progress",
];

/** Mean and variance over passes. */
export interface Prediction {
  /** The mean, of the shape of what is averaged. */
  readonly mean: Tensor;
  /** The variance, of the same shape: the mean squared distance from the mean; zeros for one pass. */
  readonly variance: Tensor;
}

/**
 * Runs a model on inputs and returns the mean and the variance over passes, in the model's element type. They outlive the
 * training step in which it may be called; no gradients are recorded.
 *
 * @param model the model
 * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
 * @throws {OptionError} for an option out of range
 * @throws {ShapeError} when the input does not fit the model
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, predict, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(3)]);
 * const model = buildModel(net, { inputShape: [4], seed: 1 });
 * const { mean, variance } = predict(model, Tensor.ones([2, 4]), { samples: 20, softmax: true });
 * assertEquals(mean.shape, [2, 3]);
 * assert(Math.abs(mean.sum().item() - 2) < 1e-5); // probabilities of two examples
 * assert(variance.min().item() > 0); // the passes disagree
 * ```
 */
export function predict(model: Model, x: Tensor | readonly Tensor[], options: PredictOptions = {}): Prediction {
  refuseUnknown(options, optionNames, "predict");
  const samples = wholeNumber(options.samples ?? 0, 0, "predict: samples");
  const seed = wholeNumber(options.seed ?? 0, 0, "predict: seed");
  const first = wholeNumber(options.first ?? 0, 0, "predict: first");
  const batchSize = wholeNumber(options.batchSize ?? BATCH, 1, "predict: batchSize");
  const passes = Math.max(samples, 1);
  const { carry, progress, examples } = options;
  if (carry !== undefined && carry.length < passes) {
    throw new OptionError("predict: carry", `a map for each of ${passes} passes`, carry.length);
  }
  const inputs = x instanceof Tensor ? [x] : x;
  const count = inputs[0]?.shape[0] ?? 0;
  const size = carry === undefined ? batchSize : Math.max(count, 1);
  if (examples !== undefined && examples.length !== count) {
    throw new OptionError("predict: examples", `a number for each of ${count} examples`, examples.length);
  }
  const rowsOf = (from: number, to: number) => {
    if (examples === undefined) return Rows.range({ first: first + from, step: seed });
    return Rows.of(Array.from(examples).slice(from, to).map((sample) => ({ sample, step: seed })));
  };
  let result: Moments | undefined;
  // An empty batch is run too, for the shape of its output.
  for (let from = 0; from === 0 || from < count; from += size) {
    const to = Math.min(from + size, count);
    const take = (raw: Tensor, pass: number) => {
      const outputs = options.softmax ? raw.softmax() : raw;
      const values = options.read?.(outputs) ?? outputs;
      if (values.rank === 0 || values.shape[0] !== to - from) {
        throw new ShapeError(`predict: expected what is averaged to have ${to - from} rows, found ${values}.`);
      }
      result ??= new Moments([count, ...values.shape.slice(1)]);
      result.add(values, from, pass);
    };
    recycling(() =>
      noGrad(() => {
        const part = from === 0 && to === count ? inputs : inputs.map((input) => rows(input, from, to));
        const at = rowsOf(from, to);
        if (samples === 0) {
          take(model.forward(part, { mode: "eval", rows: at, carry: carry?.[0], progress }), 0);
        } else if (carry === undefined) {
          model.sample(part, { passes, rows: at, progress }, take);
        } else {
          // States are carried for each pass by itself.
          for (let pass = 0; pass < passes; pass++) {
            const run = { mode: "sample", rows: at.atPass(pass), carry: carry[pass], progress } as const;
            recycling(() => take(model.forward(part, run), pass));
          }
        }
      })
    );
  }
  return result!.over(passes, model.dtype);
}

/** Running mean and summed squared distances from it (Welford's recurrences), in float64. */
class Moments {
  readonly #shape: readonly number[];
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(shape: readonly number[]) {
    this.#shape = shape;
    this.#mean = new Float64Array(sizeOf(shape));
    this.#squares = new Float64Array(sizeOf(shape));
  }

  /** Takes up the values of some rows in a pass; passes come in order for each row. */
  add(values: Tensor, from: number, pass: number): void {
    const start = from * sizeOf(this.#shape.slice(1));
    const numbers = values.storage.array;
    for (let i = 0; i < numbers.length; i++) {
      const before = numbers[i] - this.#mean[start + i];
      this.#mean[start + i] += before / (pass + 1);
      this.#squares[start + i] += before * (numbers[i] - this.#mean[start + i]);
    }
  }

  over(passes: number, dtype: Tensor["floatType"]): Prediction {
    return {
      mean: Tensor.from(this.#mean, this.#shape, dtype).keep(),
      variance: Tensor.from(this.#squares.map((sum) => sum / passes), this.#shape, dtype).keep(),
    };
  }
}

/** A copy of some rows, of numbers or indices. */
function rows(x: Tensor, from: number, to: number): Tensor {
  const width = sizeOf(x.shape.slice(1));
  const part = Tensor.empty([to - from, ...x.shape.slice(1)], x.dtype);
  part.storage.array.set(x.storage.array.subarray(from * width, to * width));
  return part;
}
