/**
 * A model as one file: architecture, weights, running state and preprocessing, in the safetensors format.
 *
 * Parameters go by their names, running state by `state/NAME`; everything else stands in the file's metadata as texts:
 *
 * | key | meaning |
 * | --- | --- |
 * | `format`, `version` | `thinned-model`, and the version of this table: `1` |
 * | `model` | JSON of the model's description, every part by its plugin's name |
 * | `build` | JSON of how it was built: input shapes and types, element type, seed |
 * | `changes` | JSON of plugins whose options are others than in the description, by path |
 * | `preprocessing` | JSON of what the data set did to inputs and targets; absent where nobody said |
 * | `loss` | JSON of the loss it was trained with, absent where its prediction is the outputs themselves |
 * | `progress` | JSON of the moment of training at which it was saved; absent where nobody said |
 * | `sha256` | of the file as it would be without this entry |
 *
 * @module
 */
import { attempt, folderOf, needAccess, sha256, writeWhole } from "./_files.ts";
import { plain } from "./_plain_model.ts";
import { type Preprocessing, preprocessingOf } from "./preprocessing.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { refuseUnknown } from "../errors.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import type { Model } from "../plugin/model.ts";
import { optionsAt } from "../plugin/options.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Dataset } from "../train/data.ts";

/** The format's name in the metadata. */
export const FORMAT = "thinned-model";

/** The version of the format that is written, and read. */
export const VERSION = "1";

/** What saving a model is told. */
export interface SaveOptions {
  /** What the data set did to inputs and targets: the data set itself, or what another saved model says. Default: nothing. */
  preprocessing?: Dataset | Preprocessing;
  /** The loss that it was trained with, which says what of its outputs is a prediction. Default: nobody says. */
  loss?: Plugin<"loss">;
  /**
   * The moment of training: schedules among the options are replaced by their values at it, and it is kept for plugins that
   * look at it. Default: schedules stay schedules.
   */
  progress?: Progress;
  /** Parameters and running state in place of the model's own: `model/1.weight`, `state/4.mean`. */
  tensors?: ReadonlyMap<string, Tensor>;
}

/**
 * Writes a model as one file, which `loadModel` reads without the program that made it. The file appears under its name
 * only when it is whole. The numbers are copied before the first pause.
 *
 * @param model the model
 * @param path the file, by custom ending in `.safetensors`
 * @throws {PermissionError} without permission to read and write the file's folder
 * @throws {CheckpointError} when the file cannot be written, or an option of a plugin is no plain data
 */
export async function saveModel(model: Model, path: string, options: SaveOptions = {}): Promise<void> {
  refuseUnknown(options, ["preprocessing", "loss", "progress", "tensors"], "save");
  const { preprocessing, loss, progress } = options;
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: VERSION,
    model: JSON.stringify(plain(model.root, "model")),
    build: JSON.stringify({ ...model.built, seed: String(model.built.seed) }),
    changes: JSON.stringify(changesOf(model, progress)),
  };
  if (preprocessing !== undefined) {
    const found = "train" in preprocessing ? preprocessingOf(preprocessing) : preprocessing;
    metadata.preprocessing = JSON.stringify(plain(found, "preprocessing"));
  }
  if (progress !== undefined) metadata.progress = JSON.stringify(progress);
  if (loss?.definition.prediction !== undefined) metadata.loss = JSON.stringify(plain(loss, "loss"));
  const unsigned = encodeSafetensors(
    options.tensors === undefined ? ownTensors(model) : named(options.tensors),
    metadata,
  );
  await needAccess(folderOf(path), ["read", "write"], `Writing ${path}`);
  await attempt(`${path} cannot be written`, async () => {
    const { tensors } = decodeSafetensors(unsigned, path);
    await writeWhole(path, encodeSafetensors(tensors, { ...metadata, sha256: await sha256(unsigned) }));
  });
}

/** Parameters by their names, and running state under `state/`. */
function ownTensors(model: Model): Map<string, Tensor> {
  const all = new Map<string, Tensor>(model.parameters().map(({ name, tensor }) => [name, tensor]));
  for (const [name, tensor] of model.state()) all.set(`state/${name}`, tensor);
  return all;
}

/** The tensors of a snapshot by the names that they have in the file. */
function named(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const all = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith("model/")) all.set(name.slice("model/".length), tensor);
    else if (name.startsWith("state/")) all.set(name, tensor);
  }
  return all;
}

/**
 * The plugins of a model that are not as its description says: those that were configured since, or that layers made, and
 * those with schedules where these are to be replaced by their values.
 */
function changesOf(model: Model, progress: Progress | undefined): Record<string, unknown> {
  const described = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (isPlugin(value)) described.add(value);
    const inner = isPlugin(value) ? value.options : value;
    if (typeof inner === "object" && inner !== null) Object.values(inner).forEach(visit);
  };
  visit(model.root);
  const changes: Record<string, unknown> = {};
  for (const [path, plugin] of model.plugins()) {
    const { options } = plugin;
    const now = progress === undefined ? options : optionsAt(plugin, progress, path, model.schedules);
    if (described.has(plugin) && now === options) continue;
    changes[path] = plain({ ...plugin.toJSON(), ...now }, `model.${path}`);
  }
  return changes;
}
