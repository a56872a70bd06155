/** Products whose weights are dropped for each example anew, plain. @module */
import type { Floats } from "../arrays.ts";
import type { DropConnectShape } from "../stream.ts";
import type { Address } from "../stream.ts";
import { words } from "./random_stream.ts";

/** Calls `visit(example, unit, input)` for every connection that is kept. */
function keptConnections(
  address: Address,
  { batch, inputs, units, threshold }: DropConnectShape,
  visit: (example: number, unit: number, input: number) => void,
): void {
  const connections = units * inputs;
  words(address, batch * connections, (i, word) => {
    if (word < threshold) return;
    const rest = i % connections;
    visit(Math.floor(i / connections), Math.floor(rest / inputs), rest % inputs);
  });
}

/** Products with weights dropped for each example. */
export function dropConnect(x: Floats, weight: Floats, out: Floats, address: Address, shape: DropConnectShape): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(out.length);
  keptConnections(address, shape, (example, u, i) => {
    for (let row = example * rows; row < (example + 1) * rows; row++) {
      sums[row * units + u] += weight[u * inputs + i] * scale * x[row * inputs + i];
    }
  });
  out.set(sums);
}

/** The gradient towards the input. */
export function dropConnectInputGradient(
  weight: Floats,
  dy: Floats,
  dx: Floats,
  address: Address,
  shape: DropConnectShape,
): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(dx.length);
  keptConnections(address, shape, (example, u, i) => {
    for (let row = example * rows; row < (example + 1) * rows; row++) {
      sums[row * inputs + i] += weight[u * inputs + i] * scale * dy[row * units + u];
    }
  });
  dx.set(sums);
}

/** The gradient towards the weight. */
export function dropConnectWeightGradient(
  x: Floats,
  dy: Floats,
  dWeight: Floats,
  address: Address,
  shape: DropConnectShape,
): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(dWeight.length);
  keptConnections(address, shape, (example, u, i) => {
    for (let row = example * rows; row < (example + 1) * rows; row++) {
      sums[u * inputs + i] += x[row * inputs + i] * scale * dy[row * units + u];
    }
  });
  dWeight.set(sums);
}
