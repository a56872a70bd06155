/**
 * Thinned: neural networks with dropout, in which every variant is a plugin.
 *
 * Tensors with gradients, layers, losses, optimizers, schedules, data sets and observers; random numbers that are
 * addresses, so that every mask is reproducible bit for bit; a native backend over OpenBLAS, and a reference in plain
 * TypeScript.
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, dropout, fit, relu, sequential, sgd } from "@thinned/dropout";
 *
 * const model = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(10)]);
 * const run = await fit(model, {
 *   data: digits({ train: 500, test: 500 }), loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
 *   epochs: 2, batchSize: 50, seed: 1,
 * });
 * console.log(`${(100 * run.testError).toFixed(1)} % of the test images are misread`);
 * ```
 *
 * @module
 */
export * from "./core/mod.ts";
export * from "./plugins/mod.ts";
export { builtinKernels, builtins } from "./plugins/builtins.ts";
export { loadModel, type LoadModelOptions } from "./plugins/load_model.ts";
export { openNative, tryOpenNative } from "./open_native.ts";
export type { NativeAttempt, NativeOptions, Variant } from "./native/mod.ts";
