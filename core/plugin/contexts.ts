/**
 * What the methods of plugins are given: one context for each kind of method. All are frozen and small.
 *
 * @module
 */
import type { Epilogue } from "../backend/epilogue.ts";
import type { AdamSettings, SgdSettings } from "../backend/optimize.ts";
import type { RunInfo } from "../train/events.ts";
import type { Key } from "../random/key.ts";
import type { LayerPlugin, Plugin, RoleOfMethod, SiteArguments, SiteMethod, SiteResult } from "./plugin.ts";
import type { Shape } from "../tensor/shape.ts";
import type { FloatType, Tensor } from "../tensor/tensor.ts";

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
}

/** What every method of a plugin is given. Frozen; same arguments, same result. */
export interface Context<Options> {
  /** How the model is run. */
  readonly mode: Mode;
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /** Where this plugin's random numbers lie; `key.at("label")` for each further draw. */
  readonly key: Key;
  /** Learned parameters, by the names that `init` gave them. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Running state, by the names that `init` gave it. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** How far training has come. */
  readonly progress: Progress;
  /** Where this plugin stands in the model: `3` or `encoder.0.weight`. */
  readonly path: string;
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
  /** All inputs of a layer, the first included: a decoder block, say, takes a sequence and a memory. */
  readonly inputs: readonly Tensor[];
  /**
   * Runs a layer that this plugin hosts.
   *
   * @param child the layer, or a variant that serves activations
   * @param x its input, batch first; several for a layer that takes several, the main one first
   * @param name its name under this plugin's path; two children may not share one
   * @param epilogue an activation to fuse, only for a layer that says `fuses`
   * @param use for a child that is run several times in one pass with the same parameters: which time this is, from 0.
   *   Each use has random draws of its own. Default 0
   */
  run(child: LayerPlugin, x: Tensor | readonly Tensor[], name: string, epilogue?: Epilogue, use?: number): Tensor;
  /**
   * Hands out a tensor beside this layer's output, for `Model.forwardAll` to return by this name behind the plugin's path.
   *
   * @param name its name; an output of the same name in this pass is replaced
   */
  emit(name: string, value: Tensor): void;
  /**
   * Calls a method of the variant that stands at one of this plugin's sites. It may be called several times in a pass, as
   * a recurrent layer does for each step; the variant then has one place, one key and one set of parameters.
   *
   * @param method the method of the site, such as `weight`
   * @param variant the plugin at the site
   * @param args the method's arguments, without the context
   * @param name the variant's name under this plugin's path; default the method's name
   */
  serve<M extends SiteMethod>(
    method: M,
    variant: Plugin<RoleOfMethod<M>>,
    args: SiteArguments<M>,
    name?: string,
  ): SiteResult<M>;
  /** Replaces running state after this forward pass; only in mode `train`. */
  setState(name: string, value: Tensor): void;
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

/** What an optimizer's `update` is given. */
export interface UpdateContext<Options> {
  /** The parameter; overwrite it with `assign`, or call one of the fused updates below. */
  readonly parameter: Tensor;
  /** The gradient towards it. */
  readonly gradient: Tensor;
  /** This parameter's slots, by the names that `slots` gave; zeros before the first update. */
  readonly slots: Readonly<Record<string, Tensor>>;
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /** Number of this update, from 1. */
  readonly iteration: number;
  /** SGD in one kernel call. */
  sgd(velocity: Tensor | null, settings: SgdSettings): void;
  /** Adam in one kernel call. */
  adam(first: Tensor, second: Tensor, settings: AdamSettings): void;
}

/** What a data set's `download` is given. */
export interface DownloadContext<Options> {
  /** The validated options. */
  readonly options: Options;
  /** Addresses of folders that hold the files, tried in order; without them, those that the plugin knows. */
  readonly mirrors?: readonly string[];
}

/** What a data set's `download` has done. */
export interface Downloaded {
  /** The folder that holds the files. */
  readonly folder: string;
  /** Names of the files that were fetched; empty when all of them were there. */
  readonly files: readonly string[];
  /** Options, beside those given, with which `load` finds the files. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a data set's `load` is given. */
export interface LoadContext<Options> {
  /** The options, validated. */
  readonly options: Options;
}

/**
 * A batch on its way to a training step, in plain arrays that an augmentation overwrites in place. Its inputs are
 * scaled and normalized already.
 */
export interface AugmentBatch {
  /** Number of examples. */
  readonly count: number;
  /** Shape of one example. */
  readonly shape: Shape;
  /** `[count, ...shape]`. */
  readonly inputs: Float32Array;
  /** The labels, one for each example, or for each of its positions; null where targets are numbers. */
  readonly labels: Int32Array | null;
  /**
   * `[count, width]`: the target numbers of a regression, or class probabilities when one of the augmentations says
   * `mixesTargets`; null where there are labels.
   */
  readonly targets: Float32Array | null;
  /** Numbers per target: outputs, or classes; 0 where there are labels. */
  readonly width: number;
}

/** What an augmentation is given beside the batch. */
export interface AugmentContext<Options> {
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /** Where its random numbers lie, at this step; row r of a draw belongs to example r of the batch. */
  readonly key: Key;
}

/** What an observer's handlers are given at the start of a run. */
export interface ObserveContext<Options> {
  /** The options, validated. */
  readonly options: Options;
  /** The run that is about to start. */
  readonly run: RunInfo;
}

/**
 * A value inside a recurrent layer that a `recurrent` variant can act on, in the order of a step:
 *
 * - `input`: x_t, before its product.
 * - `previous-hidden`: h_{t-1}, before its product; only the product sees what becomes of it.
 * - `candidate`: g_t of an LSTM, n_t of a GRU.
 * - `cell`: the new c_t; both h_t and the next step see what becomes of it.
 * - `carried-cell`: the new c_t once h_t has been computed; only the next step sees what becomes of it.
 * - `hidden`: the new h_t; both the output and the next step see what becomes of it.
 * - `output`: h_t of the uppermost layer, as it leaves the layer; the next step does not see what becomes of it.
 */
export type RecurrentPlace =
  | "input"
  | "previous-hidden"
  | "candidate"
  | "cell"
  | "carried-cell"
  | "hidden"
  | "output";

/** Where and when a recurrent layer calls a `recurrent` variant. */
export interface RecurrentStep {
  /** Which value it is. */
  readonly place: RecurrentPlace;
  /**
   * Step in the sequence, from 0. A draw from `key.at(place)` is the same at every step; one from `key.at(place).later(time)`
   * is another each time.
   */
  readonly time: number;
  /** The same quantity as the step before left it, for `cell`, `carried-cell` and `hidden`; else null. */
  readonly previous: Tensor | null;
}

/**
 * What an attention layer hands to an `attention` variant: the scores before softmax `[batch, heads, queries, keys]`, the
 * weights after it (same shape), or each head's result `[batch, heads, queries, features]`. Scores of keys that a mask
 * hides are at most half of `maskedScore`, which is -1e30.
 */
export type AttentionStage = "scores" | "weights" | "heads";
