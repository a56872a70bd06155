/**
 * An exponential moving average of a model's weights: `average = decay average + (1 - decay) weight` after each update,
 * as in Polyak and Juditsky (1992); started with the first weights, so it needs no correction.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import * as kernels from "../backend/kernels.ts";
import { OptionError } from "../errors.ts";
import type { Snapshot } from "./events.ts";
import type { Model } from "../plugin/model.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * The parameters and running state of a snapshot with which its run measures: where an average of the weights is kept, the
 * average in place of the weights. `Model.load` takes them.
 */
export function measuredWeights({ tensors }: Snapshot): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith("model/")) found.set(name, tensors.get(name.replace(/^model/, "average")) ?? tensor);
    else if (name.startsWith("state/")) found.set(name, tensor);
  }
  return found;
}

/** The average of a model's weights, and the means to look at the model with it. */
export class WeightAverage {
  readonly #decay: number;
  readonly #pairs: readonly { name: string; weight: Tensor; average: Tensor }[];

  /**
   * @param model whose weights are averaged
   * @param decay in (0, 1)
   */
  constructor(model: Model, decay: number) {
    if (!(decay > 0 && decay < 1)) throw new OptionError("averageDecay", "a number in (0, 1)", decay);
    this.#decay = decay;
    this.#pairs = model.parameters().map(({ name, tensor }) => ({ name, weight: tensor, average: tensor.clone() }));
  }

  /** The averages, by the parameters' names. */
  tensors(): Map<string, Tensor> {
    return new Map(this.#pairs.map(({ name, average }) => [name, average]));
  }

  /** Takes up the weights as they are now. */
  update(): void {
    noGrad(() => {
      for (const { weight, average } of this.#pairs) {
        kernels.unary("affine", average.floats, average.floats, this.#decay, 0);
        kernels.accumulate(weight.floats, average.floats, 1 - this.#decay);
      }
    });
  }

  /** Runs `body` while the model holds the averages. */
  during<T>(body: () => T): T {
    const own = this.#pairs.map(({ weight }) => weight.clone());
    this.settle();
    try {
      return body();
    } finally {
      this.#pairs.forEach(({ weight }, i) => weight.assign(own[i]));
    }
  }

  /** Puts the averages into the model for good. */
  settle(): void {
    for (const { weight, average } of this.#pairs) weight.assign(average);
  }
}
