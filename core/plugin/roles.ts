/**
 * What a plugin can be used as, and the parts that a definition has in each role: type, when, how often, what is
 * guaranteed. A part belongs to one role, or to several alike, and is refused on any other.
 *
 * Guaranteed of every method: options are validated, and numbers where schedules stand, also inside arrays and objects, each
 * checked again at every pass; contexts are frozen. What a method throws or returns wrongly is told once, with the place of
 * the plugin. Asked of every method: the same result for the same arguments, and no change of its arguments but where it is
 * said. What the roles of a model's inside are called with is in `sites.ts`.
 *
 * @module
 */
import type { Epilogue } from "../backend/epilogue.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Dataset } from "../train/data.ts";
import type { EpochMetrics, Observation } from "../train/events.ts";
import type { LayerContext, Mode, Moments, Progress, PruneContext } from "./contexts.ts";
import type {
  AugmentBatch,
  AugmentContext,
  DownloadContext,
  Downloaded,
  LoadContext,
  RowsContext,
} from "./data_contexts.ts";
import type { OnnxContext, OnnxValue } from "./onnx.ts";
import type { Plugin } from "./plugin.ts";
import type { AttentionStage, RecurrentPlace, SiteMasks, SiteMethods } from "./sites.ts";
import type {
  AverageContext,
  ExpectationForm,
  FurtherPass,
  LearnContext,
  LossValue,
  ObserveContext,
  ProjectContext,
  ScheduleEpoch,
  ScheduleSite,
  UpdateContext,
} from "./training_contexts.ts";

/** Means and variances in place of samples, for what stands at a layer position. */
export interface MomentsPart<Options> {
  /**
   * Mean and variance of the output, from those of the input, whose entries are taken as independent: once a pass of
   * `Model.moments`. Without it, such a pass refuses the plugin by name.
   */
  moments?(x: Moments, context: LayerContext<Options>): Moments;
}

/** What a plugin at a layer position may say of itself. */
export interface PositionParts<Options> {
  /** Names that PyTorch gives to parameters and running state, where they differ: see `fromPyTorch`. */
  readonly pytorch?: Readonly<Record<string, string>>;
  /**
   * Writes what it computes as nodes of an ONNX graph: once for each place and use, by `toOnnx`, which knows the built-in
   * layers by itself. Default: a variant that is the identity at evaluation, or says its draw as a mask, can do without;
   * anything else is refused by name.
   */
  onnx?(x: OnnxValue, context: OnnxContext<Options>): OnnxValue;
}

/** What a variant at a weight leaves of it. */
export interface PrunesPart<Options> {
  /**
   * The weight that evaluation uses, with zeros for the weights that are gone: `pruned` writes it into the layer and takes
   * the variant away. Asked for once for each place, outside of differentiation; of the weight's shape. The layer without
   * the variant must then evaluate as it did with it. Default: nothing is gone, and the variant stays.
   */
  prunes?(weight: Tensor, context: PruneContext<Options>): Tensor;
}

