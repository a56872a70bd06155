/** A model built anew from a changed description, with what the model before it had. @module */
import { buildModel, isPlugin, type LayerPlugin, type Model } from "../../core/mod.ts";
import { join } from "./_description.ts";
import type { Tensors } from "./_units.ts";

/** Parameters and running state, by their names in a snapshot. */
export function tensorsOf(model: Model): Tensors {
  const all: Tensors = new Map(model.parameters().map(({ name, tensor }) => [`model/${name}`, tensor.detach()]));
  for (const [name, tensor] of model.state()) all.set(`state/${name}`, tensor);
  return all;
}

/** A model of a description with those of the tensors that it has, and with the options that another was configured to; of its seed, unless another is given. */
export function rebuilt(
  root: LayerPlugin,
  like: Model,
  tensors: Tensors,
  changed: ReadonlySet<string>,
  seed: number | bigint = like.built.seed,
): Model {
  const model = buildModel(root, { ...like.built, seed });
  for (const [path, { definition, options }] of model.plugins()) {
    const found = like.plugins().get(path);
    if (found?.definition !== definition) continue; // made in the place of another, as for `repeat`
    const changes = Object.entries(found.options).filter(([name, value]) =>
      !changed.has(join(path, name)) && JSON.stringify(value) !== JSON.stringify(options[name]) &&
      !holdsPlugins(value) && !holdsPlugins(options[name])
    );
    if (changes.length > 0) model.configure(path, Object.fromEntries(changes));
  }
  model.schedules.restore(like.schedules.toJSON());
  model.load(tensors);
  return model;
}

/** Whether a value is, or holds, a plugin other than a schedule. */
function holdsPlugins(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isPlugin(value) ? !isPlugin(value, "schedule") : Object.values(value).some(holdsPlugins);
}
