/**
 * The plugin contract: everything that can be taken out of a network or a training run is a plugin, the built-in parts
 * included. {@linkcode definePlugin} takes one object and returns a typed factory; importing a plugin registers nothing.
 *
 * What a plugin may do is said by the methods it has; each method serves one {@linkcode Role}.
 *
 * @module
 */
import type { z } from "zod";
import type { AdamSettings, Epilogue, SgdSettings } from "./backend.ts";
import type { Dataset } from "./data.ts";
import type { Observation, RunInfo } from "./events.ts";
import type { Key } from "./key.ts";
import type { Shape } from "./shape.ts";
import type { FloatType, Tensor } from "./tensor.ts";

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

/** The method of each role. A plugin serves the roles whose methods it has. */
export interface Methods<Options> {
  /** Any layer position: from a tensor, batch first, to one of the same shape. */
  activation(x: Tensor, context: Context<Options>): Tensor;
  /** A weight before it is used: from a weight to one of the same shape. */
  weight(weight: Tensor, context: Context<Options>): Tensor;
  /**
   * A value inside a recurrent layer, `[batch, features]`: to one of the same shape. Called only for the places that
   * `places` names, once a step.
   */
  recurrent(value: Tensor, step: RecurrentStep, context: Context<Options>): Tensor;
  /**
   * A residual branch: from its input to what is added to the shortcut, of the shape that `block` gives. It may leave
   * `block` uncalled and return null: then nothing is added, and nothing computed.
   */
  branch(x: Tensor, block: (x: Tensor) => Tensor, context: Context<Options>): Tensor | null;
  /** A quantity inside attention: to one of the same shape. Called only for the stages that `stages` names. */
  attention(value: Tensor, stage: AttentionStage, context: Context<Options>): Tensor;
  /** An embedding: from the table `[n, features]` and int32 indices of any shape to `[...indices, features]`. */
  embedding(table: Tensor, indices: Tensor, context: Context<Options>): Tensor;
  /** A layer: from a tensor, batch first, to a tensor, batch first. */
  forward(x: Tensor, context: Context<Options>): Tensor;
  /** A constraint: called after each update, outside of differentiation; overwrites the weight with `assign`. */
  project(weight: Tensor, options: Options): void;
  /** A loss: from the model's outputs and the targets (int32 labels or numbers) to one number for the batch. */
  loss(outputs: Tensor, targets: Tensor, options: Options): Tensor;
  /** An optimizer: called once for each parameter and step, outside of differentiation. */
  update(context: UpdateContext<Options>): void;
  /** A schedule: a number as a function of progress. */
  value(progress: Progress, options: Options): number;
  /** A data set: called once, before training. */
  load(context: LoadContext<Options>): Promise<Dataset> | Dataset;
  /**
   * An augmentation: changes the examples of a batch before a training step, and no others. Called once a step, on the
   * whole batch, outside of differentiation; perhaps in a worker, for a step ahead. Same arguments, same result.
   */
  augment(batch: AugmentBatch, context: AugmentContext<Options>): void;
  /** An observer: called at the start of a run; returns what is called during it. */
  observe(context: ObserveContext<Options>): Observation | Promise<Observation>;
}

/** The name of the method that makes a plugin serve a role. */
export const methodOfRole = {
  activation: "activation",
  weight: "weight",
  recurrent: "recurrent",
  branch: "branch",
  attention: "attention",
  embedding: "embedding",
  layer: "forward",
  constraint: "project",
  loss: "loss",
  optimizer: "update",
  schedule: "value",
  dataset: "load",
  augmentation: "augment",
  observer: "observe",
} as const;

/** What a plugin can be used as. The first six are the sites of dropout variants inside a model. */
export type Role = keyof typeof methodOfRole;

/** All roles. */
export const roles: readonly Role[] = Object.keys(methodOfRole) as Role[];

/** The methods by which layers call the variants at their sites. */
export type SiteMethod = "weight" | "product" | "recurrent" | "branch" | "attention" | "embedding";

/** The role that a site's method belongs to: `product` is a second form of `weight`. */
export type RoleOfMethod<M extends SiteMethod> = M extends "product" ? "weight" : M;

