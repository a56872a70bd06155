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
 * - **Train**: `fit`, or `Trainer` an epoch at a time; `evaluate`, `predict`, `generate`, `loadModel`; `openNative` and
 *   `tryOpenNative` for speed.
 * - **Data**: `arrays` for one's own, `csv`, `text`, `digits`, `mnist`, `cifar10`, `uci`; changed by `flip`,
 *   `crop`, `shift`, `cutout`, `mixup`.
 * - **Dropout of activations**: `dropout`, `alphaDropout`, `featureAlphaDropout`, `gaussianDropout`, `gaussianNoise`,
 *   `uout`, `spatialDropout`, `dropBlock`, `disout`, `patchDropout`, `jumpout`, `concreteDropout`,
 *   `weightedChannelDropout`, `masksembles`, `variationalDropout`, `hiddenCut`; `maxPoolingDropout` and
 *   `stochasticPooling` as layers.
 * - **Of weights and products**: `dropConnect`, `weightDrop`, `dropFilter`, `mixout`, `standout`, `shakeout`,
 *   `targetedWeightDropout`, `targetedUnitDropout`, `sparseVariationalDropout`, `gaussianVariationalDropout`,
 *   `marginalisedDropout`; `pruned` and `sparsity` for what they leave.
 * - **Inside layers**: `zoneout`, `recurrentDropout`, `rnnDrop`, `variationalRecurrentDropout`; of branches,
 *   `stochasticDepth`, `layerDrop`, `shakeDrop`, `scheduledDropPath`, and the layers `shakeShake` and `swapout`; in
 *   attention, `attentionDropout`, `dropKey`, `dropHead`, `dropAttention`; of words, `embeddingDropout` and
 *   `wordDropout`.
 * - **Around a loss, or in its place**: `rDrop`, `consistency`, `multiSampleDropout`; `fastDropout` and
 *   `dropoutAugmentation`.
 * - **Layers**: `sequential`, `dense`, `relu`, `conv2d`, `maxPool2d`, `batchNorm`, `layerNorm`, `lstm`,
 *   `embedding`, `encoderBlock`, `residual`, `graph`, and others beside them.
 * - **How weights change**: `sgd`, `adam`, `adamw`, `rmsprop`; schedules such as `cosine`, `oneCycle` and
 *   `plateau`, and of rates `earlyDropout`, `lateDropout`, `curriculumDropout`, `annealedDropout`, `gapDropout`;
 *   `maxNorm`, `minMaxNorm`, `unitNorm`, `nonNegative`; `ema`, `swa`.
 * - **While a run goes on**: `progressBar`, `metricsLog`, `checkpointWriter`, `tensorBoard`, `earlyStopping`, `keepBest`.
 * - **A plugin of one's own**: `definePlugin`, with options from `rateSchema` and `scheduled`; a kernel in C,
 *   `defineKernel`; the exam, in `@thinned/dropout/testing`.
 * - **How sure a net is**: `assessClassification`, `assessRegression`, `calibration`, `auroc`,
 *   `fitTemperature`; `fitEnsemble`, `lastLayerLaplace`, `distill`; `predictSequentially`,
 *   `exactAverage`, `mixability`.
 * - **A net for elsewhere**: `toOnnx`, `toPyTorch` and `fromPyTorch`; `folded` and `thinned` models.
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
