/**
 * Runs an optimizer plugin over a model's parameters: keeps its slots, and applies constraints after each update.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import * as kernels from "../backend/kernels.ts";
import { OptionError, PluginError, refuseUnknown } from "../errors.ts";
import type { Model, Parameter } from "../plugin/model.ts";
import { type FrozenPart, trainedParameters } from "../plugin/frozen_part.ts";
import { optionsAt } from "../plugin/options.ts";
import { patternOf } from "../plugin/pattern_of.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import type { ScheduleMemory } from "../plugin/schedule_memory.ts";
import { Key } from "../random/key.ts";
import type { Rows } from "../random/rows.ts";
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

/** What one plugin keeps beside one parameter. */
export type Slots = Record<string, Tensor>;

/** An optimizer for one parameter: its own slots, and those of what it wraps. */
interface Keeper {
  readonly plugin: Plugin<"optimizer">;
  readonly slots: Slots;
  readonly inner: readonly Keeper[];
  readonly label: string;
}

/** One parameter, and all that changes it. */
interface Entry {
  readonly parameter: Parameter;
  readonly keeper: Keeper;
  readonly constraintSlots: Slots;
  readonly key: Key;
}

function zerosLike({ tensor }: Parameter, names: readonly string[]): Slots {
  return Object.fromEntries(names.map((name) => [name, Tensor.zeros(tensor.shape, tensor.dtype)]));
}

/** An optimizer plugin at work on a model. */
export class OptimizerDriver {
  readonly #entries: Entry[] = [];
  readonly #schedules: ScheduleMemory;
  /** What all keys draw for; one copy a step serves them all. */
  readonly #rows: Rows;
  #iteration = 0;

  /**
   * An optimizer that begins: its slots are zeros.
   *
   * @param plugin the optimizer
   * @param model whose parameters it updates
   * @param groups parameters with other options; the first group that matches counts
   * @param seed what random numbers of optimizers and constraints follow from; default 0
   * @param frozen what stays as it is; default nothing
   * @throws {OptionError} when a group matches no parameter that is trained, or sets an option that the optimizer refuses
   */
  constructor(
    plugin: Plugin<"optimizer">,
    model: Model,
    groups: readonly ParameterGroup[] = [],
    seed: number | bigint = 0,
    frozen: FrozenPart | null = null,
  ) {
    this.#schedules = model.schedules;
    const parameters = trainedParameters(model.parameters(), frozen);
    const variants = groups.map((group, i) => {
      refuseUnknown(group, ["match", "set"], `parameterGroups.${i}`);
      const pattern = patternOf(group.match, `parameterGroups.${i}.match`);
      if (!parameters.some(({ name }) => pattern.test(name))) {
        const known = parameters.map(({ name }) => name).join(", ");
        const which = frozen === null ? "one" : "one that is trained";
        throw new OptionError(`parameterGroups.${i}.match`, `a pattern that matches ${which} of ${known}`, group.match);
      }
      return { pattern, plugin: plugin.with(group.set), label: `parameterGroups.${i}` };
    });
    const key = Key.seed(seed).at("update").whole();
    this.#rows = key.rows;
    for (const parameter of parameters) {
      const { plugin: own, label } = variants.find(({ pattern }) => pattern.test(parameter.name)) ??
        { plugin, label: "optimizer" };
      const { constraint } = parameter;
      this.#entries.push({
        parameter,
        keeper: this.#keeper(own, parameter, label),
        constraintSlots: zerosLike(parameter, constraint?.definition.slots?.(constraint.options) ?? []),
        key: key.at(parameter.name),
      });
    }
  }

  #keeper(plugin: Plugin<"optimizer">, parameter: Parameter, label: string): Keeper {
    const { slots, wraps } = plugin.definition;
    return {
      plugin,
      slots: zerosLike(parameter, slots?.(plugin.options) ?? []),
      inner: (wraps?.(plugin.options) ?? []).map((one, i) => this.#keeper(one, parameter, `${label}.wrapped.${i}`)),
      label,
    };
  }

  /** Updates done so far. */
  get iteration(): number {
    return this.#iteration;
  }

  /** All slots by name: `velocity/1.weight`; those of a wrapped optimizer as `0/velocity/1.weight`. */
  slots(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const { parameter, keeper, constraintSlots } of this.#entries) {
      const add = (slots: Slots, prefix: string) => {
        for (const name in slots) all.set(`${prefix}${name}/${parameter.name}`, slots[name]);
      };
      const walk = (one: Keeper, prefix: string): void => {
        add(one.slots, prefix);
        one.inner.forEach((inner, i) => walk(inner, `${prefix}${i}/`));
      };
      walk(keeper, "");
      add(constraintSlots, "constraint/");
    }
    return all;
  }

  /** What the optimizer keeps beside a parameter, by the parameter's name. */
  slotsOf(name: string): Readonly<Slots> {
    return this.#entries.find(({ parameter }) => parameter.name === name)?.keeper.slots ?? {};
  }

  /** Goes on as if `iteration` updates had been done; the slots are overwritten by the caller. */
  resume(iteration: number): void {
    this.#iteration = iteration;
  }

  /**
   * One update of every parameter, then its constraint.
   *
   * @param gradients in the order of the parameters that are trained; null leaves a parameter as it is
   * @param progress how far training has come
   */
  update(gradients: readonly (Tensor | null)[], progress: Progress): void {
    this.#iteration++;
    const known = new Map<Plugin, never>();
    const optionsOf = (plugin: Plugin, label: string): never => {
      if (!known.has(plugin)) known.set(plugin, optionsAt(plugin, progress, label, this.#schedules) as never);
      return known.get(plugin)!;
    };
    const rows = this.#rows.atStep(progress.step);
    noGrad(() => {
      this.#entries.forEach(({ parameter, keeper, constraintSlots, key }, i) => {
        const gradient = gradients[i];
        if (gradient === null) return;
        // Gradients of other weights may be products with this one that are not done yet.
        parameter.tensor.storage.beforeWrite();
        const shared = {
          parameter: parameter.tensor,
          name: parameter.name,
          key: key.withRows(rows),
          progress,
          iteration: this.#iteration,
        };
        const run = ({ plugin, slots, inner, label }: Keeper, gradient: Tensor): void => {
          plugin.definition.update(Object.freeze({
            ...shared,
            gradient,
            slots,
            options: optionsOf(plugin, label),
            inner: (optimizer: Plugin<"optimizer">, given: Tensor = gradient) => {
              const found = inner.find((one) => one.plugin === optimizer);
              if (found === undefined) {
                throw new PluginError(
                  `${plugin.plugin}: it does not wrap ${optimizer.plugin}, which it asks to update.`,
                );
              }
              run(found, given);
            },
          }));
        };
        run(keeper, gradient);
        const { constraint } = parameter;
        if (constraint === undefined) return;
        const options = optionsOf(constraint, `${parameter.name}.constraint`);
        constraint.definition.project(
          parameter.tensor,
          Object.freeze({ ...shared, slots: constraintSlots, options }),
        );
      });
    });
  }
}