/** The parts of a definition, by role. */
export interface RoleParts<Options> {
  /** A variant at any layer position: asked for once a pass and use, in every mode. Its output has the input's shape. */
  activation: MomentsPart<Options> & PositionParts<Options> & {
    activation: SiteMethods<Options>["activation"] | SiteMasks<Options>["activation"];
  };
  /** A variant at a weight: asked for once a pass, in every mode, before the weight is used. The weight keeps its shape. */
  weight: PrunesPart<Options> & { weight: SiteMethods<Options>["weight"] | SiteMasks<Options>["weight"] };
  /** A variant that takes the whole product of a dense layer or convolution: asked for once a pass, in every mode. */
  product: PrunesPart<Options> & {
    product: SiteMethods<Options>["product"];
    /** Whether it applies the layer's activation, `context.epilogue`, itself. */
    readonly fuses?: boolean;
  };
  /** A variant inside a recurrent layer: asked for at every step, place and layer, in the order of the sequence. */
  recurrent: {
    recurrent: SiteMethods<Options>["recurrent"] | SiteMasks<Options>["recurrent"];
    /**
     * The places it acts on in a mode, asked for once a pass with the options of the moment; a recurrent layer fuses its
     * steps when there are none. `has`: the places that the layer has; any, when it is left out. Default: all but those by
     * gate.
     */
    places?(options: Options, mode: Mode, has?: readonly RecurrentPlace[]): readonly RecurrentPlace[];
  };
  /** A variant at a residual branch: asked for once a pass, in every mode, before the branch is computed. */
  branch: {
    branch: SiteMethods<Options>["branch"] | SiteMasks<Options>["branch"];
    /**
     * Whether evaluation leaves the branch out for good, so that `pruned` may take it away: asked for once for each place,
     * outside of differentiation. Default: no.
     */
    gone?(context: PruneContext<Options>): boolean;
  };
  /** A variant inside attention: asked for once a pass and stage. Masks that hide keys hold whatever it does. */
  attention: {
    attention: SiteMethods<Options>["attention"] | SiteMasks<Options>["attention"];
    /** The stages it acts on in a mode, asked for once a pass with the options of the moment. Default: `weights`. */
    stages?(options: Options, mode: Mode): readonly AttentionStage[];
  };
  /** A variant at an embedding: asked for once a pass, in every mode. */
  embedding: { embedding: SiteMethods<Options>["embedding"] | SiteMasks<Options>["embedding"] };
  /** A layer. */
  layer: MomentsPart<Options> & PositionParts<Options> & {
    /** From a tensor, batch first, to a tensor, batch first: once a pass and use. */
    forward(x: Tensor, context: LayerContext<Options>): Tensor;
    /** For a layer that is one elementwise function of its input: what a fusing layer before it may apply instead. */
    readonly epilogue?: Epilogue;
    /** Whether it applies `context.epilogue` to its output, so that the next layer need not run. */
    readonly fuses?: boolean;
    /**
     * Whether an example's output depends on the other examples of the batch, as with batch norm in training: nothing is
     * then gathered around it.
     */
    readonly mixesRows?: boolean | ((options: Options, mode: Mode) => boolean);
    /**
     * Whether it does nothing with its inputs but hand them to its children, and nothing with a child's output but hand it
     * to the next child or give it back: several passes over one batch then share what comes before the first draw without
     * a copy of it for each.
     */
    readonly handsOn?: boolean;
  };
  /** A loss. */
  loss: {
    /** From the model's outputs and the targets (int32 labels or numbers) to their sum and its weight: once a batch part. */
    loss(outputs: Tensor, targets: Tensor, options: Options): LossValue;
    /**
     * For a loss that needs more than one pass over a batch: called in training in place of `loss`. `forward(0)` is the
     * ordinary pass; each further number gives a pass with other masks, of the whole model or of its last layers. All start
     * from one running state.
     */
    objective?(forward: (pass: number, how?: FurtherPass) => Tensor, targets: Tensor, options: Options): LossValue;
    /**
     * What of the model's outputs is compared with the targets to measure the error, of the targets' shape. By default the
     * outputs themselves.
     */
    prediction?(outputs: Tensor, options: Options): Tensor;
    /**
     * For a loss that is the likelihood of targets around the prediction: the variance that the model's outputs say that they
     * have, of the prediction's shape. Without it, nobody says how noisy the targets are.
     */
    noise?(outputs: Tensor, options: Options): Tensor;
    /**
     * The expectation of the loss over outputs that are independent normal numbers, for a learning plugin that lets means
     * and variances travel through the model: once a batch part. Where all variances are 0, it is the loss. Without it, such
     * a plugin refuses the loss by name.
     */
    expected?(outputs: Moments, targets: Tensor, options: Options, form: ExpectationForm): LossValue;
    /** What it can be taken of: `classes` (labels or their probabilities), `numbers`, or both when left out. */
    readonly targets?: "classes" | "numbers";
  };
  /** An optimizer. */
  optimizer: {
    /** Updates one parameter: once for each parameter and step, outside of differentiation. */
    update(context: UpdateContext<Options>): void;
    /** Names of the tensors that it keeps beside each parameter: asked for once. Default: none. */
    slots?(options: Options): readonly string[];
    /** The optimizers that it wraps, which keep slots of their own: asked for once. Default: none. */
    wraps?(options: Options): readonly Plugin<"optimizer">[];
  };
  /** A schedule: a number that changes while training. */
  schedule: {
    /**
     * The number at a point of training: asked for before every pass, with no side effect. The driver always says where; who
     * asks by hand need not.
     */
    value(progress: Progress, options: Options, state: Readonly<Record<string, number>>, site?: ScheduleSite): number;
    /** What it remembers at the beginning. Default: nothing. */
    initial?(options: Options): Readonly<Record<string, number>>;
    /** What it remembers after an epoch whose metrics it is told: once an epoch, after all were measured. */
    epoch?(context: ScheduleEpoch<Options>): Readonly<Record<string, number>>;
  };
  /** A constraint. */
  constraint: {
    /** Overwrites a weight with one that keeps to the constraint: once after each update, outside of differentiation. */
    project(weight: Tensor, context: ProjectContext<Options>): void;
    /** Names of the tensors that it keeps beside each parameter. Default: none. */
    slots?(options: Options): readonly string[];
  };
  /** A way of learning other than by the gradient of a loss through the whole model. */
  learning: {
    /** Gives gradients for one batch: once a batch part. It runs, and differentiates, what it likes. */
    learn(context: LearnContext<Options>): void;
  };
  /** What owns the weights that evaluation uses, such as an average over the steps. */
  average: {
    /** Takes up a parameter as it is now: once for each parameter after each update, and once before the first. */
    track(context: AverageContext<Options>): void;
    /** The numbers that evaluation, prediction and the saved model use, in a tensor of the parameter's shape. */
    weights(context: AverageContext<Options>): Tensor;
    /** Names of the tensors that it keeps beside each parameter; zeros before the first update. */
    slots(options: Options): readonly string[];
  };
  /** A data set. */
  dataset: {
    /** Loads the examples: once, before training. */
    load(context: LoadContext<Options>): Promise<Dataset> | Dataset;
    /** Fetches its files and checks them, when asked to; `load` itself never reaches for the network. */
    download?(context: DownloadContext<Options>): Promise<Downloaded>;
    /**
     * Reads new rows, without targets, for a model that was trained on a data set with `rows`: each time it is asked about
     * some. Gives the inputs of whole examples as they are before the data set's `scale` and `inputUnits`: all of them, or
     * part after part as they are read.
     */
    rows?(context: RowsContext): Promise<RawRows> | AsyncIterable<RawRows>;
  };
  /** A change of training examples. */
  augmentation: {
    /**
     * Changes the examples of a batch before a training step, and no others: once a step, on the whole batch, outside of
     * differentiation; perhaps in a worker, for a step ahead. Same arguments, same result.
     */
    augment(batch: AugmentBatch, context: AugmentContext<Options>): void;
    /** It mixes targets, so that labels are handed to it as class probabilities. */
    readonly mixesTargets?: boolean;
    /**
     * `import.meta.url` of a module that exports its factory, from which a worker can load it. Without it, `prefetch` leaves
     * the augmentations to the training thread.
     */
    readonly module?: string;
  };
  /** What watches a run. */
  observer: {
    /** Called at the start of a run; returns what is called during it. */
    observe(context: ObserveContext<Options>): Observation | Promise<Observation>;
    /**
     * Whether the run ends before its last epoch, with that of the last of these metrics: asked for after each epoch, and
     * when a run goes on. Same arguments, same answer, so that a run that is resumed ends where one never stopped does.
     */
    stops?(history: readonly EpochMetrics[], options: Options): boolean;
    /**
     * Whether the weights of the last epoch are those to end with, so far: asked for once after each epoch. They are copied,
     * saved with checkpoints, and put into the model at the end of the run. One observer of a run may have it.
     */
    keeps?(history: readonly EpochMetrics[], options: Options): boolean;
  };
}

