/** What methods that change weights, judge outputs or watch a run are given. @module */
import type { Key } from "../random/key.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { EpochMetrics, RunInfo } from "../train/events.ts";
import type { Mode, Moments, Progress } from "./contexts.ts";
import type { Plugin } from "./plugin.ts";
import type { Scheduled } from "./schedule_memory.ts";

/** What changes a parameter is given, beside the parameter: an optimizer, a constraint, an average of weights. */
export interface ParameterContext<Options> {
  /** The parameter; overwrite it with `assign`, or hand its numbers to a kernel. */
  readonly parameter: Tensor;
  /** The parameter's name, such as `1.weight`. */
  readonly name: string;
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /** Where random numbers for this parameter lie, at this step; it has no batch axis. */
  readonly key: Key;
  /** Tensors of the parameter's shape that are kept from step to step and saved, by the names that `slots` gave. */
  readonly slots: Readonly<Record<string, Tensor>>;
  /** How far training has come; `step` counts the updates before this one. */
  readonly progress: Progress;
  /** Number of this update, from 1. */
  readonly iteration: number;
}

/** What an optimizer's `update` is given. Slots are zeros before the first update. */
export interface UpdateContext<Options> extends ParameterContext<Options> {
  /** The gradient towards the parameter. The optimizer may overwrite it. */
  readonly gradient: Tensor;
  /**
   * Updates the parameter by an optimizer that this one wraps.
   *
   * @param optimizer the plugin, one that `wraps` named
   * @param gradient what it is to see as the gradient; default this one's
   */
  inner(optimizer: Plugin<"optimizer">, gradient?: Tensor): void;
}

/** What a constraint's `project` is given. */
export type ProjectContext<Options> = ParameterContext<Options>;

/** What an average's `track` and `weights` are given. */
export interface AverageContext<Options> extends ParameterContext<Options> {
  /** What the optimizer keeps beside the parameter. */
  readonly optimizer: Readonly<Record<string, Tensor>>;
}

/** What a schedule is given beside progress. */
export interface ScheduleContext<Options> {
  /** The options, validated; schedules among them are as they were given. */
  readonly options: Options;
  /** What the schedule remembers: what `epoch` returned last, or `initial` gave. Saved and restored. */
  readonly state: Readonly<Record<string, number>>;
}

/** Where a schedule stands, and how it asks the schedules among its own options. */
export interface ScheduleSite {
  /**
   * Which of the model's places it stands at, from 0: the plugins that have this schedule among their options, or one that is
   * written alike or, where it has a name, one of its kind and name, are counted in the order in which the model runs them.
   */
  readonly index: number;
  /** How many such places there are, at least 1. */
  readonly count: number;
  /**
   * The value of a number among its options that may itself be a schedule, also one that remembers something.
   *
   * @param value the number or schedule
   * @param progress the point of training at which it is asked
   * @param name the option's name
   */
  inner(value: Scheduled, progress: Progress, name: string): number;
}

/** What a schedule hears after each epoch. */
export interface ScheduleEpoch<Options> extends ScheduleContext<Options> {
  /** What was measured. */
  readonly metrics: EpochMetrics;
}

/** What a `learning` plugin is given for each batch. */
export interface LearnContext<Options> {
  /** The options, validated, with schedules replaced by their value now. */
  readonly options: Options;
  /** Where its random numbers lie, at this step; the first axis of a draw is the batch. */
  readonly key: Key;
  /** How far training has come. */
  readonly progress: Progress;
  /** The batch's inputs, `[batch, ...]`. */
  readonly inputs: Tensor;
  /** The batch's targets. */
  readonly targets: Tensor;
  /** The model's parameters by name; gradients for those that stay as they are, by `freeze`, are of no account. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /**
   * Runs the model on inputs, in mode `train` unless said otherwise.
   *
   * @param how number of a further pass, whose masks differ from those of pass 0; or more that can be said of the pass
   */
  forward(x: Tensor, how?: number | LearnPass): Tensor;
  /** The loss of outputs, before it is divided; its gradient is taken with `gradients`. */
  loss(outputs: Tensor): LossValue;
  /**
   * Mean and variance of the model's output over the masks of mode `train`: see `Model.moments`.
   *
   * @throws {PluginError} naming the first layer that cannot
   */
  moments(x: Tensor | Moments): Moments;
  /**
   * The expectation of the loss over outputs that are independent normal numbers, before it is divided.
   *
   * @throws {PluginError} for a loss that has none
   */
  expectedLoss(outputs: Moments, form: ExpectationForm): LossValue;
  /**
   * Hands out the gradient of one parameter as soon as it is known. A parameter that is handed none is not updated.
   *
   * @param name the parameter's name
   * @param gradient of its shape; of the sum over the batch's examples, not of the mean
   */
  give(name: string, gradient: Tensor): void;
}

/** How a learning plugin runs the model. */
export interface LearnPass {
  /** Number of a further pass, whose masks differ from those of pass 0. Default 0. */
  readonly pass?: number;
  /** How the model is run. Default `train`. */
  readonly mode?: Mode;
  /** What stands in for the variants at layer positions. Default: they act themselves. */
  readonly variants?: StandIn;
}

/** A place in a model where a variant stands at a layer position. */
export interface VariantPlace {
  /** Where it stands, such as `3`; the second use of a shared layer has `(use 1)` behind it. */
  readonly path: string;
  /** The variant's name. */
  readonly plugin: string;
  /** The variant's options, validated, with schedules replaced by their value now. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What stands in for the variants at layer positions: from a variant's input to what is used as its output. */
export type StandIn = (x: Tensor, place: VariantPlace) => Tensor;

/**
 * How the expectation of a loss over normal outputs is approximated where it has no closed form: `probit` takes the logistic
 * function as a normal distribution's, `delta` takes the loss as quadratic around the mean.
 */
export type ExpectationForm = "probit" | "delta";

/** How a further pass over a batch is run. */
export interface FurtherPass {
  /**
   * The path of the layer from which on the pass is computed: what layers before it gave in pass 0 is used again, masks and
   * all, and computed only once. Null for the last variant at a layer position, such as the dropout before a classifier.
   * Default: all is computed, as it is where the model has no such variant.
   */
  readonly from?: string | null;
}

/** What a loss says of a batch. Only the driver divides: by the weight of the whole batch, whatever it is split into. */
export interface LossValue {
  /** The losses of the examples, added up: a tensor with one element. */
  readonly sum: Tensor;
  /**
   * What the sum is to be divided by: the number of examples, positions or entries, with their weights, at least 0. Null
   * for a loss that is never divided.
   */
  readonly weight: number | null;
}

/** What an observer's handlers are given at the start of a run. */
export interface ObserveContext<Options> {
  /** The options, validated. */
  readonly options: Options;
  /** The run that is about to start. */
  readonly run: RunInfo;
  /** Ends the run after the step that goes on, as the aborting of its signal does: for a button or a key. */
  stop(): void;
}
