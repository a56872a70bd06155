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
 * Where to look, by what is wanted:
 *
 * - **Train**: `fit`, or `Trainer` an epoch at a time; `evaluate`, `predict`, `loadModel`; `openNative` and
 *   `tryOpenNative` for speed.
 * - **Data**: `arrays` for one's own, `csv`, `text`, `digits`, `mnist`, `cifar10`, `uci`; changed by `flip`,
 *   `crop`, `shift`, `cutout`, `mixup`.
 * - **Dropout**: `dropout`, `alphaDropout`, `gaussianDropout`, `spatialDropout`, `concreteDropout`,
 *   `embeddingDropout`; of weights, `dropConnect` and `weightDrop`; in recurrent layers, `zoneout` and
 *   `variationalRecurrentDropout`; of branches, `stochasticDepth`; in attention, `attentionDropout` and `dropKey`;
 *   around a loss, `rDrop`.
 * - **Layers**: `sequential`, `dense`, `relu`, `conv2d`, `maxPool2d`, `batchNorm`, `layerNorm`, `lstm`,
 *   `embedding`, `encoderBlock`, `residual`, `graph`, and others beside them.
 * - **How weights change**: `sgd`, `adam`, `adamw`, `rmsprop`; schedules such as `cosine`, `oneCycle` and
 *   `plateau`; `maxNorm`, `ema`, `swa`.
 * - **While a run goes on**: `progressBar`, `metricsLog`, `checkpointWriter`, `earlyStopping`, `keepBest`.
 * - **A plugin of one's own**: `definePlugin`, with options from `rateSchema` and `scheduled`; a kernel in C,
 *   `defineKernel`; the exam, in `@thinned/dropout/testing`.
 * - **Tensors and gradients by hand**: `Tensor`, `gradients`, `buildModel`, `Key` for random numbers.
 *
 * All else is what these are made of, for plugins that need it.
 *
 * @module
 */
export * from "./core/mod.ts";
export * from "./plugins/mod.ts";
export { builtinKernels, builtins } from "./plugins/builtins.ts";
export { loadModel, type LoadModelOptions } from "./plugins/load_model.ts";
export { openNative, tryOpenNative } from "./open_native.ts";
export type { NativeAttempt, NativeOptions, Variant } from "./native/mod.ts";
