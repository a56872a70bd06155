/** Training in one call. @module */
import type { FitOptions, FitResult } from "./fit_options.ts";
import { Trainer } from "./trainer.ts";
import type { LayerPlugin } from "../plugin/plugin.ts";

/**
 * Trains a model.
 *
 * @param root the model, as a layer plugin
 * @throws {OptionError} for a wrong option
 * @throws {DataError} for a data set that is empty or has labels outside its classes
 * @throws {ShapeError} when the model does not fit the data
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, dropout, fit, relu, sequential, sgd } from "@thinned/dropout";
 *
 * const model = sequential([dense(32), relu(), dropout({ rate: 0.2 }), dense(10)]);
 * const run = await fit(model, {
 *   data: digits({ train: 200, test: 200 }), loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1 }),
 *   epochs: 2, batchSize: 50, seed: 1,
 * });
 * console.log(run.testError);
 * ```
 */
export async function fit(root: LayerPlugin, options: FitOptions): Promise<FitResult> {
  const trainer = await Trainer.create(root, options);
  await trainer.open();
  while (!trainer.done) await trainer.runEpoch();
  return await trainer.end();
}
