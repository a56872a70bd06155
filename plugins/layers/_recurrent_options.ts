/** Options and parameters that the recurrent layers share. @module */
import { z } from "zod";
import {
  type FloatType,
  type InitContext,
  type Initial,
  type Key,
  part,
  type Plugin,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { weightPart, type WeightVariant } from "./_product.ts";

/** How a recurrent weight begins: PyTorch's uniform numbers, or an orthogonal matrix for each gate. */
export type RecurrentInitializer = "uniform" | "orthogonal";

/** Options that the recurrent layers share. */
export interface RecurrentOptions {
  /** Extent of the hidden state, at least 1. */
  units: number;
  /** Layers on top of each other, at least 1. Default 1. */
  layers?: number;
  /** Whether a second direction reads each sequence from its end; outputs lie side by side. Default false. */
  bidirectional?: boolean;
  /** Whether the output is that of every step, `[batch, time, features]`, or of the last one. Default true. */
  returnSequences?: boolean;
  /** Whether biases are added. Default true. */
  bias?: boolean;
  /** How recurrent weights begin; all else begins uniform in +-1/sqrt(units), as in PyTorch. Default `uniform`. */
  recurrentInitializer?: RecurrentInitializer;
  /** Whether the state before the first step is `zeros` (default) or `learned`. */
  initialState?: "zeros" | "learned";
  /**
   * Batch size, for truncated backpropagation: in training, each batch begins with the state in which the one before
   * ended, without a gradient; at an epoch's first step, and in other modes, with the initial state. Default: off.
   */
  stateful?: number;
  /** Steps at the end of a sequence whose features all equal this number are padding. Default: there is none. */
  padding?: number;
  /** A variant that acts inside the recurrence. */
  recurrent?: Plugin<"recurrent">;
  /** A variant that the recurrent weight, that of the state, passes through, once for all steps of a pass. */
  weight?: Plugin<"weight">;
  /** A variant that the input's weight passes through, once for all steps of a pass. */
  inputWeight?: WeightVariant;
  /** A variant between layers on top of each other. */
  dropout?: Plugin<"activation">;
}

/** {@linkcode RecurrentOptions} with defaults filled in. */
export interface RecurrentSettings {
  readonly units: number;
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly returnSequences: boolean;
  readonly bias: boolean;
  readonly recurrentInitializer: RecurrentInitializer;
  readonly initialState: "zeros" | "learned";
  readonly stateful?: number;
  readonly padding?: number;
  readonly recurrent?: Plugin<"recurrent">;
  readonly weight?: Plugin<"weight">;
  readonly inputWeight?: WeightVariant;
  readonly dropout?: Plugin<"activation">;
}

const count = z.int().min(1, "expected a whole number of at least 1");

/** The schema's fields. */
export const recurrentFields = {
  units: count.describe("extent of the hidden state"),
  layers: count.default(1).describe("layers on top of each other"),
  bidirectional: z.boolean().default(false).describe("whether a second direction reads each sequence from its end"),
  returnSequences: z.boolean().default(true).describe("whether the output is that of every step"),
  bias: z.boolean().default(true).describe("whether biases are added"),
  recurrentInitializer: z.enum(["uniform", "orthogonal"]).default("uniform").describe("how recurrent weights begin"),
  initialState: z.enum(["zeros", "learned"]).default("zeros").describe("the state before the first step"),
  stateful: count.optional().describe("batch size, for carrying the state from batch to batch in training"),
  padding: z.number().optional().describe("steps at the end whose features all equal this number are padding"),
  recurrent: part("recurrent").optional().describe("a variant that acts inside the recurrence"),
  weight: part("weight").optional().describe("a variant that the recurrent weight passes through"),
  inputWeight: weightPart().optional().describe("a variant that the input's weight passes through"),
  dropout: part("activation").optional().describe("a variant between layers on top of each other"),
};

/** PyTorch's endings of the parameters' names, a layer's two directions side by side: `_l0`, `_l0_reverse`. */
export function suffixes(layer: number, bidirectional: boolean): string[] {
  return bidirectional ? [`_l${layer}`, `_l${layer}_reverse`] : [`_l${layer}`];
}

/** A matrix with orthonormal rows, uniform among all of them: the Gram-Schmidt process on normal numbers. */
function orthogonal(size: number, key: Key): Float64Array {
  const rows = Tensor.normal([size, size], key, "float64").floats;
  const row = (i: number) => rows.subarray(i * size, (i + 1) * size);
  for (let i = 0; i < size; i++) {
    const current = row(i);
    for (let j = 0; j < i; j++) {
      const other = row(j);
      let dot = 0;
      for (let k = 0; k < size; k++) dot += current[k] * other[k];
      for (let k = 0; k < size; k++) current[k] -= dot * other[k];
    }
    let norm = 0;
    for (let k = 0; k < size; k++) norm += current[k] * current[k];
    for (let k = 0; k < size; k++) current[k] /= Math.sqrt(norm);
  }
  return rows as Float64Array;
}

function recurrentWeight(gates: number, units: number, key: Key, dtype: FloatType): Tensor {
  const weight = Tensor.empty([gates * units, units], dtype);
  for (let gate = 0; gate < gates; gate++) {
    weight.floats.set(orthogonal(units, key.at(`gate ${gate}`)), gate * units * units);
  }
  return weight;
}

/**
 * Parameters in PyTorch's names and layout: `weight_ih_l0: [gates units, inputs]`, `weight_hh_l0: [gates units, units]`,
 * `bias_ih_l0` and `bias_hh_l0: [gates units]`; learned initial states `initial_hidden_l0: [units]`; and the running
 * state `hidden_l0: [batch, units]` of a stateful layer.
 *
 * @param gates number of gates
 * @param states names of the states
 */
export function initRecurrent(
  { options, inputShape, key, dtype }: InitContext<RecurrentSettings>,
  gates: number,
  states: readonly string[],
): Initial {
  if (inputShape.length !== 2) {
    throw new ShapeError(`expected an input [batch, time, features], found [${["batch", ...inputShape].join(", ")}].`);
  }
  const { units, layers, bidirectional, bias } = options;
  const bound = 1 / Math.sqrt(units);
  const params: Record<string, Tensor> = {};
  const state: Record<string, Tensor> = {};
  const uniform = (name: string, shape: readonly number[]) => {
    params[name] = Tensor.uniform(shape, key.at(name), dtype).mul(2 * bound).sub(bound);
  };
  for (let layer = 0; layer < layers; layer++) {
    const inputs = layer === 0 ? inputShape[1] : units * (bidirectional ? 2 : 1);
    for (const suffix of suffixes(layer, bidirectional)) {
      uniform(`weight_ih${suffix}`, [gates * units, inputs]);
      if (options.recurrentInitializer === "orthogonal") {
        params[`weight_hh${suffix}`] = recurrentWeight(gates, units, key.at(`weight_hh${suffix}`), dtype);
      } else uniform(`weight_hh${suffix}`, [gates * units, units]);
      if (bias) {
        uniform(`bias_ih${suffix}`, [gates * units]);
        uniform(`bias_hh${suffix}`, [gates * units]);
      }
      for (const name of states) {
        if (options.initialState === "learned") params[`initial_${name}${suffix}`] = Tensor.zeros([units], dtype);
        if (options.stateful !== undefined) state[name + suffix] = Tensor.zeros([options.stateful, units], dtype);
      }
    }
  }
  return { params, state };
}
