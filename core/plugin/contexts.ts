/**
 * What the methods of layers and variants are given: one context for each kind of method. All are frozen and small; same
 * arguments, same result. Those of training and of data have files of their own.
 *
 * @module
 */
import type { Epilogue } from "../backend/epilogue.ts";
import type { Key } from "../random/key.ts";
import type { Mask } from "../tensor/ops/mask.ts";
import type { Shape } from "../tensor/shape.ts";
import type { FloatType, Tensor } from "../tensor/tensor.ts";
import type { MaskAhead } from "../tensor/mask_ahead.ts";
import type { Foresee } from "../tensor/thinning.ts";
import type { Multiply } from "./multiply.ts";
import type { LayerPlugin, Plugin } from "./plugin.ts";
import type { AttentionStage, RecurrentPlace, SiteArguments, SiteResult, SiteRole } from "./sites.ts";

/** How a model is run: `sample` is Monte Carlo at inference, where variants draw and running statistics stay frozen. */
export type Mode = "train" | "eval" | "sample";

/** How far a training run has come. */
export interface Progress {
  /** Steps (parameter updates) done, from 0. */
  readonly step: number;
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Training examples of the run, by which a penalty is divided; absent in a loop that does not say it. */
  readonly examples?: number;
}

/** What a variant is given, at whatever site it stands. */
export interface Context<Options> {
  /** How the model is run. */
  readonly mode: Mode;
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /**
   * Where this plugin's random numbers lie; `key.at("label")` for each further draw. At a weight it has no batch axis: all
   * of the weight is one row.
   */
  readonly key: Key;
  /** Learned parameters, by the names that `init` gave them. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Running state, by the names that `init` gave it. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** How far training has come. */
  readonly progress: Progress;
  /** Where this plugin stands in the model: `3` or `encoder.0.weight`. */
  readonly path: string;
  /**
   * All inputs, that which the method takes included: a decoder block, say, takes a sequence and a memory, and a block that
   * hosts a variant may tell it more than what it acts on.
   */
  readonly inputs: readonly Tensor[];
  /** Replaces running state after this forward pass; only in mode `train`. */
  setState(name: string, value: Tensor): void;
  /**
   * Runs a layer that this plugin hosts, such as a learned gate. It has a place, parameters and draws of its own.
   *
   * @param child the layer, or a variant that serves activations
   * @param x its input, batch first; several for a layer that takes several, the main one first
   * @param name its name under this plugin's path; two children may not share one
   * @param how more that can be said of it
   */
  run(child: LayerPlugin, x: Tensor | readonly Tensor[], name: string, how?: RunChild): Tensor;
  /**
   * Hands out a tensor beside this plugin's output: to its host, if that listens, and for `Model.forwardAll` to return by
   * this name behind the plugin's path.
   *
   * @param name its name; an output of the same name in this pass is replaced
   * @param value the tensor, or what computes it: that is called only if somebody wants it
   */
  emit(name: string, value: Tensor | (() => Tensor)): void;
}

/** How a child is run. */
export interface RunChild {
  /** An activation to fuse, only for a layer that says `fuses`. Default `none`. */
  readonly epilogue?: Epilogue;
  /**
   * For a child that is run several times in one pass with the same parameters: which time this is, from 0. Each use has
   * random draws of its own. Default 0.
   */
  readonly use?: number;
  /** Called with each tensor that the child itself hands out by `emit`, not with those of its own children. */
  readonly listen?: (name: string, value: Tensor) => void;
  /** Which of its outputs a later mask keeps, if nothing else reads them: see {@linkcode LayerContext.foresee}. */
  readonly foresee?: Foresee | undefined;
  /** The mask of the variant that its output is given to, and nothing else: see {@linkcode LayerContext.ahead}. */
  readonly ahead?: MaskAhead | undefined;
}

/** What a variant that takes the whole product is given. */
export interface ProductContext<Options> extends Context<Options> {
  /** The activation that the layer applies to the result, for a variant that `fuses`. */
  readonly epilogue: Epilogue;
  /**
   * The host's own linear map: dense `f(x W^T + b)`, or a convolution with the host's stride, padding, dilation and groups.
   * A variant that computes by it alone, as `multiply(x, changed(weight), bias)`, works in every host. `x` is any input
   * that the host takes. `weight` has the shape of the host's, or one more axis in front: a weight for each example, whose
   * memory grows with the batch. `bias` is `[units]`, `[batch, units]` or null; an activation is applied if one is given.
   */
  readonly multiply: Multiply;
}