/** The arguments of a site's method, without the context. */
export interface SiteSignatures {
  /** See {@linkcode Methods.weight}. */
  weight: [weight: Tensor];
  /** See {@linkcode CommonDefinition.product}. */
  product: [x: Tensor, weight: Tensor, bias: Tensor | null];
  /** See {@linkcode Methods.recurrent}. */
  recurrent: [value: Tensor, step: RecurrentStep];
  /** See {@linkcode Methods.branch}. */
  branch: [x: Tensor, block: (x: Tensor) => Tensor];
  /** See {@linkcode Methods.attention}. */
  attention: [value: Tensor, stage: AttentionStage];
  /** See {@linkcode Methods.embedding}. */
  embedding: [table: Tensor, indices: Tensor];
}

/** The arguments of one site's method, without the context. */
export type SiteArguments<M extends SiteMethod> = SiteSignatures[M];

/** What a site's method returns. */
export type SiteResult<M extends SiteMethod> = M extends "branch" ? Tensor | null : Tensor;

type MethodsOf<R extends Role, Options> = Pick<Methods<Options>, typeof methodOfRole[R]>;

/** What a method was called on. */
export interface Operands {
  /** The input, batch first; null for `weight` and `embedding`. */
  readonly input: Tensor | null;
  /** The weight or table before the variant changes it; null where there is none. */
  readonly weight: Tensor | null;
}

/** Where a plugin's formula comes from. */
export interface Paper {
  /** Authors, as cited. */
  readonly authors: string;
  /** Year of publication. */
  readonly year: number;
  /** Title. */
  readonly title: string;
  /** Where it can be read. */
  readonly url?: string;
}

/**
 * What a variant promises, for the exam to verify: see `@thinned/dropout/testing`. In each, `rate` is the probability of
 * dropping that the options say, and "over draws" means from step to step with everything else held.
 */
export interface Claims {
  /**
   * `kept`: over draws, the expectation of each entry of the output is what stood there without the variant. `reduced`: it
   * is that times the keep probability.
   */
  readonly mean?: "kept" | "reduced";
  /** `multiplicative`: over draws, an entry x has the variance `x^2 rate / (1 - rate)`. */
  readonly variance?: "multiplicative";
  /** `kept`: of an input with mean 0 and variance 1, the output has mean 0 and variance 1 too. */
  readonly moments?: "kept";
  /** `identity`: mode `eval` returns its input. `scaled`: it multiplies by the keep probability. */
  readonly eval?: "identity" | "scaled";
  /**
   * Who shares a draw. `sample`: each example has its own, which is what is expected at sites that see examples. `batch`:
   * all examples have the same, whatever the batch's part.
   */
  readonly draw?: "sample" | "batch";
  /**
   * `surrogate`: the gradient is not that of what is computed, as for a straight-through estimator, and cannot be compared
   * with differences. Default: it is.
   */
  readonly gradient?: "surrogate";
  /**
   * Names of the options that are probabilities: of keeping if their names say `keep`, `retain` or `survival`, else of
   * dropping. Default: the numbers that are confined to [0, 1].
   */
  readonly rates?: readonly string[];
}

/**
 * The schema of a plugin's options: a `z.object` with an entry for each field of the options' interface. What it makes of
 * them, defaults filled in, is what the plugin's methods see.
 */
export type OptionsSchema<Input, Options> =
  // deno-lint-ignore no-explicit-any
  & z.ZodType<Options, any>
  & { readonly shape: { readonly [K in keyof Required<NoInfer<Input>>]: z.ZodType } };

