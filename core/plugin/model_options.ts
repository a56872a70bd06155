/**
 * What goes into a model and what comes out of it: how it is built and run, and what it tells of itself.
 *
 * @module
 */
import type { Rows } from "../random/rows.ts";
import type { FrozenPart } from "./frozen_part.ts";
import type { FurtherPass, Mode, Plugin, Progress, SiteRole, StandIn } from "./plugin.ts";
import type { AtLayers } from "./layer_call.ts";
import type { AtSites } from "./site_call.ts";
import type { Shape } from "../tensor/shape.ts";
import type { DType } from "../tensor/storage.ts";
import type { FloatType, Tensor } from "../tensor/tensor.ts";

/** A learned parameter of a built model. */
export interface Parameter {
  /** Its name: the layer's path and the parameter's own name, such as `1.weight`. */
  readonly name: string;
  /** Its numbers; a leaf that gradients can be asked for. */
  readonly tensor: Tensor;
  /** What is applied to it after each update. */
  readonly constraint: Plugin<"constraint"> | undefined;
}

/** What can be said of any pass. */
export interface AnyRun {
  /**
   * State that recurrent layers carry from one call to the next, in any mode: give the same map, empty at first, to calls
   * on consecutive pieces of the same sequences. Emptying it begins anew; its entries, `[batch, units]` by path and name,
   * such as `0.hidden_l0`, are the final states, and may be set before a call.
   */
  carry?: Map<string, Tensor>;
  /**
   * How far training has come, for schedules; its step is the pass's unless another is given. Default the beginning; in
   * training, the step of a run without an end, in which schedules stay at their beginning.
   */
  progress?: Progress;
  /** Global index of the first example of the batch within the step, a whole number in [0, 2^24). Default 0. */
  sample?: number;
  /** Number of a further pass over the same batch, whose masks differ from those of pass 0: in [0, 2^14). Default 0. */
  pass?: number;
  /**
   * What each row of the batch is, for rows that do not follow each other. It stands in the place of `sample`, `pass` and
   * `step`, which are refused beside it.
   */
  rows?: Rows;
  /**
   * Collects what running state is to become, instead of changing it, so that several passes over one batch start from the
   * same state. A further pass (`pass` above 0) never changes running state.
   */
  stateUpdates?: Map<Tensor, Tensor>;
  /**
   * What stands in for the variants at layer positions, with their inputs and outputs in sight: called in the place of each.
   * Default: they act themselves.
   */
  variants?: StandIn;
  /**
   * What stands in for the variants at all sites, layer positions and the insides of layers alike, with what they draw in
   * sight: called in the place of each that draws in this pass. Default: they act themselves. Not beside `variants`.
   */
  atSites?: AtSites;
  /**
   * Told what each layer gives where it sees the whole batch, variants at layer positions included. In a pass that draws, a
   * layer's output may have the mask of the variant behind it in it already, and what that mask drops is not computed.
   * Default: nobody.
   */
  atLayers?: AtLayers;
  /**
   * Which places draw in mode `sample`: regular expressions, of which one has to match a place's path, such as `^3$` or
   * `attention`. All others are as in mode `eval`. Default: all draw.
   */
  sites?: readonly string[];
  /** What training leaves as it is, of `model.frozen`: in mode `train` no gradient flows to it. Default: nothing. */
  frozen?: FrozenPart;
}

/** An evaluation, in which nothing is drawn but what evaluation itself is made of. */
export interface EvalRun extends AnyRun {
  /** `eval`, which is the default. */
  mode?: "eval";
  /** Step that addresses random numbers; default 0. */
  step?: number;
}

/** A pass at a known step, in any mode. A pass that draws has to say at which, since the same step has the same masks. */
export type StepRun =
  & AnyRun
  & {
    /** `train`, `sample` for Monte Carlo at inference, or `eval` (the default). */
    mode?: Mode;
  }
  & (
    | { /** Step that addresses random numbers, a whole number in [0, 2^32). */ step: number }
    | { progress: Progress }
    | {
      rows: Rows;
    }
  );

/** How a model is run. */
export type RunOptions = EvalRun | StepRun;

/** How a model is built. */
export interface BuildOptions {
  /**
   * Shape of one example, without the batch axis; a list of shapes for a model with several inputs. An extent of -1, such
   * as that of a time axis, may differ from call to call: the model is built with 1 in its place.
   */
  inputShape: Shape | readonly Shape[];
  /** Element type of the input, or of each input: `int32` for indices. Default the model's element type. */
  inputType?: DType | readonly DType[];
  /** What initial parameters and random draws follow from: a whole number in [0, 2^53). Default 0. */
  seed?: number | bigint;
  /** Element type; default float32. */
  dtype?: FloatType;
}

/** One line of a model's summary. */
export interface SummaryRow {
  /** Where the plugin stands. */
  readonly path: string;
  /** The plugin's name. */
  readonly plugin: string;
  /** Shape of its output, without the batch axis; for a variant at a weight, the weight's shape. */
  readonly shape: Shape;
  /** Number of trainable numbers of its own. */
  readonly parameters: number;
  /** Which site a variant stands at; null for a layer. */
  readonly site: SiteRole | null;
}

/** What {@linkcode Model.passes} gives. */
export interface Passes {
  /** The output of the first pass, batch first. */
  readonly output: Tensor;
  /** The sum of the penalties of the model's plugins in the first pass; null when no plugin has one. */
  readonly penalty: Tensor | null;
  /**
   * The output of a further pass, or of the first for the number 0.
   *
   * @param pass its number, in [0, 2^14)
   * @param how what of it is computed
   */
  again(pass: number, how?: FurtherPass): Tensor;
}

/** Which passes {@linkcode Model.sample} makes. */
export interface SampleOptions {
  /** How many passes, from 1 to 16384. */
  passes: number;
  /** The number of the first of them, at least 0; the last is below 16384. Default 0. */
  from?: number;
  /** What each row of the batch is in pass 0. */
  rows: Rows;
  /** How far training has come, for schedules. Default the beginning. */
  progress?: Progress;
  /** Which places draw: see {@linkcode AnyRun.sites}. Default: all that do in mode `sample`. */
  sites?: readonly string[];
}

/** What {@linkcode Model.forwardAll} gives. */
export interface AllOutputs {
  /** The model's output, batch first. */
  readonly output: Tensor;
  /** What layers handed out beside their outputs, by name: `aux`, or `3.aux` for the layer at `3`. */
  readonly emitted: ReadonlyMap<string, Tensor>;
}
