/** A run that was trained, opened again: its data, and its models as they were measured. @module */
import {
  buildModel,
  type Dataset,
  defaultLoss,
  didYouMean,
  holdBack,
  latestCheckpoint,
  loadDataset,
  loadMeasured,
  type Member,
  OptionError,
  type Plugin,
  type Registry,
} from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { chooseBackend } from "./choose_backend.ts";
import type { Config } from "../configuration/config.ts";
import { configuredDataset, configuredRun } from "../configuration/configured_run.ts";
import { note } from "../arguments/deliver.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { placeData } from "./place_data.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { readConfig } from "../configuration/read_config.ts";
import { folderOfRun, identityOf } from "./run_directory.ts";
import { runsOf } from "../configuration/runs_of.ts";

/** A run, or an ensemble of runs, ready to predict. */
export interface OpenedRun {
  /** The run directory. */
  readonly out: string;
  /** Its name; that of an ensemble is the name that its members share. */
  readonly name: string;
  /** The configuration, with absolute paths. */
  readonly config: Config;
  /** The plugins that it knows. */
  readonly registry: Registry;
  /** The data, with the validation part that was held back in training. */
  readonly dataset: Dataset;
  /** The loss, which says what of the outputs is a prediction. */
  readonly loss: Plugin<"loss">;
  /** The models, each at the moment of training at which it was measured. */
  readonly members: readonly Member[];
  /** The step of each, in the same order. */
  readonly steps: readonly number[];
  /** The folder of each, in the same order. */
  readonly folders: readonly string[];
}

/**
 * Opens the run that the arguments `--run`, `--name`, `--data` and `--backend` name; the last one where there is no
 * `--name`.
 *
 * @throws {ThinnedError} for a folder without a run, an unknown name, and a run without a checkpoint
 */
export async function openRun(given: Arguments): Promise<OpenedRun> {
  const out = given.value("run");
  if (out === undefined) throw new OptionError("--run", "the folder of a finished run", "nothing");
  const read = await readConfig(`${out}/config.json`, "--run");
  const base = await Deno.realPath(out);
  const registry = await loadRegistry(read.plugins, base);
  const placed = absolutePaths(read, registry, base);
  const config = { ...placed, dataset: placeData(placed.dataset, given.value("data"), registry) };
  const { name, runs } = namedRuns(config, given.value("name"));
  await chooseBackend(given.value("backend"), registry.list());
  const configured = runs.map((run) => configuredRun(config, run, registry));
  const loaded = await loadDataset(configuredDataset(config, registry));
  const [first] = configured;
  const dataset = first.validation === undefined ? loaded : holdBack(loaded, first.validation, first.validationSeed);
  const members: Member[] = [];
  const steps: number[] = [];
  const folders = runs.map((run) => folderOfRun(out, config, run));
  for (const [i, { name, model: root, seed }] of configured.entries()) {
    const model = buildModel(root, { inputShape: dataset.test.shape, seed });
    const { snapshot } = await latestCheckpoint(folders[i], note, {
      run: identityOf(config, name),
    });
    const progress = loadMeasured(model, snapshot);
    members.push({ model, progress });
    steps.push(progress.step);
  }
  return { out, name, config, registry, dataset, loss: first.loss ?? defaultLoss(dataset), members, steps, folders };
}

/**
 * The runs behind a name: one, or the members of an ensemble.
 *
 * @param name of either. Default: the last run, and if that is a member, its ensemble
 * @throws {OptionError} for a name that there is not
 */
export function namedRuns(config: Config, name: string | undefined): { name: string; runs: string[] } {
  const runs = runsOf(config);
  const last = runs.at(-1)!;
  const found = name ?? last.ensemble?.name ?? last.name;
  const members = runs.filter((run) => run.ensemble?.name === found);
  if (members.length > 0) return { name: found, runs: members.map((run) => run.name) };
  const names = [...new Set(runs.flatMap((run) => [run.ensemble?.name ?? [], run.name].flat()))];
  if (names.includes(found)) return { name: found, runs: [found] };
  throw new OptionError("--name", `one of the runs ${names.join(", ")}`, found, didYouMean(found, names));
}
