/**
 * Runs a learning plugin: gradients that come about in another way than by differentiating a loss through the whole model.
 *
 * @module
 */
import type { Batch } from "./batches.ts";
import { PluginError, ShapeError, show, showShape } from "../errors.ts";
import { type FrozenPart, trainedParameters } from "../plugin/frozen_part.ts";
import type { Model } from "../plugin/model.ts";
import { locate } from "../plugin/locate.ts";
import { optionsAt } from "../plugin/options.ts";
import type {
  ExpectationForm,
  LearnContext,
  LearnPass,
  LossValue,
  Moments,
  Plugin,
  Progress,
} from "../plugin/plugin.ts";
import { Key } from "../random/key.ts";
import { noGrad } from "../tensor/autograd.ts";
import { lossOptions } from "./loss_of.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What a learning plugin has made of some rows of a batch. */
export interface Lesson {
  /** Gradients in the order of the parameters that are trained, of the sum over the rows; null for those that it gave none. */
  readonly gradients: readonly (Tensor | null)[];
  /** The sum of the losses, where it asked for the loss; else NaN. */
  readonly sum: number;
  /** What gradients and sum are to be divided by: the loss's weight where it asked for it; else the number of rows. */
  readonly weight: number | null;
  /** The outputs whose loss it asked for first. */
  readonly outputs: Tensor | null;
  /** Lets running state become what the passes said. */
  settle(): void;
}

/** A learning plugin at work on a model. */
export class Teacher {
  readonly #plugin: Plugin<"learning">;
  readonly #model: Model;
  readonly #loss: Plugin<"loss">;
  readonly #key: Key;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #trained: readonly string[];
  readonly #frozen: FrozenPart | null;

  /**
   * @param plugin the way of learning
   * @param model what learns
   * @param loss the loss, for plugins that ask for it
   * @param frozen what stays as it is: gradients that are given for it are of no account; default nothing
   */
  constructor(plugin: Plugin<"learning">, model: Model, loss: Plugin<"loss">, frozen: FrozenPart | null = null) {
    this.#plugin = plugin;
    this.#model = model;
    this.#loss = loss;
    this.#key = Key.seed(model.built.seed).at("learning");
    this.#frozen = frozen;
    this.#trained = trainedParameters(model.parameters(), frozen).map(({ name }) => name);
    this.#parameters = new Map(model.parameters().map(({ name, tensor }) => [name, tensor]));
  }

  /**
   * Gradients from some rows of a batch.
   *
   * @param sample place of the first row within the batch
   * @throws {PluginError} when a gradient is handed out for no parameter, or twice
   * @throws {ShapeError} when a gradient has another shape than its parameter
   */
  learn({ inputs, targets }: Batch, sample: number, progress: Progress): Lesson {
    const given = new Map<string, Tensor>();
    const stateUpdates = new Map<Tensor, Tensor>();
    let asked: LossValue | undefined;
    let first: Tensor | null = null;
    const run = { mode: "train", progress, sample, stateUpdates, frozen: this.#frozen ?? undefined } as const;
    const lossSettings = lossOptions(this.#loss, progress, this.#model.schedules);
    const context: LearnContext<never> = Object.freeze({
      options: optionsAt(this.#plugin, progress, "learning", this.#model.schedules) as never,
      key: this.#key.atStep(progress.step).sample(sample),
      progress,
      inputs,
      targets,
      parameters: this.#parameters,
      forward: (x: Tensor, how: number | LearnPass = {}) => {
        const said: LearnPass = typeof how === "number" ? { pass: how } : how;
        return this.#model.forward(x, { ...run, ...said });
      },
      loss: (outputs: Tensor) => {
        const value = this.#loss.definition.loss(outputs, targets, lossSettings);
        first ??= outputs;
        return asked ??= value, value;
      },
      moments: (x: Tensor | Moments) => this.#model.moments(x, run),
      expectedLoss: (outputs: Moments, form: ExpectationForm) => {
        const { definition, plugin } = this.#loss;
        if (definition.expected === undefined) {
          throw new PluginError(`expected a loss that has an expectation over normal outputs, found ${plugin}.`);
        }
        const value = definition.expected(outputs, targets, lossSettings, form);
        first ??= outputs.mean;
        return asked ??= value, value;
      },
      give: (name: string, gradient: Tensor) => given.set(name, this.#check(name, gradient, given)),
    });
    try {
      this.#plugin.definition.learn(context);
    } catch (error) {
      throw locate(error, this.#plugin.plugin);
    }
    return {
      gradients: this.#trained.map((name) => given.get(name) ?? null),
      sum: asked === undefined ? NaN : noGrad(() => asked!.sum.item()),
      weight: asked === undefined ? inputs.shape[0] : asked.weight,
      outputs: first,
      settle: () => stateUpdates.forEach((value, state) => state.assign(value)),
    };
  }

  #check(name: string, gradient: Tensor, given: ReadonlyMap<string, Tensor>): Tensor {
    const parameter = this.#parameters.get(name);
    if (parameter === undefined) {
      const known = [...this.#parameters.keys()].join(", ");
      throw new PluginError(`expected to give the gradient of one of ${known}, found ${show(name)}.`);
    }
    if (given.has(name)) throw new PluginError(`the gradient of ${name} was given twice for one batch.`);
    if (!sameShape(gradient.shape, parameter.shape)) {
      throw new ShapeError(
        `expected a gradient of the shape ${showShape(parameter.shape)} of ${name}, ` +
          `found ${showShape(gradient.shape)}.`,
      );
    }
    return gradient;
  }
}
