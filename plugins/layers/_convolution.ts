/** Options, parameters and the pass that convolutions over one to three axes share. @module */
import { z } from "zod";
import {
  convolution,
  convolutionMultiply,
  type ConvolutionOptions,
  type InitContext,
  type Initial,
  type LayerContext,
  type Moments,
  OptionError,
  part,
  type Plugin,
  PluginError,
  sizeOf,
  type Tensor,
} from "../../core/mod.ts";
import { initialBias, type Initializer, initializerSchema, initialWeight } from "./_initializers.ts";
import {
  checkSpatial,
  eachAxis,
  type Extents,
  extentsSchema,
  type Padding,
  paddingOf,
  paddingSchema,
} from "./_window.ts";
import { product, weightPart, type WeightVariant } from "./_product.ts";

/** Options that convolutions share. */
export interface ConvolutionLayerOptions {
  /** Number of output channels, at least 1. */
  channels: number;
  /** Extents of the window, at least 1: a number for all axes, or one for each. */
  kernel: Extents;
  /** Distance from one window to the next, at least 1: a number for all axes, or one for each. Default 1. */
  stride?: Extents;
  /**
   * Zeros around the input: a number for all axes, one for each, `valid` for none, or `same` for as many as keep the
   * extents (divided by the stride and rounded up). Default 0.
   */
  padding?: Padding;
  /** Distance from one tap of the window to the next, at least 1: a number for all axes, or one for each. Default 1. */
  dilation?: Extents;
  /** Independent groups of channels, at least 1; it must divide input and output channels. Default 1. */
  groups?: number;
  /** Whether a bias is added. Default true. */
  bias?: boolean;
  /**
   * How the weight begins. Default `pytorch`, which trains best in convolutional nets with batch norm: small weights take
   * larger steps for their size (bench/defaults.ts compares).
   */
  initializer?: Initializer;
  /** Multiplies the weight's first values. Default 1. */
  initializerGain?: number;
  /** Applied to each output channel's weights after an update. */
  constraint?: Plugin<"constraint">;
  /** A variant that the weight passes through before it is used. */
  weight?: WeightVariant;
}

/** The options as the methods see them. */
type Validated =
  & Required<Omit<ConvolutionLayerOptions, "constraint" | "weight">>
  & Pick<ConvolutionLayerOptions, "constraint" | "weight">;

const whole = "expected a whole number of at least 1";

/** The fields of a convolution's schema. */
export function convolutionFields(axes: number): {
  [K in keyof Validated]-?: z.ZodType<Validated[K], ConvolutionLayerOptions[K]>;
} {
  return {
    channels: z.int().min(1, whole).describe("number of output channels"),
    kernel: extentsSchema(axes, 1).describe("extents of the window"),
    stride: extentsSchema(axes, 1).default(1).describe("distance from one window to the next"),
    padding: paddingSchema(axes).default(0).describe("zeros around the input"),
    dilation: extentsSchema(axes, 1).default(1).describe("distance from one tap to the next"),
    groups: z.int().min(1, whole).default(1).describe("independent groups of channels"),
    bias: z.boolean().default(true).describe("whether a bias is added"),
    initializer: initializerSchema.default("pytorch").describe("how the weight begins"),
    initializerGain: z.number().positive().default(1).describe("multiplies the weight's first values"),
    constraint: part("constraint").optional().describe("applied to each output channel's weights after an update"),
    weight: weightPart().optional().describe("a variant that the weight passes through"),
  };
}

/** Parameters: `weight: [channels, inputs / groups, ...kernel]`, `bias: [channels]`. */
export function initConvolution({ options, inputShape, key, dtype }: InitContext<Validated>, axes: number): Initial {
  const { channels, groups, constraint, initializer, initializerGain } = options;
  checkSpatial(inputShape, axes);
  const inputs = inputShape[0];
  if (inputs % groups !== 0 || channels % groups !== 0) {
    throw new OptionError("groups", `a divisor of ${inputs} input and ${channels} output channels`, groups);
  }
  const kernel = eachAxis(options.kernel, axes);
  const [fanIn, fanOut] = [inputs, channels].map((count) => count / groups * sizeOf(kernel));
  const shape = [channels, inputs / groups, ...kernel];
  const weight = initialWeight(initializer, shape, fanIn, fanOut, key.at("weight"), dtype);
  return {
    params: {
      weight: { value: initializerGain === 1 ? weight : weight.mul(initializerGain), constraint },
      ...(options.bias ? { bias: initialBias(initializer, channels, fanIn, key.at("bias"), dtype) } : {}),
    },
  };
}

/** `f(x * weight + bias)`, with the weight passed through the variant at the layer's weight site, if there is one. */
export function runConvolution(x: Tensor, context: LayerContext<Validated>, axes: number): Tensor {
  const { options, params } = context;
  const multiply = convolutionMultiply(windows(x, options, axes));
  return product(context, options.weight, x, params.weight, params.bias ?? null, "weight", multiply);
}

/** Mean and variance of the output; inputs are independent, so variances add up with the squares of the weights. */
export function convolutionMoments(x: Moments, { options, params }: LayerContext<Validated>, axes: number): Moments {
  if (options.weight !== undefined) throw new PluginError("has no moments with a variant at its weight.");
  const window = windows(x.mean, options, axes);
  return {
    mean: convolution(x.mean, params.weight, params.bias ?? null, window),
    variance: convolution(x.variance, params.weight.square(), null, window),
  };
}

/** How the window moves over an input. */
function windows(x: Tensor, options: Validated, axes: number): Omit<ConvolutionOptions, "epilogue"> {
  checkSpatial(x.shape.slice(1), axes);
  const [kernel, stride, dilation] = [options.kernel, options.stride, options.dilation].map((e) => eachAxis(e, axes));
  const padding = paddingOf(options.padding, x.shape.slice(2), kernel, stride, dilation);
  return { stride, padding, dilation, groups: options.groups };
}