/** What a layer is given: it also serves the sites at which variants stand, and may fuse, carry state and read more. */
export interface LayerContext<Options> extends Context<Options> {
  /** Whether this is the pass in which a model is built, on zeros, so that every layer finds its place. */
  readonly building: boolean;
  /**
   * What the caller carries from one pass to the next, by path and name, such as `0.hidden_l0`: see `RunOptions.carry`.
   * Null when nothing is carried.
   */
  readonly carry: Map<string, Tensor> | null;
  /** Which use of a shared layer this is, such as `0:1` for the second of the layer `0`; empty for the first. */
  readonly use: string;
  /** The activation that a fusing layer is to apply to its output; `none` for all others. */
  readonly epilogue: Epilogue;
  /**
   * Which entries of this layer's output the mask that comes next keeps for whole groups of examples, asked for with the
   * output's shape: what is dropped need not be computed. Undefined where nothing is known.
   */
  readonly foresee: Foresee | undefined;
  /**
   * What a child that will be run next, on another's output alone, keeps of it: to hand to that other one as `foresee`.
   * Undefined where it is no mask.
   */
  foresees(child: LayerPlugin, name: string): Foresee | undefined;
  /**
   * The mask of the variant that comes next, which an op may apply to this layer's output in its own last pass: for a layer
   * that returns that op's result as it is. The variant then leaves it as it is. Undefined where there is none.
   */
  readonly ahead: MaskAhead | undefined;
  /**
   * The mask of a child that will be run next, on another's output alone: to hand to that other one as `ahead`. Undefined
   * where it has none, or where the output before the mask is wanted.
   */
  masks(child: LayerPlugin, name: string): MaskAhead | undefined;
  /**
   * Lets the variant that stands at one of this layer's sites act. It may be called several times in a pass, as a recurrent
   * layer does for each step; the variant then has one place, one key and one set of parameters.
   *
   * @param role which site it is
   * @param variant the plugin at the site
   * @param args what the site's method takes, without the context
   * @param name the variant's name under this layer's path; default the role's name
   */
  serve<R extends SiteRole>(role: R, variant: Plugin<R>, args: SiteArguments<R>, name?: string): SiteResult<R>;
  /**
   * Where in a recurrent or attention layer a variant acts in this pass: the `places` or `stages` that its plugin names, or
   * undefined when it names none. A variant that has nothing to do in this pass, such as one of rate 0, acts nowhere.
   *
   * @param has the places that this layer has, where it has not all of them
   */
  acts(
    role: "recurrent" | "attention",
    variant: Plugin,
    name?: string,
    has?: readonly RecurrentPlace[],
  ): readonly string[] | undefined;
  /**
   * The mask that a variant draws at a stage of attention, for a layer that hands it to a kernel instead of calling `serve`:
   * null where it leaves everything as it is, undefined where it has to be served, because it is more than a mask or because
   * something else looks at what it gives.
   *
   * @param shape of what it would act on
   */
  maskAt(variant: Plugin<"attention">, stage: AttentionStage, shape: Shape, name?: string): Mask | null | undefined;
  /** Whether somebody takes what this layer hands out by `emit`, which a layer that fuses need not compute otherwise. */
  readonly heard: boolean;
  /** Mean and variance of a child's output, where those of its input travel in place of samples. */
  moments(child: LayerPlugin, x: Moments, name: string): Moments;
}

/** Mean and variance of each entry of a tensor whose entries are taken as independent. */
export interface Moments {
  /** The means. */
  readonly mean: Tensor;
  /** The variances, of the same shape, at least 0. */
  readonly variance: Tensor;
}

/** Where a plugin stands: the role in which it is used. */
export type Place = "layer" | SiteRole;

/** What the parts are given that tell what a variant leaves of a trained model. */
export interface PruneContext<Options> {
  /** The options, validated, with schedules replaced by their value at the point of training that is asked about. */
  readonly options: Options;
  /** Learned parameters, by the names that `init` gave them. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Running state, by the names that `init` gave it. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** The point of training. */
  readonly progress: Progress;
  /** Where this plugin stands in the model. */
  readonly path: string;
}

/** What `init` is given. */
export interface InitContext<Options> {
  /** The options, validated. */
  readonly options: Options;
  /** Shape of the input without its batch axis; for a weight site, the weight's shape. */
  readonly inputShape: Shape;
  /** Shapes of all inputs of a layer without their batch axes, the first included. */
  readonly inputShapes: readonly Shape[];
  /** Where initial values are drawn from; `key.at(name)` for each parameter. */
  readonly key: Key;
  /** The model's element type. */
  readonly dtype: FloatType;
  /** Where this plugin stands in the model. */
  readonly path: string;
  /** The role in which it stands there. */
  readonly role: Place;
  /** The weight or table that a variant stands at, with its first values; null for all others. */
  readonly weight: Tensor | null;
}

/** A parameter as `init` hands it over, when there is more to say than its first value. */
export interface ParameterSpec {
  /** The first value. */
  readonly value: Tensor;
  /** What is applied to it after each update. */
  readonly constraint?: Plugin<"constraint">;
}

/** What `init` returns: parameters and running state by name. */
export interface Initial {
  /** Learned parameters. */
  readonly params?: Readonly<Record<string, Tensor | ParameterSpec>>;
  /** State that forward passes update: saved and restored, never differentiated. */
  readonly state?: Readonly<Record<string, Tensor>>;
}
