/** `predict --input`: what a finished run says of new rows, read and scaled as its training rows were. @module */
import { OptionError, readModel, type Registry } from "../mod.ts";
import { chooseBackend } from "./choose_backend.ts";
import type { Config } from "./config.ts";
import type { Outcome } from "./deliver.ts";
import type { Arguments } from "./read_arguments.ts";
import { folderOfRun } from "./run_directory.ts";
import { table } from "./_table.ts";

/**
 * Predicts the rows of a file, or of standard input for `-`.
 *
 * @param given the arguments: `--input`, and perhaps `--samples`, `--limit`, `--backend`
 * @param out the run directory
 * @param config its configuration
 * @param run the run's name
 * @param registry the plugins that the run knows
 * @throws {ThinnedError} for a run that is not finished, one on a data set that reads no rows, and rows that are not as
 *   those of training
 */
export async function predictRows(
  given: Arguments,
  out: string,
  config: Config,
  run: string,
  registry: Registry,
): Promise<Outcome> {
  const input = given.value("input")!;
  if (given.value("data") !== undefined) {
    throw new OptionError("--data", "nothing beside --input, which needs no data set", given.value("data"));
  }
  const samples = given.whole("samples", 0) ?? 0;
  const limit = given.whole("limit", 1);
  await chooseBackend(given.value("backend"), registry.list());
  const path = `${folderOfRun(out, config, run)}/model.safetensors`;
  const { predictRows, preprocessing } = await readModel(path, registry);
  const source = input === "-" ? Deno.stdin.readable : input;
  const predictions = (await predictRows(source, { samples, name: "standard input" })).slice(0, limit);
  const rows = predictions.map((prediction) => {
    const classified = "probabilities" in prediction;
    const value = classified ? prediction.prediction : prediction.prediction.map(short).join(" ");
    return [
      String(prediction.index),
      value,
      ...(classified ? [prediction.probability.toFixed(4)] : []),
      ...(samples === 0 ? [] : [[prediction.deviation].flat().map(short).join(" ")]),
    ];
  });
  const heads = [
    "row",
    "prediction",
    ...(preprocessing!.classes > 0 ? ["probability"] : []),
    ...(samples === 0 ? [] : ["deviation"]),
  ];
  return {
    json: { dataset: preprocessing!.dataset, run, samples, predictions },
    text: `${table(rows, heads)}\n`,
  };
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : Math.abs(value) < 1e6 ? value.toPrecision(6) : value.toFixed(0);
}
