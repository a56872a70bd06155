/**
 * Kernels over images, sequences and volumes: convolution, pooling and normalisation. All of them see three spatial
 * axes; those that are not there have extent 1, so that a one-dimensional convolution is a volume of depth and height
 * 1.
 *
 * @module
 */
import type { Epilogue, Floats, Ints } from "./backend.ts";

/** A number for each spatial axis: depth, height, width. */
export type Spatial = readonly [depth: number, height: number, width: number];

/** Number of places that extents span. */
export function volume([depth, height, width]: Spatial): number {
  return depth * height * width;
}

/** How a window moves over an input: what convolution and pooling share. */
export interface WindowShape {
  /** Extents of the input. */
  readonly input: Spatial;
  /** Extents of the output. */
  readonly output: Spatial;
  /** Extents of the window, in taps. */
  readonly kernel: Spatial;
  /** Distance from one window to the next. */
  readonly stride: Spatial;
  /** Zeros (for a maximum: nothing) before the input; those behind it follow from the output. */
  readonly padding: Spatial;
  /** Distance from one tap to the next. */
  readonly dilation: Spatial;
}

/**
 * A convolution. `x: [batch, groups * inputs, ...input]`, `weight: [groups * outputs, inputs, ...kernel]`,
 * `y: [batch, groups * outputs, ...output]`.
 */
export interface ConvolutionShape extends WindowShape {
  /** Number of examples. */
  readonly batch: number;
  /** Independent groups of channels. */
  readonly groups: number;
  /** Input channels of a group. */
  readonly inputs: number;
  /** Output channels of a group. */
  readonly outputs: number;
}

/** Pooling: `x: [planes, ...input]`, `y: [planes, ...output]`. Every window holds at least one element of the input. */
export interface PoolShape extends WindowShape {
  /** Examples times channels. */
  readonly planes: number;
}

/**
 * Normalisation of `x: [batch, groups, channels, positions]`. Statistics are taken over channels and positions of a
 * group, and over the batch too if `acrossBatch`; scale and shift are `[groups, channels]`.
 */
export interface NormalizationShape {
  /** Number of examples. */
  readonly batch: number;
  /** Groups of channels with statistics of their own. */
  readonly groups: number;
  /** Channels of a group; 1 if `acrossBatch`. */
  readonly channels: number;
  /** Positions of a channel. */
  readonly positions: number;
  /** One mean and variance for each group (batch norm), not for each group of each example (layer and group norm). */
  readonly acrossBatch: boolean;
  /** The mean and variance are given, not computed from `x`; gradients take them for constants. */
  readonly frozen: boolean;
  /** Added to the variance. */
  readonly epsilon: number;
}

/** The kernels over images, sequences and volumes; see `Backend` for the rules that all kernels keep. */
export interface SpatialKernels {
  /** `y = f(x * weight + bias)`, a cross-correlation as is usual; `bias: [groups * outputs]` or null. */
  convolution(
    x: Floats,
    weight: Floats,
    bias: Floats | null,
    y: Floats,
    epilogue: Epilogue,
    shape: ConvolutionShape,
  ): void;
  /** Gradient of the sum without bias and activation towards `x`. */
  convolutionInputGradient(dy: Floats, weight: Floats, dx: Floats, shape: ConvolutionShape): void;
  /** Gradient of the sum without bias and activation towards the weight. */
  convolutionWeightGradient(x: Floats, dy: Floats, dWeight: Floats, shape: ConvolutionShape): void;

  /** Largest entry of each window, and its place in the plane: the first among equals, or the first NaN. */
  maxPool(x: Floats, y: Floats, places: Ints, shape: PoolShape): void;
  /** Gradient of the above: `dx[places] += dy`, 0 elsewhere. */
  maxPoolGradient(dy: Floats, places: Ints, dx: Floats, shape: PoolShape): void;
  /** Mean of each window, over all its taps if `countPadding`, else over those that lie in the input. */
  averagePool(x: Floats, y: Floats, countPadding: boolean, shape: PoolShape): void;
  /** Gradient of the above. */
  averagePoolGradient(dy: Floats, dx: Floats, countPadding: boolean, shape: PoolShape): void;

  /**
   * `y = (x - mean) / sqrt(variance + epsilon) * scale + shift`; `scale` and `shift` may be null. `statistics` holds
   * all means, then all variances (divided by the count): written unless `frozen`, when they are read.
   */
  normalize(
    x: Floats,
    scale: Floats | null,
    shift: Floats | null,
    y: Floats,
    statistics: Floats,
    shape: NormalizationShape,
  ): void;
  /** Gradient of the above; `dAffine` receives the gradient towards the scale, then the one towards the shift. */
  normalizeGradient(
    x: Floats,
    scale: Floats | null,
    statistics: Floats,
    dy: Floats,
    dx: Floats,
    dAffine: Floats,
    shape: NormalizationShape,
  ): void;
}
