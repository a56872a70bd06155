/**
 * Runs an optimizer plugin over a model's parameters: keeps its slots, and applies constraints after each update.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import * as kernels from "../backend/kernels.ts";
import { OptionError, refuseUnknown } from "../errors.ts";
import type { Model, Parameter } from "../plugin/model.ts";
import { optionsAt } from "../plugin/options.ts";
import type { Plugin, Progress, UpdateContext } from "../plugin/plugin.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Parameters that are updated with other options than the rest. */
export interface ParameterGroup {
  /** Which parameters: a regular expression that their names are searched for, such as `bias$`. */
  readonly match: string;
  /** Options of the optimizer that differ for them. */
  readonly set: Readonly<Record<string, unknown>>;
}

/** What is done to all gradients together before an update. */
export interface GradientClipping {
  /** Each gradient is limited to [-value, value]; above 0. */
  readonly value?: number;
  /** All gradients are scaled down together so that their common length is at most this; above 0. */
  readonly norm?: number;
}

/** Clips gradients in place, by value and then by norm, and returns their common length before. */
export function clipGradients(gradients: readonly Tensor[], clipping: GradientClipping): number {
  refuseUnknown(clipping, ["value", "norm"], "clip");
  for (const [name, limit] of Object.entries(clipping)) {
    if (limit !== undefined && !(limit > 0)) throw new OptionError(`clip.${name}`, "a number above 0", limit);
  }
  return noGrad(() => {
    const { value, norm } = clipping;
    const before = commonLength(gradients);
    let length = before;
    if (value !== undefined) {
      for (const { floats } of gradients) kernels.unary("clamp", floats, floats, -value, value);
      length = commonLength(gradients);
    }
    if (norm !== undefined && length > norm) {
      for (const { floats } of gradients) kernels.unary("affine", floats, floats, norm / length, 0);
    }
    return before;
  });
}

/** The length of all tensors taken as one vector. */
function commonLength(tensors: readonly Tensor[]): number {
  const squares = (scale: number) =>
    tensors.reduce((sum, tensor) => sum + (scale === 1 ? tensor : tensor.mul(scale)).square().sum().item(), 0);
  const length = Math.sqrt(squares(1));
  if (Number.isFinite(length)) return length;
  // The squares of numbers above 1e19 are no float32 any more.
  const most = Math.max(...tensors.map((tensor) => tensor.size === 0 ? 0 : tensor.abs().max().item()));
  return most * Math.sqrt(squares(1 / most));
}

function patternOf(text: string, path: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new OptionError(path, "a regular expression", text);
  }
}

/** An optimizer plugin at work on a model. */
export class OptimizerDriver {
  readonly #slots = new Map<Parameter, Record<string, Tensor>>();
  readonly #plugins: Plugin<"optimizer">[] = [];
  #iteration = 0;

  /**
   * @param plugin the optimizer
   * @param model whose parameters it updates
   * @param groups parameters with other options; the first group that matches counts
   * @throws {OptionError} when a group matches no parameter, or sets an option that the optimizer refuses
   */
  constructor(plugin: Plugin<"optimizer">, model: Model, groups: readonly ParameterGroup[] = []) {
    const variants = groups.map((group, i) => {
      refuseUnknown(group, ["match", "set"], `parameterGroups.${i}`);
      const pattern = patternOf(group.match, `parameterGroups.${i}.match`);
      if (!model.parameters().some(({ name }) => pattern.test(name))) {
        const known = model.parameters().map(({ name }) => name).join(", ");
        throw new OptionError(`parameterGroups.${i}.match`, `a pattern that matches one of ${known}`, group.match);
      }
      return { pattern, plugin: plugin.with(group.set) };
    });
    for (const parameter of model.parameters()) {
      const own = variants.find(({ pattern }) => pattern.test(parameter.name))?.plugin ?? plugin;
      this.#plugins.push(own);
      const names = own.definition.slots?.(own.options) ?? [];
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
    const optionsOf = new Map<Plugin<"optimizer">, never>();
    for (const plugin of this.#plugins) {
      if (!optionsOf.has(plugin)) optionsOf.set(plugin, optionsAt(plugin, progress, "optimizer") as never);
    }
    noGrad(() => {
      let i = 0;
      for (const [parameter, slots] of this.#slots) {
        const plugin = this.#plugins[i];
        const gradient = gradients[i++];
        const weight = parameter.tensor;
        const context: UpdateContext<never> = {
          parameter: weight,
          gradient,
          slots,
          options: optionsOf.get(plugin)!,
          iteration: this.#iteration,
          sgd: (velocity, settings) => kernels.sgd(weight.floats, gradient.floats, velocity?.floats ?? null, settings),
          adam: (first, second, settings) =>
            kernels.adam(weight.floats, gradient.floats, first.floats, second.floats, settings),
        };
        plugin.definition.update!(context);
        const constraint = parameter.constraint;
        if (constraint !== undefined) {
          constraint.definition.project!(weight, optionsAt(constraint, progress, "constraint") as never);
        }
      }
    });
  }
}
