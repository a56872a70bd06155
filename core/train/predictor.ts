/** Ways to predict: one model, an ensemble, or whatever else gives outputs for inputs, once or in several passes. @module */
import { OptionError } from "../errors.ts";
import { Model } from "../plugin/model.ts";
import type { Progress } from "../plugin/plugin.ts";
import { Rows } from "../random/rows.ts";
import { recycling } from "../tensor/storage.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { wholeNumber } from "./whole_number.ts";

/** Samples that addresses tell apart; those of larger data sets begin again. */
const SAMPLES = 2 ** 24;

/** Some examples to predict. */
export interface PredictorBatch {
  /** `[batch, ...inputShape]`. */
  readonly inputs: Tensor;
  /** The number of each example among all of them, which addresses its draws. */
  readonly examples: ArrayLike<number>;
  /**
   * State that recurrent layers carry from one batch to the next: a map for each pass, empty at first. Default: each batch
   * begins anew.
   */
  readonly carry?: readonly Map<string, Tensor>[];
}

/** What gives outputs, the logits of classes or numbers, in one pass or in several that count alike. */
export interface Predictor {
  /** Number of passes, at least 1. */
  readonly passes: number;
  /**
   * Runs all passes over some examples.
   *
   * @param visit called with the output of each pass, batch first, in their order, and where a pass says how unsure its
   *   numbers are, beside the noise of the data, with that variance in the same shape; both last until it returns
   */
  run(batch: PredictorBatch, visit: (outputs: Tensor, pass: number, variance?: Tensor) => void): void;
}

/** Whether something predicts in its own way, in place of being a model or several. */
export function isPredictor(of: Model | readonly (Model | Member)[] | Predictor): of is Predictor {
  return !(of instanceof Model) && !Array.isArray(of);
}

/** A model at a moment of its training. */
export interface Member {
  /** The model. */
  readonly model: Model;
  /** How far training has come, for options that are schedules. Default: its beginning. */
  readonly progress?: Progress;
}

/** Options of {@linkcode predictorOf}. */
export interface PredictorOptions {
  /** Monte Carlo passes of each model, in mode `sample`: from 1 to 16384, or 0 (the default) for one in mode `eval`. */
  samples?: number;
  /** Which masks: a whole number in [0, 2^32). Default 0. */
  seed?: number;
  /** How far training has come, for models that are given without it. Default: its beginning. */
  progress?: Progress;
}

/**
 * The way to predict that is one model, or the mean of several: a deep ensemble (Lakshminarayanan, Pritzel, Blundell, "Simple and
 * Scalable Predictive Uncertainty Estimation Using Deep Ensembles", NIPS 2017). Passes of the first model come first.
 *
 * @param of a model, models, or models each at its moment of training
 * @throws {OptionError} for no model, models of other shapes, and an option out of range
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, predictorOf, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const net = sequential([dropout({ rate: 0.5 }), dense(3)]);
 * const members = [1, 2].map((seed) => buildModel(net, { inputShape: [4], seed }));
 * const passes: number[] = [];
 * const ensemble = predictorOf(members, { samples: 2 });
 * ensemble.run({ inputs: Tensor.ones([1, 4]), examples: [0] }, (_outputs, pass) => passes.push(pass));
 * assertEquals(passes, [0, 1, 2, 3]);
 * ```
 */
export function predictorOf(of: Model | readonly (Model | Member)[], options: PredictorOptions = {}): Predictor {
  const samples = wholeNumber(options.samples ?? 0, 0, "samples");
  const seed = wholeNumber(options.seed ?? 0, 0, "seed");
  const given = of instanceof Model ? [of] : of;
  const members = given.map((one): Member => one instanceof Model ? { model: one, progress: options.progress } : one);
  if (members.length === 0) throw new OptionError("models", "at least one", members);
  const shape = JSON.stringify(members[0].model.inputShapes);
  const other = members.find(({ model }) => JSON.stringify(model.inputShapes) !== shape);
  if (other !== undefined) {
    throw new OptionError("models", `models for inputs of the same shape, ${shape}`, other.model.inputShapes);
  }
  const each = Math.max(samples, 1);
  return {
    passes: members.length * each,
    run({ inputs, examples, carry }, visit) {
      const rows = Rows.of(Array.from(examples, (example) => ({ sample: example % SAMPLES, step: seed })));
      members.forEach(({ model, progress }, member) => {
        const before = member * each;
        if (samples > 0 && carry === undefined) {
          model.sample(inputs, { passes: samples, rows, progress }, (outputs, pass) => visit(outputs, before + pass));
          return;
        }
        const mode = samples === 0 ? "eval" : "sample";
        for (let pass = 0; pass < each; pass++) {
          const run = { mode, rows: rows.atPass(pass), carry: carry?.[before + pass], progress } as const;
          recycling(() => visit(model.forward(inputs, run), before + pass));
        }
      });
    },
  };
}
