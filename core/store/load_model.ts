/** Reading a model from the file that {@linkcode Model.save} wrote. @module */
import { attempt, needAccess, sha256 } from "./_files.ts";
import { plain, revived } from "./_plain_model.ts";
import type { Preprocessing } from "./preprocessing.ts";
import {
  inputsOfRows,
  joinedInputs,
  predictInputs,
  predictInputsKeys,
  type PredictInputsOptions,
  type PredictRowsOptions,
  type ReadRowsOptions,
} from "./predict_rows.ts";
import type { RowPrediction } from "./row_predictions.ts";
import { decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";
import { FORMAT, VERSION } from "./saved_model.ts";
import { CheckpointError, OptionError, PluginError, refuseUnknown, show } from "../errors.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import { buildModel, type BuildOptions, type Model } from "../plugin/model.ts";
import type { LayerPlugin, Plugin, Progress } from "../plugin/plugin.ts";
import type { Registry } from "../plugin/registry.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RowSource } from "../train/data.ts";
import type { Member } from "../train/predictor.ts";

/** A model that was read from a file, or the members of an ensemble. */
export interface LoadedModel {
  /** The model, with its weights and running state; of an ensemble the first member. */
  readonly model: Model;
  /** The members of an ensemble, each at its moment of training; of one file, its model alone. */
  readonly members: readonly Member[];
  /** What the data set did to inputs and targets; undefined where nobody said when it was saved. */
  readonly preprocessing: Preprocessing | undefined;
  /** The moment of training at which `model` was saved, for `predict` and `forward`; undefined where nobody said. */
  readonly progress: Progress | undefined;
  /**
   * Reads new rows of a table as the training rows were read, without targets: `[rows, ...inputShape]`, ready for the model.
   *
   * @param source the path of a file, a stream of its bytes, or objects with a value under each column's name
   * @throws {PluginError} when the model was not trained on a data set that reads rows, such as `csv`
   * @throws {DataError} with the place of a column that is missing, and of a cell that is not as in training
   */
  readRows(source: RowSource, options?: ReadRowsOptions): Promise<Tensor>;
  /**
   * What `readRows` gives, part after part while the source is read.
   *
   * @param source as for `readRows`
   * @throws what `readRows` throws, for a wrong row when it is reached
   */
  readEach(source: RowSource, options?: ReadRowsOptions): AsyncGenerator<Tensor>;
  /**
   * What the model says of new rows of a table: classes by their names, numbers in the units of the targets.
   *
   * @param source as for `readRows`
   * @throws what `readRows` throws, and {@linkcode OptionError} for an option out of range
   */
  predictRows(source: RowSource, options?: PredictRowsOptions): Promise<RowPrediction[]>;
  /**
   * What `predictRows` gives, row after row while the source is read, so that a large one need not fit into memory.
   *
   * @param source as for `readRows`
   * @throws what `predictRows` throws, for a wrong row when it is reached
   */
  predictEach(source: RowSource, options?: PredictRowsOptions): AsyncGenerator<RowPrediction>;
  /**
   * What the model says of inputs of any data set that kept its preprocessing: classes by their names, numbers in the units
   * of the targets.
   *
   * @param inputs `[rows, ...inputShape]`, as `prepareInputs` or `readRows` give them
   * @throws {PluginError} when the model was saved without its preprocessing
   * @throws {OptionError} for an option out of range
   */
  predictInputs(inputs: Tensor, options?: PredictInputsOptions): RowPrediction[];
}

/**
 * Reads a model with the plugins of a registry; or the members of an ensemble, whose predictions are averaged.
 *
 * @param path the file, or one for each member
 * @param registry knows every plugin in the model by name
 * @throws {PermissionError} without permission to read the file
 * @throws {CheckpointError} naming the file, when it is missing, damaged, no saved model, or of another version, and a
 *   member that was trained for other inputs or targets than the first
 * @throws {PluginError} when the model has a plugin that the registry does not know
 */
export async function readModel(path: string | readonly string[], registry: Registry): Promise<LoadedModel> {
  const paths = typeof path === "string" ? [path] : path;
  if (paths.length === 0) throw new OptionError("path", "at least one file", paths);
  const read: ReadModel[] = [];
  for (const path of paths) {
    const one = await readOne(path, registry);
    if (read.length > 0) checkAlike(one, read[0]);
    read.push(one);
  }
  return loadedOf(read, registry);
}

/** What a file holds. */
interface ReadModel extends Member {
  readonly path: string;
  readonly metadata: Record<string, string>;
  readonly preprocessing: Preprocessing | undefined;
}

async function readOne(path: string, registry: Registry): Promise<ReadModel> {
  await needAccess(path, ["read"], `Reading ${path}`);
  const bytes = await attempt(`${path} cannot be read`, () => Deno.readFile(path));
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  await check(path, { tensors, metadata });
  const build = parse(metadata, "build", path) as BuildOptions & { seed: string };
  const root = registry.create(parse(metadata, "model", path), "model") as unknown as LayerPlugin;
  const model = buildModel(root, { ...build, seed: BigInt(build.seed) });
  configure(model, parse(metadata, "changes", path) as Record<string, unknown>, registry);
  model.load(prefixed(tensors));
  const expected = model.parameters().length + model.state().size;
  if (tensors.size !== expected) {
    throw new CheckpointError(`${path}: expected ${expected} tensors for its model, found ${tensors.size}.`);
  }
  const known = metadata.preprocessing !== undefined;
  const preprocessing = known ? parse(metadata, "preprocessing", path) as Preprocessing : undefined;
  const progress = metadata.progress === undefined ? undefined : parse(metadata, "progress", path) as Progress;
  return { path, model, metadata, preprocessing, progress };
}

/** Refuses a member whose predictions are not of the same kind as those of the first. */
function checkAlike(one: ReadModel, first: ReadModel): void {
  const kind = ({ metadata: { preprocessing, loss }, model }: ReadModel) =>
    JSON.stringify([preprocessing, loss, model.inputShapes, model.outputShape]);
  if (kind(one) === kind(first)) return;
  throw new CheckpointError(
    `${one.path}: expected a member of the ensemble of ${first.path}, trained for the same inputs, targets and loss, ` +
      `found one of others.`,
  );
}

function loadedOf(read: readonly ReadModel[], registry: Registry): LoadedModel {
  const [{ path, model, metadata, preprocessing, progress }] = read;
  const members = read.map(({ model, progress }): Member => ({ model, progress }));
  const parts = (source: RowSource, name = "rows") => inputsOfRows(source, preprocessing, registry, name);
  const predictPrepared = (inputs: Tensor, options: PredictInputsOptions) => {
    // Only here is the loss needed: a model is loaded without it.
    const loss = metadata.loss === undefined ? undefined : registry.create(parse(metadata, "loss", path), "loss");
    return predictInputs(members, inputs, preprocessing!, loss as Plugin<"loss"> | undefined, options);
  };
  async function* readEach(source: RowSource, options: ReadRowsOptions = {}) {
    refuseUnknown(options, ["name"], "readEach");
    yield* parts(source, options.name);
  }
  async function* predictEach(source: RowSource, options: PredictRowsOptions = {}) {
    refuseUnknown(options, rowsKeys, "predictRows");
    const { name, ...how } = options;
    let first = 0;
    for await (const inputs of parts(source, name)) {
      yield* predictPrepared(inputs, { ...how, first });
      first += inputs.shape[0];
    }
  }
  return {
    model,
    members,
    preprocessing,
    progress,
    readEach,
    readRows: async (source, options = {}) => {
      refuseUnknown(options, ["name"], "readRows");
      return joinedInputs(await Array.fromAsync(parts(source, options.name)));
    },
    predictRows: async (source, options) => await Array.fromAsync(predictEach(source, options)),
    predictEach,
    predictInputs: (inputs, options = {}) => {
      refuseUnknown(options, predictInputsKeys, "predictInputs");
      if (preprocessing === undefined) {
        throw new PluginError("predictInputs: expected a model saved with its preprocessing, found one without.");
      }
      return predictPrepared(inputs, options);
    },
  };
}

const rowsKeys = ["name", ...predictInputsKeys.filter((name) => name !== "first")];

/** Refuses what is no saved model, of another version, or damaged. */
async function check(path: string, { tensors, metadata }: Safetensors): Promise<void> {
  const { sha256: written, ...rest } = metadata;
  if (metadata.format !== FORMAT) {
    throw new CheckpointError(
      `${path} is no saved model: expected the format ${show(FORMAT)} in its metadata, found ${show(metadata.format)}.`,
    );
  }
  if (metadata.version !== VERSION) {
    throw new CheckpointError(
      `${path}: expected a saved model of version ${VERSION}, found version ${metadata.version ?? "none"}.`,
    );
  }
  if (written !== await sha256(encodeSafetensors(tensors, rest))) {
    throw new CheckpointError(`${path} is damaged: it does not have the SHA-256 that it says.`);
  }
}

function parse(metadata: Record<string, string>, key: string, path: string): unknown {
  try {
    return revived(JSON.parse(metadata[key]));
  } catch {
    throw new CheckpointError(`${path} is damaged: its entry ${show(key)} is not JSON.`);
  }
}

/** Gives plugins the options that they had when the model was saved, where they have others. */
function configure(model: Model, changes: Record<string, unknown>, registry: Registry): void {
  const built = model.plugins();
  for (const [path, json] of Object.entries(changes)) {
    const plugin = built.get(path);
    if (plugin === undefined) throw new CheckpointError(`model.${path}: there is no such place in the saved model.`);
    const wanted = registry.create(json, `model.${path}`);
    const text = (value: unknown) => JSON.stringify(plain(value, path));
    if (isPlugin(plugin) && text(plugin) !== text(wanted)) model.configure(path, wanted.options);
  }
}

function prefixed(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].map(([name, tensor]) => [name.startsWith("state/") ? name : `model/${name}`, tensor]));
}
