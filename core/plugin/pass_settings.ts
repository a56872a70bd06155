/** What a pass through a model is told, the same for all places. @module */
import type { Rows } from "../random/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { FrozenPart } from "./frozen_part.ts";
import type { Mode, Progress, StandIn } from "./plugin.ts";
import type { AtLayers } from "./layer_call.ts";
import type { AtSites } from "./site_call.ts";

/** What all contexts of a pass share. */
export interface PassSettings {
  /** How the model is run. */
  readonly mode: Mode;
  /** What sample, pass and step each row of the batch is. */
  readonly rows: Rows;
  /** How far training has come. */
  readonly progress: Progress;
  /** Collects what running state is to become; null changes it at once. */
  readonly stateUpdates: Map<Tensor, Tensor> | null;
  /** What stands in for the variants at layer positions. */
  readonly variants: StandIn | null;
  /** What stands in for the variants at all sites that draw. */
  readonly atSites: AtSites | null;
  /** What is told of each layer's output, where the whole batch is computed. */
  readonly atLayers: AtLayers | null;
  /** Which places draw in mode `sample`; all others are as in mode `eval`. Null for all. */
  readonly sites: ((path: string) => boolean) | null;
  /** What training leaves as it is. */
  readonly frozen: FrozenPart | null;
  /** Collects the paths of the places that look at what the rows are, which they do in order to draw. */
  readonly drawn: Set<string> | null;
  /** Whether this pass builds the model. */
  readonly building: boolean;
  /** States that recurrent layers carry from call to call. */
  readonly carry: Map<string, Tensor> | null;
  /** Collects penalties. */
  readonly penalties: Tensor[] | null;
  /** Collects what layers hand out. */
  readonly emitted: Map<string, Tensor> | null;
  /** Collects the outputs of layers that see the whole batch, by path and use. */
  readonly outputs: Map<string, Tensor> | null;
  /** Outputs of another pass over the same inputs, which stand in for those of layers up to the one at a path. */
  readonly reused: Reused | null;
}

/** Outputs of another pass over the same inputs. */
export interface Reused {
  /** The outputs, by path and use. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** The layer from which on everything is computed; null where all that is there stands in. */
  readonly from: string | null;
  /** Whether that layer has been reached. */
  reached: boolean;
  /** Puts what has the rows of one pass into those of several, where several are computed at once. */
  readonly spread?: (x: Tensor) => Tensor;
}
