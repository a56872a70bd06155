/** Running state, such as that of batch norm, during a pass. @module */
import { PluginError, ShapeError, show, showShape } from "../errors.ts";
import type { Rows } from "../random/rows.ts";
import { sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { PassSettings } from "./pass_settings.ts";
import type { Node } from "./tree.ts";

/** The running state of all places, as one pass sees it. */
export class RunningState {
  readonly #settings: PassSettings;
  /** What it is to become after this pass: the uses of a shared layer see it, other passes do not. */
  readonly #pending = new Map<Tensor, Tensor>();

  constructor(settings: PassSettings) {
    this.#settings = settings;
  }

  /** The state of a place. */
  of(node: Node): Readonly<Record<string, Tensor>> {
    if (this.#pending.size === 0) return node.state;
    return Object.fromEntries(
      Object.entries(node.state).map(([name, tensor]) => [name, this.#pending.get(tensor) ?? tensor]),
    );
  }

  /**
   * Sets the state of a place, in training.
   *
   * @param rows those that are computed now
   * @throws {PluginError} for a name that there is not
   * @throws {ShapeError} for another shape
   */
  set(node: Node, name: string, value: Tensor, rows: Rows): void {
    const { mode, building, stateUpdates } = this.#settings;
    if (mode !== "train" || building) return;
    const state = node.state[name];
    if (state === undefined) throw new PluginError(`init made no state named ${JSON.stringify(name)}.`);
    if (!(value instanceof Tensor) || !sameShape(value.shape, state.shape)) {
      const found = value instanceof Tensor ? showShape(value.shape) : show(value);
      throw new ShapeError(
        `expected the state ${JSON.stringify(name)} of shape ${showShape(state.shape)}, found ${found}.`,
      );
    }
    // A further pass over a batch never changes running state.
    if (rows.common?.pass !== 0) return;
    if (stateUpdates === null) return void state.assign(value);
    stateUpdates.set(state, value.detach());
    this.#pending.set(state, value.detach());
  }
}
