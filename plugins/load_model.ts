/** Reading a saved model whose plugins are built in, or named. @module */
import { type AnyFactory, type LoadedModel, readModel, refuseUnknown, Registry } from "../core/mod.ts";
import { builtins } from "./builtins.ts";

/** Options of {@linkcode loadModel}. */
export interface LoadModelOptions {
  /** Plugins of one's own that the model has, beside the built-in ones. Default: none. */
  plugins?: readonly AnyFactory[];
}

/**
 * Reads a model from the file that `model.save` or a run wrote, without the program that made it. From several files it
 * reads the members of an ensemble, whose predictions are averaged.
 *
 * @param path the file, or one for each member
 * @param options plugins of one's own
 * @throws {PermissionError} without permission to read the file
 * @throws {CheckpointError} naming the file, when it is missing, damaged, no saved model, or of another version, and a
 *   member that was trained for other inputs or targets than the first
 * @throws {PluginError} when the model has a plugin that is neither built in nor given
 *
 * @example
 * ```ts
 * import { dense, digits, dropout, fit, loadModel, predict, prepareInputs, relu, sequential, sgd } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/digits.safetensors`;
 * const run = await fit(sequential([dense(16), relu(), dropout(), dense(10)]), {
 *   data: digits({ train: 100, test: 50 }), optimizer: sgd(), epochs: 1,
 * });
 * await run.save(path);
 *
 * const { model, preprocessing } = await loadModel(path);
 * const pixels = new Uint8Array(784); // one image, as bytes
 * const { mean } = predict(model, prepareInputs(preprocessing!, pixels), { samples: 10, softmax: true });
 * assertEquals(mean.shape, [1, 10]);
 * ```
 *
 * @example A table: new rows are read as the training rows were, and prices come in dollars
 * ```ts
 * import { adam, csv, dense, fit, loadModel } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const rows = Array.from({ length: 50 }, (_, i) => `${30 + i},${["Oslo", "Rome"][i % 2]},${1000 * (30 + i)}`);
 * await Deno.writeTextFile(`${folder}/houses.csv`, ["area,city,price", ...rows].join("\n"));
 * const data = csv({ path: `${folder}/houses.csv`, target: "price" });
 * const run = await fit(dense(1), { data, optimizer: adam({ learningRate: 0.05 }), epochs: 40, batchSize: 10 });
 * await run.save(`${folder}/houses.safetensors`);
 *
 * const { predictRows } = await loadModel(`${folder}/houses.safetensors`);
 * const [{ prediction }] = await predictRows([{ area: 60, city: "Oslo" }]); // or the path of a file
 * assert(Math.abs(Number(prediction) - 60_000) < 6000);
 * ```
 *
 * @example An ensemble: the mean of its members, and how far they disagree
 * ```ts
 * import { adam, arrays, dense, fitEnsemble, loadModel, prepareInputs } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const x = Array.from({ length: 40 }, (_, i) => [i / 40]);
 * const data = arrays({ train: [x, x.map(([a]) => 3 * a + 0.5)], test: 0.2 });
 * const runs = await fitEnsemble(dense(1), { members: 2, data, optimizer: adam({ learningRate: 0.1 }), epochs: 5 });
 * const folder = await Deno.makeTempDir();
 * const paths = runs.map((_, member) => `${folder}/member-${member}.safetensors`);
 * for (const [member, run] of runs.entries()) await run.save(paths[member]);
 *
 * const ensemble = await loadModel(paths);
 * const [{ prediction, deviation }] = ensemble.predictInputs(prepareInputs(ensemble.preprocessing!, [[0.5]]));
 * assert(Number(prediction) > 0 && Number(deviation) > 0);
 * ```
 */
export async function loadModel(
  path: string | readonly string[],
  options: LoadModelOptions = {},
): Promise<LoadedModel> {
  refuseUnknown(options, ["plugins"], "loadModel");
  return await readModel(path, new Registry([...builtins, ...options.plugins ?? []]));
}
