/** Models whose numbers hide no mistake, inputs for them, and how far their outputs differ. @module */
import { assert, assertEquals } from "@std/assert";
import { buildModel, type BuildOptions, Key, type LayerPlugin, type Model, Tensor } from "../../core/mod.ts";

/** The largest difference between two tensors of one shape, relative to numbers above 1. */
export function difference(a: Tensor, b: Tensor): number {
  assertEquals(a.shape, b.shape);
  assert(a.size > 0);
  let most = 0;
  for (let i = 0; i < a.size; i++) {
    const [x, y] = [a.floats[i], b.floats[i]];
    if (!(Math.abs(x - y) <= most * Math.max(1, Math.abs(y)))) most = Math.abs(x - y) / Math.max(1, Math.abs(y));
  }
  return most;
}

/** A model whose numbers are none that a layer begins with: biases, gains and running statistics are disturbed. */
export function disturbed(layer: LayerPlugin, options: BuildOptions, by = 0.2): Model {
  const model = buildModel(layer, { seed: 1, ...options });
  const key = Key.seed(9);
  for (const { name, tensor } of model.parameters()) {
    tensor.assign(tensor.add(Tensor.normal(tensor.shape, key.at(name), tensor.floatType).mul(by)).detach());
  }
  for (const [name, tensor] of model.state()) {
    if (/variance$/.test(name)) tensor.assign(Tensor.uniform(tensor.shape, key.at(name), tensor.floatType).add(0.5));
    if (/(mean|factor|shift)$/.test(name)) tensor.assign(Tensor.normal(tensor.shape, key.at(name), tensor.floatType));
  }
  return model;
}

/** Inputs for a model, as large a batch as is asked for; `open` extents are 5. Whole numbers below 6 for int32 inputs. */
export function inputsOf(model: Model, batch: number, open = 5): Tensor[] {
  const { inputType } = model.built;
  return model.inputShapes.map((shape, i) => {
    const type = typeof inputType === "string" ? inputType : inputType[i];
    const extents = [batch, ...shape.map((extent) => extent === -1 ? open : extent)];
    const key = Key.seed(5).at(`input ${i}`);
    if (type !== "int32") return Tensor.normal(extents, key);
    const words = Tensor.uniform(extents, key).floats;
    return Tensor.from(Int32Array.from(words, (u) => Math.floor(6 * u)), extents);
  });
}
