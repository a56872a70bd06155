/** How many weights of a model are left where variants zero them for good. @module */
import { PluginError, showShape } from "../errors.ts";
import { noGrad } from "../tensor/autograd.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Model } from "./model.ts";

/** The weights of one place, or of all together. */
export interface WeightCount {
  /** How many there are. */
  readonly weights: number;
  /** How many of them evaluation uses; the others are zero. */
  readonly kept: number;
  /** The share of those that are zero, in [0, 1]. */
  readonly sparsity: number;
}

/** The weights of one layer that a variant thins out. */
export interface LayerSparsity extends WeightCount {
  /** Path of the variant, such as `0.weight`. */
  readonly path: string;
}

/** What {@linkcode sparsity} counts. */
export interface Sparsity extends WeightCount {
  /** Weights for each one that is kept: `weights / kept`; infinite when none is. */
  readonly compression: number;
  /** Each layer's, in the order they are run; layers without such a variant are not counted. */
  readonly layers: readonly LayerSparsity[];
}

function count(weights: number, kept: number): WeightCount {
  return { weights, kept, sparsity: weights === 0 ? 0 : (weights - kept) / weights };
}

/**
 * Counts the weights that are left in the layers whose variants zero some at evaluation, such as
 * `sparseVariationalDropout`. A variant says which by handing out a tensor named `kept` in mode `eval`, of the weight's
 * shape, 1 where a weight is used and 0 elsewhere: `context.emit("kept", mask)`.
 *
 * @param model a model; it is run once, on zeros
 * @throws {PluginError} when what a variant hands out is neither 0 nor 1
 *
 * @example
 * ```ts
 * import { buildModel, dense, sequential, sparseVariationalDropout, sparsity } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const thin = dense(5, { weight: sparseVariationalDropout({ examples: 1000, logVariance: 20 }) });
 * const { layers, compression } = sparsity(buildModel(sequential([thin, dense(2)]), { inputShape: [4] }));
 * assertEquals(layers, [{ path: "0.weight", weights: 20, kept: 0, sparsity: 1 }]);
 * assertEquals(compression, Infinity);
 * ```
 */
export function sparsity(model: Model): Sparsity {
  const types = model.built.inputType;
  const inputs = model.inputShapes.map((shape, i) =>
    Tensor.zeros(
      [1, ...shape.map((extent) => extent === -1 ? 1 : extent)],
      typeof types === "string" ? types : types[i] ?? model.dtype,
    )
  );
  const { emitted } = noGrad(() => model.forwardAll(inputs));
  const layers: LayerSparsity[] = [];
  for (const [name, mask] of emitted) {
    const path = /^(.*)\.kept$/.exec(name)?.[1];
    if (path === undefined) continue;
    if (mask.dtype === "int32" || !mask.floats.every((entry) => entry === 0 || entry === 1)) {
      throw new PluginError(
        `${path}: expected 0 and 1 in what it hands out as "kept", found ${showShape(mask.shape)}.`,
      );
    }
    let kept = 0;
    for (const entry of mask.floats) kept += entry;
    layers.push({ path, ...count(mask.size, kept) });
  }
  const [weights, kept] = [
    layers.reduce((sum, layer) => sum + layer.weights, 0),
    layers.reduce((sum, layer) => sum + layer.kept, 0),
  ];
  return { ...count(weights, kept), compression: weights / kept, layers };
}
