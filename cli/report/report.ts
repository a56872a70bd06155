/** `report`: one page that shows runs, from their folders. @module */
import {
  buildModel,
  type Dataset,
  defaultLoss,
  holdBack,
  latestCheckpoint,
  loadDataset,
  loadMeasured,
  OptionError,
  ThinnedError,
} from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { reportCommand } from "../arguments/commands/report.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { openInBrowser } from "../arguments/open_in_browser.ts";
import { folderOf } from "../arguments/paths.ts";
import { type Arguments, readArguments } from "../arguments/read_arguments.ts";
import { configuredDataset, type ConfiguredRun, configuredRun } from "../configuration/configured_run.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { readConfig } from "../configuration/read_config.ts";
import { runsOf } from "../configuration/runs_of.ts";
import { table } from "../print/table.ts";
import { backendLine, chooseBackend } from "../run/choose_backend.ts";
import { placeData } from "../run/place_data.ts";
import { folderOfRun, identityOf } from "../run/run_directory.ts";
import type { RunReport } from "./report_data.ts";
import { REPORT, reportData, reportRuns, writeReports, writeWhole } from "./write_reports.ts";
import { reportPage } from "./html.ts";
import type { ReportedRun } from "./run_report.ts";

/** Runs `report --run DIR... [--out FILE] [--open]`. */
export async function report(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, reportCommand);
  const folders = given.list("run");
  if (folders.length === 0) throw new OptionError("--run", "the folder of a run", "nothing");
  const twice = folders.find((folder, i) => folders.indexOf(folder) < i);
  if (twice !== undefined) throw new OptionError("--run", "each folder once", twice);
  const wanted = given.value("out");
  const runs: ReportedRun[] = [];
  for (const folder of folders) runs.push(...await openAll(folder, given));
  const written = wanted === undefined && folders.length === 1
    ? await writeReports(folders[0], runs)
    : await writeOne(wanted ?? REPORT, named(runs, folders));
  if (given.has("open") && !await openInBrowser(await Deno.realPath(written.path))) {
    note(`No browser could be asked to open ${written.path}.`);
  }
  return { json: { report: written.path, runs: written.reports.map(summary) }, text: describe(written) };
}

/** All runs of a folder, each with the model that it ends with so far. */
async function openAll(out: string, given: Arguments): Promise<ReportedRun[]> {
  const read = await readConfig(`${out}/config.json`, "--run");
  const base = await Deno.realPath(out);
  const registry = await loadRegistry(read.plugins, base);
  const placed = absolutePaths(read, registry, base);
  const config = { ...placed, dataset: placeData(placed.dataset, given.value("data"), registry) };
  await chooseBackend(given.value("backend"), registry.list());
  const configured = runsOf(config).map(({ name }) => configuredRun(config, name, registry));
  const loaded = await loadDataset(configuredDataset(config, registry));
  const found: ReportedRun[] = [];
  for (const run of configured) {
    const folder = folderOfRun(out, config, run.name);
    const from = latestCheckpoint(folder, note, { run: identityOf(config, run.name) });
    const checkpoint = configured.length === 1 ? await from : await from.catch((error) => {
      if (!(error instanceof ThinnedError)) throw error;
      note(`${run.name} is left out: ${error.message}`);
    });
    if (checkpoint === undefined) continue;
    const { snapshot } = checkpoint;
    const dataset = parted(loaded, run);
    const model = buildModel(run.model, { inputShape: dataset.train.shape, seed: run.seed });
    const progress = loadMeasured(model, snapshot);
    const { epoch, history, kept, computedBy } = snapshot.progress;
    const stopped = run.observers.some(({ definition, options }) => definition.stops?.(history, options) ?? false);
    found.push({
      name: run.name,
      out,
      config,
      model,
      dataset,
      loss: run.loss ?? defaultLoss(dataset),
      progress,
      epoch,
      history,
      epochs: run.epochs,
      ...(kept !== undefined && kept.epoch !== epoch && { bestEpoch: kept.epoch }),
      interrupted: epoch < run.epochs && !stopped,
      backend: computedBy ?? backendLine(),
    });
  }
  if (found.length === 0) throw new OptionError("--run", "a folder with a run that has a checkpoint", out);
  return found;
}

function parted(dataset: Dataset, { validation, validationSeed }: ConfiguredRun): Dataset {
  return validation === undefined ? dataset : holdBack(dataset, validation, validationSeed);
}

/** Runs of several folders, each called by its folder where that tells them apart. */
function named(runs: readonly ReportedRun[], folders: readonly string[]): ReportedRun[] {
  if (folders.length === 1) return [...runs];
  const names = runs.map(({ out, name, config }) => {
    const folder = out.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1)!;
    return runsOf(config).length === 1 ? folder : `${folder}/${name}`;
  });
  return runs.map((run, i) => {
    const alike = names.filter((name) => name === names[i]).length > 1;
    return { ...run, called: alike ? `${run.out}/${run.name}` : names[i] };
  });
}

async function writeOne(path: string, runs: readonly ReportedRun[]) {
  const into = folderOf(path);
  if (into !== "" && !await Deno.stat(into).then(({ isDirectory }) => isDirectory, () => false)) {
    throw new OptionError("--out", "a file in a folder that exists", path);
  }
  const reports = await reportRuns(runs);
  const titles = [...new Set(runs.map(({ dataset }) => dataset.name))];
  await writeWhole(path, reportPage(reportData(titles.join(", "), reports)));
  return { path, reports };
}

/** A run in the one object of `--json`. */
function summary({ name, seed, parameters, epochs, interrupted, history, confusion, uncertainty }: RunReport) {
  const last = history.at(-1);
  return {
    name,
    seed,
    parameters,
    epochs: epochs.done,
    interrupted,
    trainError: last?.trainError ?? null,
    testError: last?.testError ?? null,
    judged: confusion !== undefined,
    ...(uncertainty && { sampledError: uncertainty.error, passes: uncertainty.passes }),
  };
}

function describe({ path, reports }: { path: string; reports: readonly RunReport[] }): string {
  const rows = reports.map(({ name, epochs, history, classification }) => {
    const error = (value: number | null | undefined) =>
      typeof value !== "number" ? "" : classification ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4);
    const last = history.at(-1);
    return [name, `${epochs.done} of ${epochs.of}`, error(last?.trainError), error(last?.testError)];
  });
  return `\n${table(rows, ["run", "epochs", "train error", "test error"])}\n\nThe report is in ${path}\n`;
}
