/**
 * The plugin contract: everything that can be taken out of a network or a training run is a plugin, the built-in parts
 * included. {@linkcode definePlugin} takes one object and returns a typed factory; importing a plugin registers nothing.
 *
 * What a plugin may do is said by the methods it has; each method serves one {@linkcode Role}.
 *
 * @module
 */
import type { z } from "zod";
import type { Epilogue } from "../backend/epilogue.ts";
import type {
  AttentionStage,
  AugmentBatch,
  AugmentContext,
  Context,
  DownloadContext,
  Downloaded,
  InitContext,
  Initial,
  LoadContext,
  Mode,
  ObserveContext,
  Progress,
  RecurrentPlace,
  RecurrentStep,
  UpdateContext,
} from "./contexts.ts";
import type { Dataset } from "../train/data.ts";
import type { Observation } from "../train/events.ts";
import type { Tensor } from "../tensor/tensor.ts";

export * from "./contexts.ts";

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
  /** For a loss: which targets it is for, labels of classes or numbers. Default: either, as far as its shapes fit. */
  readonly targets?: "classes" | "numbers";
  /**
   * For a loss: what of the model's outputs is compared with the targets to measure the error, of the targets' shape. By
   * default the outputs themselves.
   */
  prediction?(outputs: Tensor, options: Options): Tensor;
  /** For an optimizer: the names of the slots it keeps beside each parameter. */
  slots?(options: Options): readonly string[];
  /** For a data set: fetches its files and checks them, when asked to; `load` itself never reaches for the network. */
  download?(context: DownloadContext<Options>): Promise<Downloaded>;
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
