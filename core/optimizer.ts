/**
 * Runs an optimizer plugin over a model's parameters: keeps its slots, and applies constraints after each update.
 *
 * @module
 */
import { noGrad } from "./autograd.ts";
import { kernels } from "./backend.ts";
import type { Model, Parameter } from "./model.ts";
import { optionsAt } from "./options.ts";
import type { Plugin, Progress, UpdateContext } from "./plugin.ts";
import { Tensor } from "./tensor.ts";

/** An optimizer plugin at work on a model. */
export class OptimizerDriver {
  readonly #plugin: Plugin<"optimizer">;
  readonly #slots = new Map<Parameter, Record<string, Tensor>>();
  #iteration = 0;

  /**
   * @param plugin the optimizer
   * @param model whose parameters it updates
   */
  constructor(plugin: Plugin<"optimizer">, model: Model) {
    this.#plugin = plugin;
    const names = plugin.definition.slots?.(plugin.options) ?? [];
    for (const parameter of model.parameters()) {
      const { shape, dtype } = parameter.tensor;
      this.#slots.set(parameter, Object.fromEntries(names.map((name) => [name, Tensor.zeros(shape, dtype)])));
    }
  }

  /** Updates done so far. */
  get iteration(): number {
    return this.#iteration;
  }

  /** All slots by name: `velocity/1.weight`. */
  slots(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const [parameter, slots] of this.#slots) {
      for (const name in slots) all.set(`${name}/${parameter.name}`, slots[name]);
    }
    return all;
  }

  /** Goes on as if `iteration` updates had been done; the slots are overwritten by the caller. */
  resume(iteration: number): void {
    this.#iteration = iteration;
  }

  /** One update of every parameter, then its constraint. `gradients` are in the order of `model.parameters()`. */
  update(gradients: readonly Tensor[], progress: Progress): void {
    this.#iteration++;
    const options = optionsAt(this.#plugin, progress, "optimizer") as never;
    const update = this.#plugin.definition.update!;
    noGrad(() => {
      let i = 0;
      for (const [parameter, slots] of this.#slots) {
        const gradient = gradients[i++];
        const weight = parameter.tensor;
        const k = kernels(weight.floats);
        const context: UpdateContext<never> = {
          parameter: weight,
          gradient,
          slots,
          options,
          iteration: this.#iteration,
          sgd: (velocity, settings) => k.sgd(weight.floats, gradient.floats, velocity?.floats ?? null, settings),
          adam: (first, second, settings) =>
            k.adam(weight.floats, gradient.floats, first.floats, second.floats, settings),
        };
        update(context);
        const constraint = parameter.constraint;
        if (constraint !== undefined) {
          constraint.definition.project!(weight, optionsAt(constraint, progress, "constraint") as never);
        }
      }
    });
  }
}
