/**
 * The plugin contract: everything that can be taken out of a network or a training run is a plugin, the built-in parts
 * included. {@linkcode definePlugin} takes one object and returns a typed factory; importing a plugin registers nothing.
 *
 * What every plugin may say is in {@linkcode CommonDefinition}; what it can be used as, and the parts that each role has, in
 * {@linkcode RoleParts}. What methods are given is in `contexts.ts`, `training_contexts.ts` and
 * `data_contexts.ts`, the sites inside a model are in `sites.ts`.
 *
 * @module
 */
import type { ZodType } from "./zod_types.ts";
import type { Kernel } from "../backend/kernel.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Context, InitContext, Initial } from "./contexts.ts";
import type { Role, RoleParts } from "./roles.ts";

export * from "./contexts.ts";
export * from "./data_contexts.ts";
export * from "./roles.ts";
export * from "./onnx.ts";
export * from "./sites.ts";
export * from "./training_contexts.ts";

/** What a method was called on. */
export interface Operands {
  /** The input, batch first; null for `weight` and `embedding`. */
  readonly input: Tensor | null;
  /** The weight or table before the variant changes it; null where there is none. */
  readonly weight: Tensor | null;
  /** What the method gave back, such as a product before its activation; null for a branch that was left out. */
  readonly output: Tensor | null;
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
   * all examples have the same, whatever the batch's part. `fixed`: masks are drawn once, when the model is built, and
   * saved with it; steps do not change them, and evaluation uses them as training does. `none`: nothing
   * is drawn, and training computes what evaluation does; what noise would do is in a penalty.
   */
  readonly draw?: "sample" | "batch" | "fixed" | "none";
  /**
   * How mode `sample` draws: as training does, which is what is expected, or `otherwise`, as where a sample is a mask out of
   * few that are fixed, or a draw of the output itself.
   */
  readonly sample?: "train" | "otherwise";
  /**
   * What else is not drawn independently; what a mask's `share` and `group` say need not be said again. A number: entries
   * along this axis of what the variant is applied to have one draw. `time`: so have the steps of a recurrent layer.
   * `examples`: examples of a batch depend on one another, as in groups. `entries`: entries of one example do in some other
   * way, as in blocks and spans, with a fixed count of what is dropped, or with a normalizer. Default: all entries, rows,
   * steps and layers are independent.
   */
  readonly shares?: readonly (number | "time" | "examples" | "entries")[];
  /**
   * `rate`: each entry is dropped with the probability that the option `rate` says, which is what is expected of a variant
   * with this option that gives zeros. `otherwise`: what is dropped has another probability.
   */
  readonly dropped?: "rate" | "otherwise";
  /** Whether what is dropped depends on the values of the input or weight. Default false. */
  readonly adaptive?: boolean;
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
 * The schema of a plugin's options, a `z.object` with an entry for each field of the options' interface. An entry accepts
 * what the interface says; what the schema makes of it, defaults filled in, is what the plugin's methods see. It must accept
 * that again, since options are checked anew when a schedule among them moves, and when they are configured.
 */
export type OptionsSchema<Input, Options> =
  // deno-lint-ignore no-explicit-any
  & ZodType<Options, any>
  & { readonly shape: { readonly [K in keyof Required<NoInfer<Input>>]: ZodType<unknown, NoInfer<Input>[K]> } };

/** What an entry of a schema is compared with when it and the options' interface are out of step. */
export interface OutOfStep<Problem extends string> {
  /** What is out of step. */
  readonly "the schema and the interface of the options are out of step": Problem;
}

/**
 * The other direction of {@linkcode OptionsSchema}: the interface has a field for each entry of the schema, and the entry
 * accepts all that the field allows, nothing at all included where it may be left out.
 */
export interface InStep<Input, Shape> {
  /** The schema. */
  readonly options: {
    /** Its entries. */
    readonly shape: {
      readonly [K in keyof Shape]: K extends keyof Input
        ? Shape[K] extends ZodType<unknown, infer Accepted> ? Input[K] extends Accepted ? unknown
          : OutOfStep<"the entry refuses something that the interface allows">
        : unknown
        : OutOfStep<"the interface has no such field">;
    };
  };
}

/** What every plugin may say, whatever its roles. */
export interface CommonDefinition<Input, Options> {
  /** Kebab-case; appears in errors, configurations, checkpoints and random addresses. */
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary?: string;
  /** Where the formula comes from. */
  readonly paper?: Paper;
  /** Options with defaults, bounds and messages. Unknown options are refused, as are options called `name` or `plugin`. */
  readonly options: OptionsSchema<Input, Options>;
  /** Options that a factory takes by position, before the object with the others; each can be given only once. */
  readonly positional?: readonly (keyof NoInfer<Input> & string)[];
  /** What the exam verifies; a function where it depends on the options. A layer with claims is examined as a variant. */
  readonly claims?: Claims | ((options: Options) => Claims);
  /**
   * Options objects that the exam examines, each by itself. Default: one with no options, so a plugin with an option that
   * must be given needs them.
   */
  readonly cases?: readonly Readonly<Record<string, unknown>>[];
  /** Kernels of its own; those with C source can be compiled into the native backend. */
  readonly kernels?: readonly Kernel[];
  /** First values of parameters and running state; called once for each place in a model. */
  init?(context: InitContext<Options>): Initial;
  /**
   * Added to the loss in training: one number, asked for once a pass and place, after the plugin's method has been called.
   * `operands` are what that method was given.
   */
  penalty?(context: Context<Options>, operands: Operands): Tensor;
}

/** What a definition is compared with when its factory's type is not written out, so that the complaint says what to do. */
export interface MissingAnnotation {
  /** What to write. */
  readonly name: "write the factory's type: const NAME: Factory<ROLE, OPTIONS> = definePlugin({ ... })";
  /** Whatever else the definition says. */
  readonly [part: string]: unknown;
}

/** A type that is all types of a union at once. */
export type Intersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I
  : never;

/** The parts of some roles together. */
export type PartsOf<R extends Role, Options> = Intersection<{ [K in R]: RoleParts<Options>[K] }[R]>;

/** What {@linkcode definePlugin} takes: what every plugin may say, and the parts of its roles. */
export type Definition<R extends Role, Input, Options, Shape = unknown> = [R] extends [never] ? MissingAnnotation
  :
    & CommonDefinition<Input, Options>
    & PartsOf<R, Options>
    & { readonly options: { readonly shape: Shape } }
    & InStep<NoInfer<Input>, NoInfer<Shape>>;

/** A definition as seen by code that handles all plugins of some roles alike. */
// deno-lint-ignore no-explicit-any
export type AnyDefinition<R extends Role = never> = CommonDefinition<any, any> & AllParts & RequiredParts<R>;

/** The parts of some roles together, whatever their options; nothing for no role. */
// deno-lint-ignore no-explicit-any
export type RequiredParts<R extends Role> = [R] extends [never] ? unknown : PartsOf<R, any>;

/** The keys of any type of a union. */
export type KeysOfAny<T> = T extends unknown ? keyof T : never;
/** What a key stands for in those types of a union that have it. */
export type ValueOf<T, K extends PropertyKey> = T extends unknown ? K extends keyof T ? T[K] : never : never;

/** The parts of any one role. */
// deno-lint-ignore no-explicit-any
export type AnyPart = RoleParts<any>[Role];

/** Every part of every role, each of which may be missing. */
export type AllParts = { readonly [K in KeysOfAny<AnyPart>]?: ValueOf<AnyPart, K> };

/** A plugin with its options: an immutable description, as good as its JSON. */
export interface Plugin<R extends Role = never, Options = Readonly<Record<string, unknown>>> {
  /** Its definition's name. */
  readonly plugin: string;
  /** A name of its own within its parent, in place of its position. */
  readonly name: string | undefined;
  /** The validated options, defaults filled in. Some numbers may be schedules. */
  readonly options: Options;
  /** Its definition. */
  readonly definition: AnyDefinition<R>;
  /** The roles it serves. */
  readonly serves: { readonly [K in R]: true };
  /** The same plugin with some options changed. */
  with(changes: Readonly<Record<string, unknown>>): Plugin<R, Options>;
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

/** The options as a plugin holds them: an alias of the interface, which fits a record. */
export type Held<Input> = { readonly [K in keyof Input]: Input[K] };

/** The object behind the positional options: it may be left out when none of its options must be given. */
export type Rest<Input, Names extends readonly (keyof Input)[]> = Record<never, never> extends
  Omit<Input, Names[number]> ? [options?: Omit<Input, Names[number]> & CommonOptions]
  : [options: Omit<Input, Names[number]> & CommonOptions];

/**
 * Makes plugins of one kind: called with the positional options, then an object with the others.
 *
 * @typeParam R the roles it serves
 * @typeParam Input the interface of its options
 * @typeParam Names names of the options that are given by position
 */
export interface Factory<R extends Role, Input, Names extends readonly (keyof Input)[] = []> {
  /** Validates the options and returns the plugin. Throws {@linkcode OptionError}. */
  (...args: [...{ [I in keyof Names]: Input[Names[I]] }, ...Rest<Input, Names>]): Plugin<R, Held<Input>>;
  /** The definition. */
  readonly definition: AnyDefinition<R>;
}

/** A factory as seen by code that handles all plugins alike. */
export interface AnyFactory {
  // deno-lint-ignore no-explicit-any
  (...args: any[]): Plugin;
  /** The definition. */
  readonly definition: AnyDefinition;
}
