/** The models that a finished run has saved, which need neither its data nor its checkpoints. @module */
import { type LoadedModel, OptionError, PluginError, type Preprocessing, readModel } from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { chooseBackend } from "./choose_backend.ts";
import { configuredRun } from "../configuration/configured_run.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { namedRuns } from "./open_run.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { readConfig } from "../configuration/read_config.ts";
import { folderOfRun } from "./run_directory.ts";

/** A run's saved model, or those of an ensemble's members. */
export interface SavedRun {
  /** The folder of each of its models. */
  readonly folders: readonly string[];
  /** The run's name, or the one that the members of an ensemble share. */
  readonly run: string;
  /** The model, or the members, and what they say of new inputs. */
  readonly loaded: LoadedModel;
  /** What was done to inputs and targets. */
  readonly preprocessing: Preprocessing;
}

/**
 * Reads the models of the run or ensemble that the arguments `--run`, `--name` and `--backend` name; the last one of a folder
 * where there is no `--name`.
 *
 * @throws {ThinnedError} for a folder without a run, an unknown name, and a run that is not finished
 */
export async function savedRun(given: Arguments): Promise<SavedRun> {
  const out = given.value("run");
  if (out === undefined) throw new OptionError("--run", "the folder of a finished run", "nothing");
  const read = await readConfig(`${out}/config.json`, "--run");
  const base = await Deno.realPath(out);
  const registry = await loadRegistry(read.plugins, base);
  const config = absolutePaths(read, registry, base);
  const { name, runs } = namedRuns(config, given.value("name"));
  for (const run of runs) configuredRun(config, run, registry); // what is wrong is told before anything is opened
  await chooseBackend(given.value("backend"), registry.list());
  const folders = runs.map((run) => folderOfRun(out, config, run));
  const paths = folders.map((folder) => `${folder}/model.safetensors`);
  const loaded = await readModel(paths, registry);
  if (loaded.preprocessing === undefined) {
    throw new PluginError(`${paths[0]}: expected a model saved with its preprocessing, found one without.`);
  }
  return { folders, run: name, loaded, preprocessing: loaded.preprocessing };
}
