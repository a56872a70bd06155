/** `predict`: what a trained model says of the test examples, once or averaged over Monte Carlo passes. @module */
import {
  buildModel,
  defaultLoss,
  latestCheckpoint,
  loadDataset,
  loadMeasured,
  type Model,
  OptionError,
  type Progress,
} from "../mod.ts";
import { absolutePaths } from "./absolute_paths.ts";
import { chooseBackend } from "./choose_backend.ts";
import { predictCommand } from "./commands.ts";
import { configuredDataset, configuredRun } from "./configured_run.ts";
import { note, type Outcome } from "./deliver.ts";
import { loadRegistry } from "./load_registry.ts";
import { predictRows } from "./predict_rows.ts";
import { namedRuns } from "./open_run.ts";
import { placeData } from "./place_data.ts";
import { predictExamples } from "./predict_examples.ts";
import { readArguments } from "./read_arguments.ts";
import { readConfig } from "./read_config.ts";
import { folderOfRun, identityOf } from "./run_directory.ts";
import { table } from "./_table.ts";

/** Runs `predict --run DIR [--name RUN] [--samples T] [--limit N] [--input FILE]`. */
export async function predict(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, predictCommand);
  const out = given.value("run");
  if (out === undefined) throw new OptionError("--run", "the folder of a finished run", "nothing");
  const samples = given.whole("samples", 0) ?? 0;
  const limit = given.whole("limit", 1) ?? 10;
  let config = await readConfig(`${out}/config.json`, "--run");
  const base = await Deno.realPath(out);
  const registry = await loadRegistry(config.plugins, base);
  config = absolutePaths(config, registry, base);
  config = { ...config, dataset: placeData(config.dataset, given.value("data"), registry) };
  const { name, runs } = namedRuns(config, given.value("name"));
  const configured = runs.map((run) => configuredRun(config, run, registry));
  const [run] = configured;
  if (given.value("input") !== undefined) {
    if (runs.length > 1) {
      throw new OptionError("--input", `a single run, such as --name ${runs[0]}`, `the ensemble ${name}`);
    }
    return await predictRows(given, out, config, run.name, registry);
  }
  await chooseBackend(given.value("backend"), registry.list());
  const dataset = await loadDataset(configuredDataset(config, registry));
  const models: Model[] = [];
  let progress: Progress | undefined;
  for (const { name, model: root, seed } of configured) {
    const model = buildModel(root, { inputShape: dataset.test.shape, seed });
    const { snapshot } = await latestCheckpoint(folderOfRun(out, config, name), note, {
      run: identityOf(config, name),
    });
    progress = loadMeasured(model, snapshot);
    models.push(model);
  }
  const { predictions, error } = predictExamples(
    models,
    dataset,
    samples,
    run.loss ?? defaultLoss(dataset),
    progress!,
    limit,
  );
  const shown = predictions.slice(0, limit);
  const rows = shown.map((p) => [
    p.position === undefined ? String(p.index) : `${p.index}, ${p.position}`,
    text(p.target),
    text(p.prediction),
    p.probability === undefined ? "" : p.probability.toFixed(4),
    samples === 0 ? "" : text(p.deviation),
  ]);
  const passes = samples === 0 ? "one pass, dropout off" : `mean of ${samples} passes with dropout on`;
  const summary = models.length === 1 ? passes : `mean of ${models.length} members, each ${passes}`;
  return {
    json: {
      dataset: dataset.name,
      run: name,
      samples,
      members: models.length,
      examples: dataset.test.count,
      testError: error,
      predictions: shown,
    },
    text: `${name} on ${dataset.name}: test error ${dataset.classes > 0 ? `${(100 * error).toFixed(2)} %` : error} ` +
      `(${summary})\n\n${table(rows, ["example", "target", "prediction", "probability", "deviation"])}\n`,
  };
}

function text(value: number | number[]): string {
  return [value].flat().map((v) => Number.isInteger(v) ? String(v) : v.toPrecision(4)).join(" ");
}
