/**
 * From a data set to batches: checks, the order of an epoch, and the copying of rows.
 *
 * @module
 */
import type { Dataset, Split } from "./data.ts";
import { DataError, showShape } from "../errors.ts";
import type { Key } from "../random/key.ts";
import { drawn } from "../backend/reference/random.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Inputs and targets of some examples. */
export interface Batch {
  /** `[batch, ...shape]`, float32. */
  readonly inputs: Tensor;
  /**
   * int32 labels `[batch]`, or `[batch, positions]` where each position has one; float32 numbers `[batch, outputs]`; or
   * float32 class probabilities `[batch, classes]` where an augmentation mixes classes.
   */
  readonly targets: Tensor;
}

/**
 * Throws unless a data set can be trained on: no part empty, counts that agree, labels inside the classes.
 *
 * @throws {DataError} saying which part and which example is wrong
 */
export function checkDataset(dataset: Dataset): void {
  for (const part of ["train", "validation", "test"] as const) {
    const split = dataset[part];
    if (split === undefined) continue;
    const where = `data set ${JSON.stringify(dataset.name)}, ${part} part`;
    if (split.count === 0) throw new DataError(`${where}: expected at least one example, found none.`);
    if (split.inputs.length !== split.count * sizeOf(split.shape)) {
      throw new DataError(
        `${where}: ${split.count} examples of shape ${showShape(split.shape)} need ` +
          `${split.count * sizeOf(split.shape)} numbers, found ${split.inputs.length}.`,
      );
    }
    checkUnits(split, where);
    if (dataset.classes > 0) {
      const labels = split.labels;
      const positions = split.labelsPerExample ?? 1;
      const need = split.count * positions;
      if (labels === undefined || labels.length !== need) {
        throw new DataError(`${where}: expected ${need} labels, found ${labels?.length ?? "none"}.`);
      }
      for (let i = 0; i < labels.length; i++) {
        if (labels[i] < 0 || labels[i] >= dataset.classes) {
          throw new DataError(
            `${where}: expected labels in [0, ${dataset.classes}), found ${labels[i]} ` +
              `at example ${Math.floor(i / positions)}${positions > 1 ? `, position ${i % positions}` : ""}.`,
          );
        }
      }
    } else if (split.targets === undefined || split.targets.length !== split.count * dataset.outputs) {
      const need = split.count * dataset.outputs;
      throw new DataError(`${where}: expected ${need} target numbers, found ${split.targets?.length ?? "none"}.`);
    }
  }
  for (const other of [dataset.test, dataset.validation]) {
    if (other === undefined) continue;
    const { train } = dataset;
    const parts = `data set ${JSON.stringify(dataset.name)}: the parts have`;
    if (sizeOf(train.shape) !== sizeOf(other.shape)) {
      throw new DataError(`${parts} examples of shapes ${showShape(train.shape)} and ${showShape(other.shape)}.`);
    }
    if (train.labelsPerExample !== other.labelsPerExample) {
      throw new DataError(
        `${parts} ${train.labelsPerExample ?? 1} and ${other.labelsPerExample ?? 1} labels for each example.`,
      );
    }
  }
  const { inputUnits } = dataset;
  if (inputUnits !== undefined) {
    checkUnits({ ...dataset.train, normalize: inputUnits }, "inputUnits of " + dataset.name);
  }
  const units = dataset.targetUnits;
  if (units !== undefined && (units.mean.length !== dataset.outputs || units.deviation.length !== dataset.outputs)) {
    throw new DataError(
      `data set ${
        JSON.stringify(dataset.name)
      }: expected a mean and a deviation for each of ${dataset.outputs} outputs, ` +
        `found ${units.mean.length} and ${units.deviation.length}.`,
    );
  }
}

/** Refuses means and deviations that do not belong to the channels. */
function checkUnits({ normalize, shape }: Split, where: string): void {
  if (normalize === undefined) return;
  const { mean, deviation } = normalize;
  const channels = shape[0] ?? 1;
  const wrong = deviation.find((value) => !(value > 0));
  if (mean.length === channels && deviation.length === channels && wrong === undefined) return;
  throw new DataError(
    `${where}: expected a mean and a deviation above 0 for each of ${channels} channels, ` +
      `found ${mean.length} and ${deviation.length}${wrong === undefined ? "" : `, with the deviation ${wrong}`}.`,
  );
}

/** The order of an epoch's examples: a permutation of [0, count) that depends on the key alone (Fisher-Yates). */
export function shuffledOrder(count: number, key: Key): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  drawn(key.draw(1, count), 1, count, 32, (i, word) => {
    const last = count - 1 - i;
    // floor(word * (last + 1) / 2^32): uneven by less than count / 2^32.
    const other = Math.floor(word * (last + 1) / 4294967296);
    const moved = order[last];
    order[last] = order[other];
    order[other] = moved;
  });
  return order;
}

/**
 * The order of examples that are consecutive pieces of one sequence, for batches of `lanes` rows: the sequence is cut
 * into that many lanes of equal length, and row i of each batch goes on in lane i. The last `count % lanes` examples
 * are left out, so that every batch is full.
 *
 * @example
 * ```ts
 * import { laneOrder } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...laneOrder(7, 2)], [0, 3, 1, 4, 2, 5]); // lane 0: examples 0, 1, 2; lane 1: 3, 4, 5
 * ```
 */
