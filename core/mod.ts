/**
 * The small core: tensors, gradients, addresses of randomness, the plugin contract, and the training loop.
 *
 * @module
 */
import { installReference } from "./backend.ts";
import { reference } from "./reference/mod.ts";

installReference(reference);

export * from "./autograd.ts";
export {
  type AdamSettings,
  type Address,
  type Backend,
  type BackendInfo,
  type BinaryOp,
  binaryOps,
  type CrossEntropyShape,
  currentBackend,
  type DropConnectShape,
  type Epilogue,
  epilogues,
  type Floats,
  type GemmShape,
  type Ints,
  kernels,
  type ReduceOp,
  reduceOps,
  type SgdSettings,
  type UnaryOp,
  unaryOps,
  useBackend,
} from "./backend.ts";
export { type Batch, checkDataset, laneOrder, makeBatch, shuffledOrder } from "./batches.ts";
export {
  type Config,
  configSchema,
  configuredDataset,
  type ConfiguredRun,
  configuredRun,
  parseConfig,
  type PartConfig,
  setPath,
} from "./config.ts";
export {
  checkpointSteps,
  type FoundCheckpoint,
  latestCheckpoint,
  readCheckpoint,
  writeCheckpoint,
  type WriteCheckpointOptions,
  writeModel,
} from "./checkpoint.ts";
export type { ChannelUnits, Dataset, Split, TargetUnits } from "./data.ts";
export * from "./errors.ts";
export * from "./events.ts";
export { fromPyTorch, type FromPyTorchOptions } from "./from_pytorch.ts";
export { checkGradient, type GradientCheckOptions, GradientError } from "./gradient_check.ts";
export { keepProbability, Key, rateThreshold, SiteCollisionError, siteHash } from "./key.ts";
export {
  type AllOutputs,
  buildModel,
  type BuildOptions,
  Model,
  type Parameter,
  type RunOptions,
  type SummaryRow,
} from "./model.ts";
export { clipGradients, type GradientClipping, OptimizerDriver, type ParameterGroup } from "./optimizer.ts";
export { type AttentionOptions, maskedScore, scaledDotProductAttention } from "./ops/attention.ts";
export { convolution, type ConvolutionOptions, type Window } from "./ops/convolution.ts";
export { affine, matmul, type MatmulOptions } from "./ops/matmul.ts";
export { localResponse, type LocalResponseOptions, normalize, type NormalizeOptions } from "./ops/normalization.ts";
export { averagePool, maxPool, type PoolWindow } from "./ops/pooling.ts";
export { checkRate, type DropoutOptions as DrawOptions } from "./ops/random.ts";
export { gruSequence, lstmSequence, rnnSequence } from "./ops/recurrent.ts";
export { unstack } from "./ops/unstack.ts";
export type { SequenceOptions } from "./ops/walk.ts";
export { type CrossEntropyOptions as CrossEntropyRowsOptions, crossEntropyRows } from "./ops/softmax.ts";
export type { Axes } from "./ops/reduce.ts";
export { philox4x32 } from "./philox.ts";
export { definePlugin, instantiate, isFactory, isPlugin, rolesOf } from "./define.ts";
export * from "./options.ts";
export * from "./plugin.ts";
export { predict, type Prediction, type PredictOptions } from "./predict.ts";
export { reference } from "./reference/mod.ts";
export { Registry } from "./registry.ts";
export { decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";
export type {
  ConvolutionShape,
  NormalizationShape,
  PoolShape,
  Spatial,
  SpatialKernels,
  WindowShape,
} from "./spatial.ts";
export {
  type BroadcastPlan,
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  type Shape,
  sizeOf,
  stridesOf,
} from "./shape.ts";
export { type AnyArray, type DType, type PoolStatistics, poolStatistics, recycling, Storage } from "./storage.ts";
export { formatSummary } from "./summary.ts";
export { type FloatType, type Nested, Tensor } from "./tensor.ts";
export { evaluate, type Evaluation, type EvaluationBatch, evaluationBatches, loadDataset } from "./evaluate.ts";
export { fit, type FitOptions, type FitResult, Trainer } from "./train.ts";
export type { LearningOptions } from "./learner.ts";
