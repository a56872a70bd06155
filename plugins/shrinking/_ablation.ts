/** A net without some of its units. @module */
import { type Model, Tensor } from "../../core/mod.ts";
import { join } from "./_description.ts";
import { rebuilt, tensorsOf } from "./_rebuilt.ts";
import { chainsOf, pairsOf, type Tensors } from "./_units.ts";

/** Units that the weight of the product behind them takes. */
export interface Units {
  readonly path: string;
  readonly count: number;
  /** The name of that weight in a snapshot. */
  readonly weight: string;
}

/** A model of its own in which units can be removed. */
export class Ablation {
  readonly layers: readonly Units[];
  readonly #tensors: Tensors;
  readonly #model: Model;
  readonly #measure: (model: Model) => { error: number; loss: number };

  constructor(model: Model, measure: (model: Model) => { error: number; loss: number }) {
    this.#tensors = tensorsOf(model);
    this.layers = chainsOf(model).flatMap((chain) => pairsOf(chain, this.#tensors)).map(({ before, after }) => ({
      path: before.path,
      count: this.#tensors.get(`model/${join(before.path, "weight")}`)!.shape[0],
      weight: `model/${join(after.path, "weight")}`,
    }));
    this.#model = rebuilt(model.root, model, this.#tensors, new Set());
    this.#measure = measure;
  }

  /** Error and loss without some units of some layers. */
  without(removed: ReadonlyMap<Units, readonly number[]>, rescale: boolean): { error: number; loss: number } {
    const tensors: Tensors = new Map(this.#tensors);
    for (const [layer, units] of removed) {
      const weight = tensors.get(layer.weight)!;
      const [outputs, inputs, ...kernel] = weight.shape;
      const factors = new Float64Array(layer.count).fill(rescale ? layer.count / (layer.count - units.length) : 1);
      for (const unit of units) factors[unit] = 0;
      const shape = [1, layer.count, 1];
      const each = weight.reshape([outputs, layer.count, -1]).mul(Tensor.from(factors, shape, weight.floatType));
      tensors.set(layer.weight, each.reshape([outputs, inputs, ...kernel]));
    }
    this.#model.load(tensors);
    return this.#measure(this.#model);
  }
}
