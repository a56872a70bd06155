/** Normalisation by means and variances. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, inout, input, optionalInput, output, type Sizes } from "./parameters.ts";
import * as twins from "./reference/normalization.ts";

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

const shape = block<NormalizationShape>("shape", {
  batch: field.size(1),
  groups: field.size(1),
  channels: field.size(1),
  positions: field.size(1),
  acrossBatch: field.flag,
  frozen: field.flag,
  epsilon: field.number,
}, ({ acrossBatch, channels }) => {
  return acrossBatch === 1 && channels !== 1
    ? `expected groups of one channel across the batch, found ${channels}`
    : undefined;
});
const elements = ["batch", "groups", "channels", "positions"];
const features = ["groups", "channels"];
const statistics = ({ acrossBatch, batch, groups }: Readonly<Sizes>) => 2 * groups * (acrossBatch === 1 ? 1 : batch);

/**
 * `y = (x - mean) / sqrt(variance + epsilon) * scale + shift`; `scale` and `shift` may be null. `statistics` holds
 * all means, then all variances (divided by the count): written unless `frozen`, when they are read.
 */
export const normalize: Kernel<typeof twins.normalize> = defineKernel({
  name: "normalize",
  parameters: [
    input("x", elements),
    optionalInput("scale", features),
    optionalInput("shift", features),
    output("y", elements),
    inout("statistics", statistics),
    shape,
  ],
  twin: twins.normalize,
});

/** Gradient of the above; `dAffine` receives the gradient towards the scale, then the one towards the shift. */
export const normalizeGradient: Kernel<typeof twins.normalizeGradient> = defineKernel({
  name: "normalizeGradient",
  parameters: [
    input("x", elements),
    optionalInput("scale", features),
    input("statistics", statistics),
    input("dy", elements),
    output("dx", elements),
    output("dAffine", ({ groups, channels }) => 2 * groups * channels),
    shape,
  ],
  twin: twins.normalizeGradient,
});
