/**
 * From a data set to batches: checks, the order of an epoch, and the copying of rows.
 *
 * @module
 */
import type { Dataset, Split } from "./data.ts";
import { DataError, showShape } from "./errors.ts";
import type { Key } from "./key.ts";
import { words } from "./reference/random.ts";
import { sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Inputs and targets of some examples. */
export interface Batch {
  /** `[batch, ...shape]`, float32. */
  readonly inputs: Tensor;
  /** int32 `[batch]` labels, or float32 `[batch, outputs]` numbers. */
  readonly targets: Tensor;
}

/**
 * Throws unless a data set can be trained on: neither part empty, counts that agree, labels inside the classes.
 *
 * @throws {DataError} saying which part and which example is wrong
 */
export function checkDataset(dataset: Dataset): void {
  for (const part of ["train", "test"] as const) {
    const split = dataset[part];
    const where = `data set ${JSON.stringify(dataset.name)}, ${part} part`;
    if (split.count === 0) throw new DataError(`${where}: expected at least one example, found none.`);
    if (split.inputs.length !== split.count * sizeOf(split.shape)) {
      throw new DataError(
        `${where}: ${split.count} examples of shape ${showShape(split.shape)} need ` +
          `${split.count * sizeOf(split.shape)} numbers, found ${split.inputs.length}.`,
      );
    }
    if (dataset.classes > 0) {
      const labels = split.labels;
      if (labels === undefined || labels.length !== split.count) {
        throw new DataError(`${where}: expected ${split.count} labels, found ${labels?.length ?? "none"}.`);
      }
      for (let i = 0; i < labels.length; i++) {
        if (labels[i] < 0 || labels[i] >= dataset.classes) {
          throw new DataError(
            `${where}: expected labels in [0, ${dataset.classes}), found ${labels[i]} at example ${i}.`,
          );
        }
      }
    } else if (split.targets === undefined || split.targets.length !== split.count * dataset.outputs) {
      const need = split.count * dataset.outputs;
      throw new DataError(`${where}: expected ${need} target numbers, found ${split.targets?.length ?? "none"}.`);
    }
  }
  if (sizeOf(dataset.train.shape) !== sizeOf(dataset.test.shape)) {
    throw new DataError(
      `data set ${JSON.stringify(dataset.name)}: the parts have examples of shapes ` +
        `${showShape(dataset.train.shape)} and ${showShape(dataset.test.shape)}.`,
    );
  }
}

/** The order of an epoch's examples: a permutation of [0, count) that depends on the key alone (Fisher-Yates). */
export function shuffledOrder(count: number, key: Key): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  words(key.address(0), count, (i, word) => {
    const last = count - 1 - i;
    // floor(word * (last + 1) / 2^32): uneven by less than count / 2^32.
    const other = Math.floor(word * (last + 1) / 4294967296);
    [order[last], order[other]] = [order[other], order[last]];
  });
  return order;
}

/** The examples `order[from .. to - 1]` as tensors; the examples themselves without an order. */
export function makeBatch(split: Split, outputs: number, from: number, to: number, order?: Uint32Array): Batch {
  const size = sizeOf(split.shape);
  const count = to - from;
  const inputs = Tensor.empty([count, ...split.shape]);
  const out = inputs.floats;
  const { inputs: source, scale } = split;
  for (let row = 0; row < count; row++) {
    const start = (order === undefined ? from + row : order[from + row]) * size;
    const at = row * size;
    if (source instanceof Float32Array && scale === 1) out.set(source.subarray(start, start + size), at);
    else for (let i = 0; i < size; i++) out[at + i] = source[start + i] * scale;
  }
  if (split.labels !== undefined) {
    const targets = Tensor.empty([count], "int32");
    for (let row = 0; row < count; row++) {
      targets.ints[row] = split.labels[order === undefined ? from + row : order[from + row]];
    }
    return { inputs, targets };
  }
  const targets = Tensor.empty([count, outputs]);
  for (let row = 0; row < count; row++) {
    const start = (order === undefined ? from + row : order[from + row]) * outputs;
    targets.floats.set(split.targets!.subarray(start, start + outputs), row * outputs);
  }
  return { inputs, targets };
}
