/** A model as features and the linear layer behind them. @module */
import { buildModel, type LayerPlugin, type Model, PluginError, type Progress, Tensor } from "../../core/mod.ts";
import { join, layersOf, named } from "../shrinking/_description.ts";
import { dense } from "../layers/dense.ts";
import { sequential } from "../layers/sequential.ts";

/** The last dense layer of a model, and what comes before it. */
interface LastLayer {
  /** What gives the layer's inputs; null where the model is nothing but the layer. */
  readonly before: Model | null;
  /** `[outputs, features]`: the weight, with the bias as its last column where there is one. */
  readonly weight: Tensor;
  /** Whether the last feature is the constant 1 of the bias. */
  readonly biased: boolean;
}

/**
 * Takes a model apart. The part before the last layer has copies of the parameters.
 *
 * @throws {PluginError} for a model that ends in anything but a plain dense layer
 */
function lastLayer(model: Model): LastLayer {
  const { path, plugin, before } = ending(model.root, "");
  const { bias, weight: variant } = plugin.options as { bias: boolean; weight?: unknown };
  if (variant !== undefined) {
    throw new PluginError(`model.${path}: expected a last dense layer without a variant at its weight.`);
  }
  const tensors = new Map(model.parameters().map(({ name, tensor }) => [`model/${name}`, tensor.detach()]));
  for (const [name, tensor] of model.state()) tensors.set(`state/${name}`, tensor);
  const weight = tensors.get(`model/${join(path, "weight")}`)!;
  const column = bias ? tensors.get(`model/${join(path, "bias")}`)!.expandAxis(1) : undefined;
  let features: Model | null = null;
  if (before !== null) {
    features = buildModel(before, { ...model.built, inputShape: model.inputShapes });
    features.load(tensors);
    features.schedules.restore(model.schedules.toJSON());
  }
  return {
    before: features,
    weight: (column === undefined ? weight.clone() : Tensor.concat([weight, column], 1)).keep(),
    biased: bias,
  };
}

/** The last layer's weights, and what computes the features that it is given, with the constant 1 of a bias behind them. */
export interface LayerFeatures {
  /** `[outputs, features]`. */
  readonly weight: Tensor;
  /** `[rows, features]`: a row for each example, or for each of its positions. */
  readonly features: (inputs: Tensor, carry?: Map<string, Tensor>) => Tensor;
}

/**
 * Takes a model apart into what computes features, in mode `eval`, and the weights behind them.
 *
 * @throws {PluginError} for a model that ends in anything but a plain dense layer
 */
export function featuresOf(model: Model, progress: Progress | undefined): LayerFeatures {
  const { before, weight, biased } = lastLayer(model);
  return {
    weight,
    features: (inputs, carry) => {
      const raw = before === null ? inputs : before.forward(inputs, { progress, carry });
      const rows = raw.reshape([-1, raw.shape[raw.rank - 1]]);
      return biased ? Tensor.concat([rows, Tensor.ones([rows.shape[0], 1], rows.floatType)], 1) : rows;
    },
  };
}

/** The last layer with its path, and the model without it. */
function ending(layer: LayerPlugin, path: string): { path: string; plugin: LayerPlugin; before: LayerPlugin | null } {
  if (layer.definition === (dense.definition as unknown)) return { path, plugin: layer, before: null };
  const layers = layersOf(layer);
  const last = layers?.at(-1);
  if (last === undefined) {
    throw new PluginError(
      `model${path && `.${path}`}: expected a model that ends in a dense layer, found ${layer.plugin}.`,
    );
  }
  const end = ending(last.layer, join(path, last.name));
  const rest = [
    ...layers!.slice(0, -1).map(({ layer, name }) => named(layer, name)),
    ...(end.before === null ? [] : [named(end.before, last.name)]),
  ];
  return { ...end, before: rest.length === 0 ? null : named(sequential(rest), layer.name) };
}
