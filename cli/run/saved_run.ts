/** The model that a finished run has saved, which needs neither its data nor its checkpoints. @module */
import { type LoadedModel, OptionError, PluginError, type Preprocessing, readModel } from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { chooseBackend } from "./choose_backend.ts";
import { configuredRun } from "../configuration/configured_run.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { namedRuns } from "./open_run.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { readConfig } from "../configuration/read_config.ts";
import { folderOfRun } from "./run_directory.ts";

/** A run's saved model. */
export interface SavedRun {
  /** The run's name. */
  readonly run: string;
  /** The model and what it says of new inputs. */
  readonly loaded: LoadedModel;
  /** What was done to inputs and targets. */
  readonly preprocessing: Preprocessing;
}

/**
 * Reads the model of the run that the arguments `--run`, `--name` and `--backend` name; the last run of a folder where there
 * is no `--name`.
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
  const { name, runs: [run, ...others] } = namedRuns(config, given.value("name"));
  if (others.length > 0) throw new OptionError("--name", `a single run, such as ${run}`, `the ensemble ${name}`);
  configuredRun(config, run, registry); // what is wrong with it is told before anything is opened
  await chooseBackend(given.value("backend"), registry.list());
  const path = `${folderOfRun(out, config, run)}/model.safetensors`;
  const loaded = await readModel(path, registry);
  if (loaded.preprocessing === undefined) {
    throw new PluginError(`${path}: expected a model saved with its preprocessing, found one without.`);
  }
  return { run, loaded, preprocessing: loaded.preprocessing };
}