/** The parts of a definition that do not depend on its roles. */
export interface CommonDefinition<Input, Options> {
  /** Kebab-case; appears in errors, configurations, checkpoints and random addresses. */
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary?: string;
  /** Where the formula comes from. */
  readonly paper?: Paper;
  /** Options with defaults, bounds and messages. Unknown options are refused. */
  readonly options: OptionsSchema<Input, Options>;
  /** Options that a factory takes by position, before the object with the others. */
  readonly positional?: readonly string[];
  /** What the exam verifies; a function where it depends on the options. */
  readonly claims?: Claims | ((options: Options) => Claims);
  /**
   * Options objects that the exam examines, each by itself. Default: one with no options, so a plugin with an option that
   * must be given needs them.
   */
  readonly cases?: readonly Readonly<Record<string, unknown>>[];
  /** First values of parameters and running state; called once for each place in a model. */
  init?(context: InitContext<Options>): Initial;
  /**
   * Added to the loss in training: one number, asked for once a pass and place, after the plugin's method has been called.
   * `operands` are what that method was given.
   */
  penalty?(context: Context<Options>, operands: Operands): Tensor;
  /** Options as a function of progress, before every pass. */
  schedule?(options: Options, progress: Progress): Options;
  /**
   * For a `weight` variant whose mask differs from example to example, or whose inference is not a weight: `x W^T + b` as a
   * whole, `x: [batch, ..., inputs]`, `weight: [units, inputs]`. Dense layers call it in place of `weight`. The layer applies
   * its activation to the result, unless the variant `fuses`.
   */
  product?(x: Tensor, weight: Tensor, bias: Tensor | null, context: Context<Options>): Tensor;
  /**
   * For a `recurrent` variant: the places it acts on in a mode; a recurrent layer fuses its steps when there are none. The
   * answer must not depend on options that may change while training, such as rates.
   */
  places?(options: Options, mode: Mode): readonly RecurrentPlace[];
  /** For an `attention` variant: the stages it acts on. */
  stages?(options: Options): readonly AttentionStage[];
  /**
   * For a loss that needs more than one pass over a batch: called in training in place of `loss`. `forward(0)` is the
   * ordinary pass; each further number gives a pass with other masks.
   */
  objective?(forward: (pass: number) => Tensor, targets: Tensor, options: Options): Tensor;
  /**
   * For a loss: what of the model's outputs is compared with the targets to measure the error, of the targets' shape. By
   * default the outputs themselves.
   */
  prediction?(outputs: Tensor, options: Options): Tensor;
  /** For an optimizer: the names of the slots it keeps beside each parameter. */
  slots?(options: Options): readonly string[];
  /** For an augmentation: it mixes targets, so that labels are handed to it as class probabilities. */
  readonly mixesTargets?: boolean;
  /**
   * For an augmentation: `import.meta.url` of a module that exports its factory, from which a worker can load it.
   * Without it, `prefetch` leaves the augmentations to the training thread.
   */
  readonly module?: string;
  /** For a layer that is one elementwise function of its input: what a fusing layer before it may apply instead. */
  readonly epilogue?: Epilogue;
  /**
   * For a layer: it applies `context.epilogue` to its output, so that the next layer need not run. For a variant with
   * `product`: it applies the layer's `context.epilogue` itself.
   */
  readonly fuses?: boolean;
  /** Names that PyTorch gives to parameters and running state, where they differ: see `fromPyTorch`. */
  readonly pytorch?: Readonly<Record<string, string>>;
}

/** What {@linkcode definePlugin} takes: the common parts, and one method for each role. */
export type Definition<R extends Role, Input, Options> =
  & CommonDefinition<Input, Options>
  & MethodsOf<R, Options>;

/** A definition as seen by code that handles all plugins alike. */
// deno-lint-ignore no-explicit-any
export type AnyDefinition = CommonDefinition<any, any> & Partial<Methods<any>>;

/** A plugin with its options: an immutable description, as good as its JSON. */
export interface Plugin<R extends Role = never> {
  /** Its definition's name. */
  readonly plugin: string;
  /** A name of its own within its parent, in place of its position. */
  readonly name: string | undefined;
  /** The validated options. Some numbers may be schedules. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Its definition. */
  readonly definition: AnyDefinition;
  /** The roles it serves. */
  readonly serves: { readonly [K in R]: true };
  /** The same plugin with some options changed. */
  with(changes: Readonly<Record<string, unknown>>): Plugin<R>;
  /** `{ plugin, name?, ...options }`, from which a registry makes it again. */
  toJSON(): Record<string, unknown>;
}

/** Anything that fits a layer position: a layer, or a variant that serves activations. */
export type LayerPlugin = Plugin<"layer"> | Plugin<"activation">;

/** Options that every plugin takes. */
export interface CommonOptions {
  /** A name of its own within its parent, in place of its position: letters, digits, `_` and `-`. */
  name?: string;
}

/** Makes plugins of one kind: called with the positional options, then an object with the others. */
export interface Factory<R extends Role, Input, Positional extends readonly unknown[] = []> {
  /** Validates the options and returns the plugin. Throws {@linkcode OptionError}. */
  (...args: [...Positional, options?: Input & CommonOptions]): Plugin<R>;
  /** The definition. */
  readonly definition: AnyDefinition;
}

/** A factory as seen by code that handles all plugins alike. */
export interface AnyFactory {
  // deno-lint-ignore no-explicit-any
  (...args: any[]): Plugin;
  /** The definition. */
  readonly definition: AnyDefinition;
}