export function laneOrder(count: number, lanes: number): Uint32Array {
  const length = Math.floor(count / lanes);
  return Uint32Array.from({ length: length * lanes }, (_, i) => i % lanes * length + Math.floor(i / lanes));
}

/** Which examples: `order[from .. to - 1]`, or `from .. to - 1` themselves without an order. */
export interface Rows {
  /** First of them. */
  readonly from: number;
  /** One past the last of them. */
  readonly to: number;
  /** The order; default that of the data set. */
  readonly order?: Uint32Array;
}

/** Calls `visit(row, example)` for each example. */
function eachRow({ from, to, order }: Rows, visit: (row: number, example: number) => void): void {
  for (let at = from; at < to; at++) visit(at - from, order === undefined ? at : order[at]);
}

/** What the inputs of a batch are made of. */
export interface RawInputs extends Pick<Split, "shape" | "scale" | "normalize"> {
  /** All inputs, example after example. */
  readonly inputs: Float32Array | Float64Array | Uint8Array;
}

/** Copies the inputs of some examples, scaled and normalized, to `out`, one example after the other. */
export function gatherInputs(split: RawInputs, rows: Rows, out: Float32Array): void {
  const { inputs, scale, normalize, shape } = split;
  const size = sizeOf(shape);
  if (inputs instanceof Float32Array && scale === 1 && normalize === undefined) {
    return copyRows(inputs, rows, size, out);
  }
  const channels = normalize?.mean.length ?? 1;
  const area = size / channels;
  for (let c = 0; c < channels; c++) {
    const mean = normalize?.mean[c] ?? 0;
    const deviation = normalize?.deviation[c] ?? 1;
    const convert = (input: number) => (input * scale - mean) / deviation;
    if (inputs instanceof Uint8Array) {
      const table = new Float32Array(256);
      for (let byte = 0; byte < table.length; byte++) table[byte] = convert(byte);
      const { from, to, order } = rows;
      for (let at = from; at < to; at++) {
        const example = order === undefined ? at : order[at];
        lookUp(table, inputs, example * size + c * area, out, (at - from) * size + c * area, area);
      }
      continue;
    }
    eachRow(rows, (row, example) => {
      const start = example * size + c * area;
      const at = row * size + c * area;
      for (let i = 0; i < area; i++) out[at + i] = convert(inputs[start + i]);
    });
  }
}

/** Numbers of a row up to which a loop is faster than a view of them for the copy. */
const SHORT_ROW = 32;

/** Copies rows of numbers as they are, one after the other. */
function copyRows(from: Float32Array | Float64Array, rows: Rows, size: number, out: Float32Array): void {
  if (size > SHORT_ROW) {
    eachRow(rows, (row, example) => out.set(from.subarray(example * size, (example + 1) * size), row * size));
    return;
  }
  const { order, to } = rows;
  let place = 0;
  for (let at = rows.from; at < to; at++) {
    const start = (order === undefined ? at : order[at]) * size;
    for (let i = start; i < start + size; i++) out[place++] = from[i];
  }
}

/** Writes what a table says of some bytes: a function of its own, since a loop over what a closure holds is slower. */
function lookUp(
  table: Float32Array,
  bytes: Uint8Array,
  start: number,
  out: Float32Array,
  at: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) out[at + i] = table[bytes[start + i]];
}

/** Copies the labels of some examples to `out`. */
export function gatherLabels(split: Split, rows: Rows, out: Int32Array): void {
  const labels = split.labels!;
  const size = split.labelsPerExample ?? 1;
  if (size === 1) eachRow(rows, (row, example) => out[row] = labels[example]);
  else eachRow(rows, (row, example) => out.set(labels.subarray(example * size, (example + 1) * size), row * size));
}

/** Copies the target numbers of some examples to `out`; for labels, class probabilities: 1 at the label, else 0. */
export function gatherNumbers(split: Split, width: number, rows: Rows, out: Float32Array): void {
  const { labels, targets } = split;
  if (labels === undefined) {
    return copyRows(targets!, rows, width, out);
  }
  out.fill(0, 0, (rows.to - rows.from) * width);
  eachRow(rows, (row, example) => out[row * width + labels[example]] = 1);
}

/** The examples `order[from .. to - 1]` as tensors; the examples themselves without an order. */
export function makeBatch(split: Split, outputs: number, from: number, to: number, order?: Uint32Array): Batch {
  const count = to - from;
  const rows = { from, to, order };
  const inputs = Tensor.empty([count, ...split.shape]);
  gatherInputs(split, rows, inputs.floats as Float32Array);
  if (split.labels === undefined) {
    const targets = Tensor.empty([count, outputs]);
    gatherNumbers(split, outputs, rows, targets.floats as Float32Array);
    return { inputs, targets };
  }
  const targets = Tensor.empty(
    split.labelsPerExample === undefined ? [count] : [count, split.labelsPerExample],
    "int32",
  );
  gatherLabels(split, rows, targets.ints);
  return { inputs, targets };
}
