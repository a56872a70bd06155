/**
 * Runs an average plugin over a model's parameters: keeps its slots, and puts the weights that evaluation uses into the
 * model while something is measured.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import type { Snapshot } from "./events.ts";
import { type FrozenPart, trainedParameters } from "../plugin/frozen_part.ts";
import { keptTensors } from "./kept_weights.ts";
import type { Model, Parameter } from "../plugin/model.ts";
import { optionsAt } from "../plugin/options.ts";
import type { AverageContext, Plugin, Progress } from "../plugin/plugin.ts";
import { Key } from "../random/key.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { OptimizerDriver } from "./optimizer.ts";

/** In a snapshot, the weights with which its run measures, where they are not those of the model. */
const MEASURED = "measured/";

/**
 * The parameters and running state of a snapshot with which its run would end: those of an earlier epoch, where an observer
 * has kept them; else, where an average of the weights is kept, the average in place of the weights. `Model.load` takes
 * them.
 */
export function measuredWeights(snapshot: Snapshot): Map<string, Tensor> {
  const kept = keptTensors(snapshot);
  return kept.size > 0 ? kept : weightsNow(snapshot);
}

/** The parameters and running state with which a run measures at the moment of a snapshot. */
export function weightsNow({ tensors }: Snapshot): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith("model/")) found.set(name, tensors.get(MEASURED + name.slice("model/".length)) ?? tensor);
    else if (name.startsWith("state/")) found.set(name, tensor);
  }
  return found;
}

/**
 * Puts into a model what a snapshot's run would end with, see {@linkcode measuredWeights}: parameters, running state, and what schedules remember.
 *
 * @returns how far training had come, for `evaluate` and `predict`, which need it where options are schedules
 * @throws {CheckpointError} when the snapshot is of another architecture; nothing has been changed then
 */
export function loadMeasured(model: Model, snapshot: Snapshot): Progress {
  model.load(measuredWeights(snapshot));
  const { stepsPerEpoch, totalSteps, kept } = snapshot.progress;
  const { step, schedules } = kept ?? snapshot.progress;
  model.schedules.restore(schedules);
  return { step, stepsPerEpoch, totalSteps };
}

/** Whether a tensor of a snapshot follows from the others. */
export function isMeasured(name: string): boolean {
  return name.startsWith(MEASURED);
}

/** One parameter with what is kept beside it. */
interface Entry {
  readonly parameter: Parameter;
  readonly slots: Readonly<Record<string, Tensor>>;
  readonly key: Key;
}

/** An average plugin at work on a model. */
export class AverageDriver {
  readonly #plugin: Plugin<"average">;
  readonly #model: Model;
  readonly #optimizer: OptimizerDriver;
  readonly #entries: readonly Entry[];
  #begun = false;

  /**
   * @param plugin the average
   * @param model whose weights are averaged
   * @param optimizer what updates them
   * @param frozen what stays as it is, which needs no average; default nothing
   */
  constructor(
    plugin: Plugin<"average">,
    model: Model,
    optimizer: OptimizerDriver,
    frozen: FrozenPart | null = null,
  ) {
    this.#plugin = plugin;
    this.#model = model;
    this.#optimizer = optimizer;
    const names = plugin.definition.slots(plugin.options);
    const key = Key.seed(model.built.seed).at("average").whole();
    this.#entries = trainedParameters(model.parameters(), frozen).map((parameter) => {
      const { shape, dtype } = parameter.tensor;
      const slots = Object.fromEntries(names.map((name) => [name, Tensor.zeros(shape, dtype)]));
      return { parameter, slots, key: key.at(parameter.name) };
    });
  }

  /** All slots by name: `average/mean/1.weight`. */
  slots(progress: Progress): Map<string, Tensor> {
    this.begin(progress);
    const all = new Map<string, Tensor>();
    for (const { parameter, slots } of this.#entries) {
      for (const name in slots) all.set(`average/${name}/${parameter.name}`, slots[name]);
    }
    return all;
  }

  /** The weights that evaluation uses, by name: `measured/1.weight`. */
  measured(progress: Progress): Map<string, Tensor> {
    this.begin(progress);
    return new Map([...this.#weights(progress)].map(([name, tensor]) => [MEASURED + name, tensor]));
  }

  /** Takes up the weights as they are before the first update. */
  begin(progress: Progress): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#track(0, progress);
  }

  /** Takes up the weights as they are after an update; `progress` is that before it. */
  track(progress: Progress): void {
    this.#track(this.#optimizer.iteration, progress);
  }

  #track(iteration: number, progress: Progress): void {
    noGrad(() => {
      for (const context of this.#contexts(iteration, progress)) this.#plugin.definition.track(context);
    });
  }

  /** Runs `body` while the model holds the weights that evaluation uses. */
  during<T>(progress: Progress, body: () => T): T {
    this.begin(progress);
    const own = this.#entries.map(({ parameter }) => parameter.tensor.clone());
    this.settle(progress);
    try {
      return body();
    } finally {
      this.#entries.forEach(({ parameter }, i) => parameter.tensor.assign(own[i]));
    }
  }

  /** Puts the weights that evaluation uses into the model for good. */
  settle(progress: Progress): void {
    for (const [i, tensor] of [...this.#weights(progress).values()].entries()) {
      this.#entries[i].parameter.tensor.assign(tensor);
    }
  }

  #weights(progress: Progress): Map<string, Tensor> {
    return noGrad(() => {
      const contexts = this.#contexts(this.#optimizer.iteration, progress);
      return new Map([...contexts].map((context) => [context.name, this.#plugin.definition.weights(context)]));
    });
  }

  *#contexts(iteration: number, progress: Progress): Generator<AverageContext<never>> {
    const options = optionsAt(this.#plugin, progress, "average", this.#model.schedules) as never;
    for (const { parameter: { name, tensor }, slots, key } of this.#entries) {
      const optimizer = this.#optimizer.slotsOf(name);
      yield Object.freeze({
        parameter: tensor,
        name,
        options,
        key: key.atStep(progress.step),
        slots,
        progress,
        iteration,
        optimizer,
      });
    }
  }
}
