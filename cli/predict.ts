/** `predict`: what a trained model says of the test examples, once or averaged over Monte Carlo passes. @module */
import {
  buildModel,
  type Dataset,
  defaultLoss,
  evaluationBatches,
  latestCheckpoint,
  loadDataset,
  loadMeasured,
  makeBatch,
  type Model,
  OptionError,
  type Plugin,
  predict as average,
  type Progress,
  ShapeError,
  showShape,
  type Tensor,
} from "../mod.ts";
import { absolutePaths } from "./absolute_paths.ts";
import { chooseBackend } from "./choose_backend.ts";
import { configuredDataset, configuredRun } from "./configured_run.ts";
import { note, type Outcome } from "./deliver.ts";
import { loadRegistry } from "./load_registry.ts";
import { placeData } from "./place_data.ts";
import { readArguments } from "./read_arguments.ts";
import { readConfig } from "./read_config.ts";
import { folderOfRun, identityOf } from "./run_directory.ts";
import { table } from "./_table.ts";

/** One example's prediction. */
interface Prediction {
  readonly index: number;
  /** Which of an example's positions, where each has a label. */
  readonly position?: number;
  readonly target: number | number[];
  readonly prediction: number | number[];
  /** Probability of the predicted class, or nothing for regression. */
  readonly probability?: number;
  /** Standard deviation over the passes, of that probability or of each output. */
  readonly deviation: number | number[];
}

/** Runs `predict --run DIR [--name RUN] [--samples T] [--limit N]`. */
export async function predict(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, {
    values: ["run", "name", "samples", "limit", "backend", "data"],
    switches: ["json"],
  });
  const out = given.value("run");
  if (out === undefined) throw new OptionError("--run", "the folder of a finished run", "nothing");
  const samples = given.whole("samples", 0) ?? 0;
  const limit = given.whole("limit", 1) ?? 10;
  let config = await readConfig(`${out}/config.json`, "--run");
  const base = await Deno.realPath(out);
  const registry = await loadRegistry(config.plugins, base);
  config = absolutePaths(config, registry, base);
  config = { ...config, dataset: placeData(config.dataset, given.value("data"), registry) };
  const name = given.value("name") ?? config.runs.at(-1)!.name;
  const run = configuredRun(config, name, registry);
  await chooseBackend(given.value("backend"), registry.list());
  const dataset = await loadDataset(configuredDataset(config, registry));
  const model = buildModel(run.model, { inputShape: dataset.test.shape, seed: run.seed });
  const { snapshot } = await latestCheckpoint(folderOfRun(out, config, name), note, { run: identityOf(config, name) });
  const progress = loadMeasured(model, snapshot);
  const { predictions, error } = predictAll(model, dataset, samples, run.loss ?? defaultLoss(dataset), progress);
  const shown = predictions.slice(0, limit);
  const rows = shown.map((p) => [
    p.position === undefined ? String(p.index) : `${p.index}, ${p.position}`,
    text(p.target),
    text(p.prediction),
    p.probability === undefined ? "" : p.probability.toFixed(4),
    samples === 0 ? "" : text(p.deviation),
  ]);
  const summary = samples === 0 ? "one pass, dropout off" : `mean of ${samples} passes with dropout on`;
  return {
    json: {
      dataset: dataset.name,
      run: name,
      samples,
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

/**
 * Mean and standard deviation over passes: of class probabilities, or of outputs in the targets' own units. Where each
 * position of an example has a label, there is a prediction for each.
 */
function predictAll(
  model: Model,
  dataset: Dataset,
  samples: number,
  loss: Plugin<"loss">,
  progress: Progress,
): { predictions: Prediction[]; error: number } {
  const { test, classes, targetUnits } = dataset;
  const width = classes > 0 ? classes : dataset.outputs;
  const positions = test.labelsPerExample ?? 1;
  const { prediction } = loss.definition;
  const scale = (output: number) => targetUnits?.deviation[output] ?? 1;
  const original = (value: number, output: number) => value * scale(output) + (targetUnits?.mean[output] ?? 0);
  const predictions: Prediction[] = [];
  let errors = 0;
  // A sequence's states go on from batch to batch, in each pass its own.
  const carries = Array.from({ length: Math.max(samples, 1) }, () => new Map<string, Tensor>());
  for (const { from, to, order, carried } of evaluationBatches(dataset)) {
    const { inputs } = makeBatch(test, dataset.outputs, from, to, order);
    const { mean, variance } = average(model, inputs, {
      samples,
      progress,
      first: from,
      carry: carried ? carries : undefined,
      softmax: classes > 0,
      read: (outputs) => classes > 0 || prediction === undefined ? outputs : prediction(outputs, loss.options),
    });
    if (mean.size !== (to - from) * positions * width) {
      throw new ShapeError(
        `predict: expected ${positions} x ${width} outputs for each example of ${dataset.name}, found ` +
          `${showShape(mean.shape.slice(1))}.`,
      );
    }
    for (let row = 0; row < (to - from) * positions; row++) {
      const at = from + Math.floor(row / positions);
      const index = order === undefined ? at : order[at];
      const means = [...mean.floats.subarray(row * width, (row + 1) * width)];
      const spread = Array.from(variance.floats.subarray(row * width, (row + 1) * width), Math.sqrt);
      if (classes > 0) {
        const best = means.indexOf(Math.max(...means));
        const target = test.labels![index * positions + row % positions];
        if (best !== target) errors += 1 / positions;
        const place = test.labelsPerExample === undefined ? { index } : { index, position: row % positions };
        predictions.push({ ...place, target, prediction: best, probability: means[best], deviation: spread[best] });
      } else {
        const target = [...test.targets!.subarray(index * width, (index + 1) * width)].map(original);
        const found = means.map(original);
        errors += found.reduce((total, m, i) => total + (m - target[i]) ** 2, 0) / width;
        const deviation = spread.map((value, output) => value * scale(output));
        predictions.push({ index, target, prediction: found, deviation });
      }
    }
  }
  const error = classes > 0 ? errors / test.count : Math.sqrt(errors / test.count);
  predictions.sort((a, b) => a.index - b.index || (a.position ?? 0) - (b.position ?? 0));
  return { predictions, error };
}
