/** An optimizer for a loop of one's own. @module */
import { OptionError, refuseUnknown, ShapeError, showShape } from "../errors.ts";
import { refuseNonFinite } from "./non_finite.ts";
import { clipGradients, type GradientClipping, OptimizerDriver, type ParameterGroup } from "./optimizer.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import { type FrozenPart, trainedParameters } from "../plugin/frozen_part.ts";
import type { Model, Parameter } from "../plugin/model.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How {@linkcode optimizerFor} updates. */
export interface OptimizerForOptions {
  /** Parameters that are updated with other options of the optimizer. */
  parameterGroups?: readonly ParameterGroup[];
  /** Parameters that stay as they are: see {@linkcode LearningOptions.freeze}. Default: none. */
  freeze?: readonly string[];
  /** Limits on the gradients of a step. */
  clip?: GradientClipping;
  /** What random numbers of optimizers and constraints follow from: a whole number in [0, 2^53). Default 0. */
  seed?: number;
  /** Steps that make an epoch, for schedules: see {@linkcode stepsPerEpoch}. Default: schedules stay at their beginning. */
  stepsPerEpoch?: number;
  /** Steps of the whole run, for schedules. Default: they stay at their beginning. */
  totalSteps?: number;
}

/** An optimizer at work on a model, which counts its steps. Made by {@linkcode optimizerFor}. */
export class ModelOptimizer {
  /** What it updates: the model's parameters but those that stay as they are, in their order. */
  readonly weights: readonly Tensor[];
  readonly #model: Model;
  readonly #parameters: readonly Parameter[];
  readonly #frozen: FrozenPart | null;
  readonly #driver: OptimizerDriver;
  readonly #clip: GradientClipping | undefined;
  readonly #length: Omit<Progress, "step">;
  #last = -1;

  /** Prefer {@linkcode optimizerFor}. */
  constructor(model: Model, plugin: Plugin<"optimizer">, options: OptimizerForOptions = {}) {
    refuseUnknown(
      options,
      ["parameterGroups", "freeze", "clip", "seed", "stepsPerEpoch", "totalSteps"],
      "optimizerFor",
    );
    if (!isPlugin(plugin, "optimizer")) throw new OptionError("optimizerFor", "an optimizer plugin", plugin);
    const { parameterGroups, freeze = [], clip, seed, stepsPerEpoch = Infinity, totalSteps = Infinity } = options;
    this.#frozen = freeze.length === 0 ? null : model.frozen(freeze, "optimizerFor.freeze");
    this.#parameters = trainedParameters(model.parameters(), this.#frozen);
    this.weights = this.#parameters.map(({ tensor }) => tensor);
    this.#model = model;
    this.#driver = new OptimizerDriver(plugin, model, parameterGroups, seed, this.#frozen);
    this.#clip = clip;
    this.#length = { stepsPerEpoch, totalSteps };
  }

  /** Updates done: the number of the step that is next. */
  get step(): number {
    return this.#driver.iteration;
  }

  /** How a pass of the step that is next is run: in mode `train`, with masks of its own. For `model.forward`. */
  get run(): { readonly mode: "train"; readonly progress: Progress; readonly frozen?: FrozenPart } {
    const run = { mode: "train", progress: { ...this.#length, step: this.step } } as const;
    return this.#frozen === null ? run : { ...run, frozen: this.#frozen };
  }

  /**
   * Updates the weights and applies their constraints: one step.
   *
   * @param gradients one for each of `weights`, in their order; null leaves one as it is
   * @throws {ShapeError} when they are not those of the weights
   * @throws {DivergenceError} when one is not finite
   * @throws {OptionError} when the model was not run at a later step than for the update before, so that it would be
   *   trained under the same masks again
   */
  update(gradients: readonly (Tensor | null)[]): void {
    this.#check(gradients);
    refuseNonFinite(gradients, this.#parameters, this.step);
    const { trainedAt } = this.#model;
    if (trainedAt !== undefined && trainedAt <= this.#last) {
      throw new OptionError(
        "forward: step",
        `one after ${this.#last}, that of the update before, or its masks come again: give forward the optimizer's run`,
        trainedAt,
      );
    }
    if (this.#clip !== undefined) clipGradients(gradients.filter((gradient) => gradient !== null), this.#clip);
    this.#driver.update(gradients, this.run.progress);
    this.#last = trainedAt ?? this.#last;
  }

  #check(gradients: readonly (Tensor | null)[]): void {
    if (gradients.length !== this.weights.length) {
      throw new ShapeError(
        `update: expected a gradient for each of ${this.weights.length} parameters, found ${gradients.length}.`,
      );
    }
    gradients.forEach((gradient, i) => {
      const { name, tensor: { shape } } = this.#parameters[i];
      if (gradient === null || sameShape(gradient.shape, shape)) return;
      throw new ShapeError(
        `update: expected a gradient of shape ${showShape(shape)} for ${name}, found ${showShape(gradient.shape)}.`,
      );
    });
  }

  /** What it keeps beside the weights, by name, such as `velocity/1.weight`: to be written, and overwritten, by a loop. */
  slots(): Map<string, Tensor> {
    return this.#driver.slots();
  }

  /** Goes on as if `step` updates had been done; weights and slots are the caller's to restore. */
  resume(step: number): void {
    this.#driver.resume(step);
  }
}

/**
 * An optimizer for a loop of one's own. It counts the steps, which address the masks: `optimizer.run` is what
 * `model.forward` is told.
 *
 * The loop below does what `fit` does with the same seed, bit for bit. Plugins that add a penalty to the loss, such as
 * `concreteDropout`, are run by `model.forwardWithPenalty`. A step inside of `recycling(() => { ... })` gives its buffers
 * back, so that none is allocated.
 *
 * @param model the model
 * @param optimizer the optimizer plugin
 * @throws {OptionError} for an option out of range
 *
 * @example
 * ```ts
 * import { batchesOf, buildModel, crossEntropy, dense, digits, dropout, evaluate } from "@thinned/dropout";
 * import { gradients, loadDataset, lossOf, optimizerFor, relu, sequential, sgd } from "@thinned/dropout";
 *
 * const data = await loadDataset(digits({ train: 200, test: 200 }));
 * const net = sequential([dense(32), relu(), dropout({ rate: 0.2 }), dense(10)]);
 * const model = buildModel(net, { inputShape: data.train.shape, seed: 1 });
 * const optimizer = optimizerFor(model, sgd({ learningRate: 0.1, momentum: 0.9 }));
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   for (const { inputs, targets } of batchesOf(data, { epoch, batchSize: 50, seed: 1 })) {
 *     const outputs = model.forward(inputs, optimizer.run);
 *     optimizer.update(gradients(lossOf(crossEntropy(), outputs, targets), optimizer.weights));
 *   }
 *   console.log(`epoch ${epoch + 1}: test error ${evaluate(model, data).error}`);
 * }
 * ```
 */
export function optimizerFor(
  model: Model,
  optimizer: Plugin<"optimizer">,
  options: OptimizerForOptions = {},
): ModelOptimizer {
  return new ModelOptimizer(model, optimizer, options);
}
