/** Looking at what the layers of a model give. @module */
import type { Epilogue } from "../backend/epilogue.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A layer that has just been computed. */
export interface LayerCall {
  /** Where it stands, such as `2`; the second use of a shared layer has `(use 1)` behind it. */
  readonly path: string;
  /** Its plugin's name. */
  readonly plugin: string;
  /** The activation of the layer behind it, where that was applied with it: the layer behind it is then not called. */
  readonly epilogue: Epilogue;
  /** What it gave, batch first; not to be kept, since its memory may be used again once the pass is over. */
  readonly output: Tensor;
}

/** What is told of each layer, in the order in which they end: a layer inside another before that other. */
export type AtLayers = (call: LayerCall) => void;
