/**
 * The small core: tensors, gradients, addresses of randomness, the plugin contract, and the training loop.
 *
 * @module
 */
export * from "./tensor/autograd.ts";
export type { Floats, Ints } from "./backend/arrays.ts";
export { type Backend, type BackendInfo, currentBackend, reference, useBackend } from "./backend/backend.ts";
export type { BroadcastPlan } from "./backend/broadcast_plan.ts";
export type { ConvolutionShape } from "./backend/convolution.ts";
export type { DrawAddress } from "./backend/draw.ts";
export { type BinaryOp, binaryOps, type UnaryOp, unaryOps } from "./backend/elementwise.ts";
export { type Epilogue, epilogues } from "./backend/epilogue.ts";
export type {
  Access as KernelAccess,
  ArgumentsOf,
  BlockParameter,
  BoxParameter,
  CodeParameter,
  CommonParameter,
  Decision,
  DrawParameter,
  Field as KernelField,
  FlagParameter,
  FloatsParameter,
  IntsParameter,
  Length as KernelLength,
  NumberParameter,
  Parameter as KernelParameter,
  Sizes as KernelSizes,
  WholeParameter,
} from "./backend/parameters.ts";
export type { Boundary } from "./backend/boundary.ts";
export type { ArrayCheck, ArrayPair } from "./backend/boundary_plan.ts";
export type { AnyFunction } from "./backend/kernel.ts";
export { defineKernel, isKernel, type Kernel, type KernelDescription, type KernelSource } from "./backend/kernel.ts";
export {
  defineUpdate,
  type GradientProduct,
  type GradientProductShape,
  type ProductArguments,
  type UpdateKernel,
} from "./backend/gradient_product.ts";
export { applyUpdate, type UpdateArguments } from "./tensor/ops/gradient_product.ts";
/** What the arguments of a kernel mean, for {@linkcode defineKernel}. */
export * as parameters from "./backend/parameters.ts";
/** All kernels of the core, each under its name. */
export * as kernels from "./backend/kernels.ts";
export { drawn } from "./backend/reference/random.ts";
export type { NormalizationShape } from "./backend/normalization.ts";
export type { AttentionShape } from "./backend/attention.ts";
export type { GemmShape } from "./backend/products.ts";
export type { ReduceOp } from "./backend/reductions.ts";
export type { CrossEntropyShape } from "./backend/softmax.ts";
export type { PoolShape } from "./backend/pooling.ts";
export type { Spatial, WindowShape } from "./backend/window.ts";
export { type Batch, checkDataset, laneOrder, makeBatch, shuffledOrder } from "./train/batches.ts";
export {
  checkpointSteps,
  type FoundCheckpoint,
  latestCheckpoint,
  type LatestCheckpointOptions,
  readCheckpoint,
  writeCheckpoint,
  type WriteCheckpointOptions,
} from "./store/checkpoint.ts";
export type { ChannelUnits, Dataset, RowReading, RowSource, Split, TargetUnits } from "./train/data.ts";
export { currentNotebook, type DisplayBundle, jupyterDisplay, type Notebook } from "./display/jupyter.ts";
export { errorText, historyCurves, historyTable } from "./display/display_history.ts";
export * from "./errors.ts";
export { didYouMean } from "./did_you_mean.ts";
export * from "./train/events.ts";
export { decisionBits, keepProbability, Key, rateThreshold, SiteCollisionError, siteHash } from "./random/key.ts";
export { type RowAddress, Rows, type RowsWatch } from "./random/rows.ts";
export {
  type AllOutputs,
  type AnyRun,
  buildModel,
  type BuildOptions,
  type EvalRun,
  Model,
  type Parameter,
  type Passes,
  type RunOptions,
  type SampleOptions,
  type StepRun,
  type SummaryRow,
} from "./plugin/model.ts";
export type { FrozenPart } from "./plugin/frozen_part.ts";
export type { AtLayers, LayerCall } from "./plugin/layer_call.ts";
export type { AtSites, SiteCall } from "./plugin/site_call.ts";
export {
  clipGradients,
  type GradientClipping,
  OptimizerDriver,
  type ParameterGroup,
  type Slots,
} from "./train/optimizer.ts";
export { type AttentionOptions, scaledDotProductAttention } from "./tensor/ops/attention.ts";
export { convolution, type ConvolutionOptions, type Window } from "./tensor/ops/convolution.ts";
export { type MaskAhead, type PlainMask } from "./tensor/mask_ahead.ts";
export { type Foresee, type KeptUnits, type Thinning } from "./tensor/thinning.ts";
export { affine, matmul, type MatmulOptions } from "./tensor/ops/products.ts";
export {
  localResponse,
  type LocalResponseOptions,
  normalize,
  type Normalized,
  type NormalizeOptions,
} from "./tensor/ops/normalization.ts";
export { averagePool, maxPool, type PoolWindow } from "./tensor/ops/pooling.ts";
export { addMasked, applyMask, keptEntries, type Mask, maskedScore } from "./tensor/ops/mask.ts";
export {
  checkRate,
  type Decisions,
  decisions,
  type DropoutOptions as DrawOptions,
  sharedDraw,
} from "./tensor/ops/random.ts";
export { gruSequence, lstmSequence, rnnSequence } from "./tensor/ops/recurrent.ts";
export { unstack } from "./tensor/ops/unstack.ts";
export type { SequenceOptions } from "./tensor/ops/walk.ts";
export { type CrossEntropyOptions as CrossEntropyRowsOptions, crossEntropyRows } from "./tensor/ops/softmax.ts";
export type { Axes } from "./tensor/ops/reductions.ts";
export { philox4x32 } from "./random/philox.ts";
export { definePlugin, instantiate, isFactory, rolesOf } from "./plugin/define.ts";
export { isPlugin } from "./plugin/is_plugin.ts";
export { convolutionMultiply, denseMultiply, type Multiply } from "./plugin/multiply.ts";
export * from "./plugin/options.ts";
export { isPathOption, pathOption } from "./plugin/path_option.ts";
export {
  type Scheduled,
  scheduledValue,
  ScheduleMemory,
  type SchedulePlace,
  type ScheduleState,
} from "./plugin/schedule_memory.ts";
export * from "./plugin/plugin.ts";
export type { ZodString, ZodType } from "./plugin/zod_types.ts";
export { predict, type Predicting, samplesOf } from "./train/predict.ts";
export type { ClassificationPrediction, Prediction, PredictOptions, RegressionPrediction } from "./train/prediction.ts";
export { type ExactAverage, exactAverage, type ExactAverageOptions, maskUnits } from "./train/exact_average.ts";
export {
  predictSequentially,
  type SequentialPrediction,
  type SequentialPredictionOptions,
} from "./train/predict_sequentially.ts";
export { ClassRace } from "./uncertainty/class_race.ts";
export { ClassPasses, type ClassUncertainty, entropy } from "./uncertainty/class_passes.ts";
export { NumberPasses } from "./uncertainty/number_passes.ts";
export { mixtureQuantile, quantile } from "./uncertainty/quantiles.ts";
export { Registry } from "./plugin/registry.ts";
export { FolderLock, lockFolder } from "./store/lock.ts";
export { type LoadedModel, readModel } from "./store/load_model.ts";
export { type LoadedWeights, loadWeights, type LoadWeightsOptions } from "./store/load_weights.ts";
export {
  channelsFirst,
  prepareInputs,
  type Preprocessing,
  preprocessingOf,
  restoreOutputs,
} from "./store/preprocessing.ts";
export {
  checkDraws,
  type PredictInputsOptions,
  type PredictRowsOptions,
  type ReadRowsOptions,
} from "./store/predict_rows.ts";
export {
  type Averaging,
  checkAverage,
  type ClassPrediction,
  type DescribeOptions,
  nameOfClass,
  type NumberPrediction,
  probabilitiesByName,
  type RowPrediction,
  rowPredictions,
  type RowsPredicted,
} from "./store/row_predictions.ts";
export { type Predicted, readingOf } from "./train/reading_of.ts";
export { type SaveOptions } from "./store/saved_model.ts";
export { decodeSafetensors, encodeSafetensors, type Safetensors } from "./store/safetensors.ts";
export {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  type Shape,
  sizeOf,
  stridesOf,
} from "./tensor/shape.ts";
export type { Block, BufferSource } from "./tensor/pool.ts";
export {
  type AnyArray,
  type Deferred,
  type DType,
  type PoolStatistics,
  poolStatistics,
  recycling,
  Storage,
} from "./tensor/storage.ts";
export {
  isNumericArray,
  type NumberData,
  type NumberGrid,
  type NumericArray,
  placeOf,
  readNumbers,
} from "./tensor/read_numbers.ts";
export { type LayerSparsity, type Sparsity, sparsity, type WeightCount } from "./plugin/sparsity.ts";
export { auroc } from "./uncertainty/auroc.ts";
export {
  type Calibration,
  calibration,
  type CalibrationBin,
  type CalibrationOptions,
} from "./uncertainty/calibration.ts";
export type { ClassScores, ForeignScores, Refusal, SelectiveScores } from "./uncertainty/class_scores.ts";
export type { NumberScores } from "./uncertainty/number_scores.ts";
export { brierScore, negativeLogLikelihood } from "./uncertainty/proper_scores.ts";
export {
  intervalCoverage,
  type LevelFound,
  normalCdf,
  normalLogDensity,
  type QuantileCalibration,
  quantileCalibration,
} from "./uncertainty/quantile_calibration.ts";
export { type RiskCoverage, riskCoverage } from "./uncertainty/risk_coverage.ts";
export { type FittedTemperature, fitTemperature, temper } from "./uncertainty/temperature.ts";
export { formatSummary } from "./plugin/summary.ts";
export { type FloatType, type Nested, Tensor } from "./tensor/tensor.ts";
export {
  assessClassification,
  type AssessClassificationOptions,
  type ClassAssessment,
  type TemperatureScores,
} from "./train/assess_classification.ts";
export {
  assessRegression,
  type AssessRegressionOptions,
  type KnownNoise,
  type NumberAssessment,
} from "./train/assess_regression.ts";
export type { Judged, JudgingOptions, NotDone } from "./train/judged.ts";
export {
  type Member,
  type Predictor,
  type PredictorBatch,
  predictorOf,
  type PredictorOptions,
} from "./train/predictor.ts";
export { generate, type GenerateOptions, type LanguageModel, languageModel } from "./train/generate.ts";
export { loadMeasured, measuredWeights } from "./train/average.ts";
export { defaultLoss } from "./train/default_loss.ts";
export { holdBack, type PartedExamples, partExamples } from "./train/validation.ts";
export {
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  type EvaluationBatch,
  evaluationBatches,
  loadDataset,
} from "./train/evaluate.ts";
export { fit } from "./train/fit.ts";
export { fitEnsemble, type FitEnsembleOptions } from "./train/fit_ensemble.ts";
export type { FitOptions, FitResult } from "./train/fit_options.ts";
export { Trainer } from "./train/trainer.ts";
export { batchesOf, type BatchesOptions } from "./train/batches_of.ts";
export { ModelOptimizer, optimizerFor, type OptimizerForOptions } from "./train/optimizer_for.ts";
export { pickExamples } from "./train/pick_examples.ts";
export { shuffledInputs } from "./train/shuffled_inputs.ts";
export { stepsPerEpoch } from "./train/steps_per_epoch.ts";
export { logSumExpGap } from "./train/log_sum_exp_gap.ts";
export { lossOf } from "./train/loss_of.ts";
export type { LearningOptions } from "./train/learning_options.ts";
