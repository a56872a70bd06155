/**
 * What a plugin is given that says how it is computed in ONNX: see {@linkcode PositionParts.onnx}.
 *
 * @module
 */
import type { Epilogue } from "../backend/epilogue.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { AttentionStage } from "./sites.ts";

/** An extent of a value in an ONNX graph: a number, or a name where only running the graph tells, such as `batch`. */
export type OnnxExtent = number | string;

/** An element type of a value in an ONNX graph. */
export type OnnxType = "float32" | "float64" | "int32" | "int64" | "bool";

/** A value in an ONNX graph. */
export interface OnnxValue {
  /** Its name in the graph. */
  readonly name: string;
  /** Its element type. */
  readonly type: OnnxType;
  /** Its shape, batch first where it is one of examples. */
  readonly shape: readonly OnnxExtent[];
}

/** An attribute of a node: whole numbers and texts as they are, others under the name of their kind. */
export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly graph: OnnxBody };

/** A graph inside of a node, such as what `Scan` does at each step. */
export interface OnnxBody {
  /** What it is given. */
  readonly inputs: readonly OnnxValue[];
  /** Writes its nodes and returns its outputs. It may use the values around it, too. */
  readonly write: () => readonly OnnxValue[];
}

/** What can be said of a node beside its inputs. */
export interface OnnxNode {
  /** Its attributes by name. Default: none. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** The shape of its output. Default: that of its first input. */
  readonly shape?: readonly OnnxExtent[];
  /** The element type of its output. Default: that of its first input. */
  readonly type?: OnnxType;
}

/** How a child is run: what a layer says of it in its forward pass. */
export interface OnnxRun {
  /** An activation that it applies to its output. Default `none`. */
  readonly epilogue?: Epilogue;
}

/** A layer's own linear map `x W^T + b`, as nodes. */
export type OnnxMultiply = (x: OnnxValue, weight: OnnxValue, bias: OnnxValue | null) => OnnxValue;

/**
 * What a plugin's part `onnx` is given: its options and numbers, and what writes nodes. Children and the variants at its
 * sites go by the names that they have in its forward pass.
 *
 * What is written is what mode `eval` computes; where `samples` is true, what mode `sample` does, with random nodes in the
 * places of its draws.
 */
export interface OnnxContext<Options> {
  /** The options, validated, with schedules replaced by their value at the point of training that was asked about. */
  readonly options: Options;
  /** Learned parameters, by the names that `init` gave them. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Running state, by the names that `init` gave it. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** Where this plugin stands in the model. */
  readonly path: string;
  /** All inputs, that which the method takes included. */
  readonly inputs: readonly OnnxValue[];
  /** Whether the graph draws anew at each run, as mode `sample` does. */
  readonly samples: boolean;
  /** The activation that a layer which says `fuses` applies to its output; `none` for all others. */
  readonly epilogue: Epilogue;
  /**
   * Adds a node with one output, of the default operators at version 17.
   *
   * @param type the operator, such as `Gemm`
   * @param inputs its inputs; null for one that is left out
   * @param node its attributes, and its output's shape and type
   */
  op(type: string, inputs: readonly (OnnxValue | null)[], node?: OnnxNode): OnnxValue;
  /**
   * Adds a node with several outputs.
   *
   * @param outputs shape and type of each
   */
  several(
    type: string,
    inputs: readonly (OnnxValue | null)[],
    outputs: readonly Pick<OnnxValue, "shape" | "type">[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): OnnxValue[];
  /**
   * A constant: a number, a list of numbers, or a tensor, which keeps the name that it has in the model.
   *
   * @param type default `float32`, for an int32 tensor `int32`
   */
  constant(value: number | readonly number[] | Tensor, type?: OnnxType): OnnxValue;
  /** A name for an extent that only running the graph tells. */
  unknown(): OnnxExtent;
  /** Runs the layer that stands under a name. */
  run(name: string, x: OnnxValue | readonly OnnxValue[], how?: OnnxRun): OnnxValue;
  /** Whether a layer or variant stands under a name. */
  has(name: string): boolean;
  /** Another output of the model: written where this plugin is the model itself. */
  emit(name: string, value: OnnxValue): void;
  /** A weight as the variant under a name, if there is one, leaves it. */
  weight(name: string, weight: Tensor): OnnxValue;
  /**
   * A product `x W^T + b` as the variant under a name, if there is one, takes it; with `epilogue` applied.
   *
   * @param multiply the layer's own
   */
  product(name: string, x: OnnxValue, weight: Tensor, bias: Tensor | null, multiply: OnnxMultiply): OnnxValue;
  /** What a branch adds, as the variant under a name, if there is one, leaves it; null for nothing. */
  branch(name: string, block: () => OnnxValue): OnnxValue | null;
  /** A quantity of attention as the variant under a name, if there is one that acts on it, leaves it. */
  attention(name: string, value: OnnxValue, stage: AttentionStage): OnnxValue;
  /** Rows of a table by index, as the variant under a name, if there is one, reads them. */
  embedding(name: string, table: OnnxValue, indices: OnnxValue): OnnxValue;
}