/** The inputs of some examples, one after the other. */
export type RawRows = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** What a plugin can be used as. */
export type Role = keyof RoleParts<unknown>;

/** The part that makes a plugin serve a role, and the other parts that the role may have. */
export const partsOfRole: { readonly [R in Role]: { readonly method: string; readonly others: readonly string[] } } = {
  activation: { method: "activation", others: ["moments", "pytorch", "onnx"] },
  weight: { method: "weight", others: ["prunes"] },
  product: { method: "product", others: ["fuses", "prunes"] },
  recurrent: { method: "recurrent", others: ["places"] },
  branch: { method: "branch", others: ["gone"] },
  attention: { method: "attention", others: ["stages"] },
  embedding: { method: "embedding", others: [] },
  layer: { method: "forward", others: ["moments", "pytorch", "onnx", "epilogue", "fuses", "mixesRows", "handsOn"] },
  loss: { method: "loss", others: ["objective", "prediction", "noise", "expected", "targets"] },
  optimizer: { method: "update", others: ["slots", "wraps"] },
  schedule: { method: "value", others: ["initial", "epoch"] },
  constraint: { method: "project", others: ["slots"] },
  learning: { method: "learn", others: [] },
  average: { method: "weights", others: ["track", "slots"] },
  dataset: { method: "load", others: ["download", "rows"] },
  augmentation: { method: "augment", others: ["mixesTargets", "module"] },
  observer: { method: "observe", others: ["stops", "keeps"] },
};

/** All roles. */
export const roles: readonly Role[] = Object.keys(partsOfRole) as Role[];

/** The roles of dropout variants inside a model. */
export const siteRoles = ["activation", "weight", "product", "recurrent", "branch", "attention", "embedding"] as const;
