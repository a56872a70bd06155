/** Rows of a table: standardized for training, cut for validation. @module */
import type { Dataset, Split } from "../../mod.ts";
import type { Units } from "./_likelihood.ts";

/** Rows of a table: inputs and one target each, in their own units. */
export interface Part {
  /** Inputs, row after row. */
  readonly inputs: Float64Array;
  /** The targets. */
  readonly targets: Float64Array;
}

/** What one split trains and is tested on. */
export interface SplitRows {
  /** Number of inputs of a row. */
  readonly features: number;
  /** Rows to train on, in the order of the split's file. */
  readonly train: Part;
  /** Rows to test on. */
  readonly test: Part;
}

/** Training rows and others, ready for a model. */
export interface Prepared {
  /** The training rows, standardized, as a data set. */
  readonly dataset: Dataset;
  /** The others' inputs, standardized by the training rows. */
  readonly inputs: Float32Array;
  /** The others' targets, in their own units. */
  readonly targets: Float64Array;
  /** What the target was standardized by. */
  readonly units: Units;
}

/** The first `from` training rows to train on, the rest to validate: with 4/5, as the authors' code cuts them. */
export function cut({ features, train }: SplitRows, share: number): SplitRows {
  const count = Math.trunc(share * train.targets.length);
  const part = (from: number, to: number): Part => ({
    inputs: train.inputs.slice(from * features, to * features),
    targets: train.targets.slice(from, to),
  });
  return { features, train: part(0, count), test: part(count, train.targets.length) };
}

/** Mean and deviation of every `step`th number from a place on; a deviation of 1 where all are the same. */
function unitsOf(values: Float64Array, at: number, step: number): Units {
  const count = values.length / step;
  let mean = 0;
  for (let i = at; i < values.length; i += step) mean += values[i] / count;
  let variance = 0;
  for (let i = at; i < values.length; i += step) variance += (values[i] - mean) ** 2 / count;
  const deviation = Math.sqrt(variance);
  // What is left of a constant column after rounding is not a deviation.
  return { mean, deviation: deviation > 1e-12 * Math.abs(mean) ? deviation : 1 };
}

/** Standardizes inputs and target by the training rows alone: mean 0 and variance 1, a constant column only shifted. */
export function prepare({ features, train, test }: SplitRows): Prepared {
  const columns = Array.from({ length: features }, (_, column) => unitsOf(train.inputs, column, features));
  const inputsOf = (part: Part) =>
    Float32Array.from(part.inputs, (value, i) => {
      const { mean, deviation } = columns[i % features];
      return (value - mean) / deviation;
    });
  const units = unitsOf(train.targets, 0, 1);
  const rows: Split = {
    count: train.targets.length,
    shape: [features],
    inputs: inputsOf(train),
    targets: Float32Array.from(train.targets, (value) => (value - units.mean) / units.deviation),
    scale: 1,
  };
  const dataset: Dataset = { name: "uci", classes: 0, outputs: 1, train: rows, test: rows };
  return { dataset, inputs: inputsOf(test), targets: test.targets, units };
}
