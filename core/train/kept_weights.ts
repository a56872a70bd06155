/** The weights of an earlier epoch, kept for the end of a run. @module */
import type { KeptEpoch, Snapshot } from "./events.ts";
import type { Model } from "../plugin/model.ts";
import { overwrite } from "../plugin/overwrite.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** In a snapshot, the weights with which its run would end now, where they are those of an earlier epoch. */
const KEPT = "kept/";

/** Whether a tensor of a snapshot is of kept weights. */
export function isKept(name: string): boolean {
  return name.startsWith(KEPT);
}

/** The kept weights of a snapshot, by the names of `Model.load`; none where nothing is kept. */
export function keptTensors({ tensors }: Pick<Snapshot, "tensors">): Map<string, Tensor> {
  return new Map([...tensors].flatMap(([name, tensor]) => isKept(name) ? [[name.slice(KEPT.length), tensor]] : []));
}

/** Parameters and running state as an epoch was measured with, and what schedules remembered then. */
export class KeptWeights {
  #moment: KeptEpoch | undefined;
  readonly #tensors = new Map<string, Tensor>();

  /** Which epoch's weights these are, if any are kept. */
  get moment(): KeptEpoch | undefined {
    return this.#moment;
  }

  /** Takes copies in place of those that were kept before. */
  take(moment: KeptEpoch, measured: ReadonlyMap<string, Tensor>): void {
    for (const [name, tensor] of measured) {
      const mine = this.#tensors.get(name);
      if (mine === undefined) this.#tensors.set(name, tensor.clone());
      else mine.assign(tensor);
    }
    this.#moment = moment;
  }

  /** The copies, as a snapshot holds them: `kept/model/1.weight`. */
  tensors(): [string, Tensor][] {
    return [...this.#tensors].map(([name, tensor]) => [KEPT + name, tensor]);
  }

  /**
   * Goes on with what a snapshot holds.
   *
   * @param live the model's own parameters and running state, by the same names
   * @throws {CheckpointError} when they are of another architecture
   */
  restore(snapshot: Snapshot, live: ReadonlyMap<string, Tensor>): void {
    const { kept } = snapshot.progress;
    if (kept === undefined) return;
    const copies = new Map([...live].map(([name, tensor]) => [name, tensor.clone()]));
    overwrite(copies, keptTensors(snapshot));
    this.take(kept, copies);
  }

  /** Puts the copies into the model, with what schedules remembered. */
  settle(model: Model): void {
    if (this.#moment === undefined) return;
    model.load(this.#tensors);
    model.schedules.restore(this.#moment.schedules);
  }
}
