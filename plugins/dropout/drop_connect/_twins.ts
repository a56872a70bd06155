/** Products whose weights are dropped for each example anew, plain. @module */
import { type DrawAddress, drawn, type Floats } from "../../../core/mod.ts";

/** Products whose weights are dropped for each example anew. */
export interface DropConnectShape {
  /** Number of examples, each with a mask of its own. */
  readonly batch: number;
  /** Rows of an example, which share its mask. */
  readonly rows: number;
  /** Columns of x and of the weight. */
  readonly inputs: number;
  /** Rows of the weight, columns of the output. */
  readonly units: number;
  /** A connection is dropped iff its random number is below this. */
  readonly threshold: number;
  /** Bits of a random number, 16 or 32. */
  readonly bits: 16 | 32;
  /** Factor of the connections that are kept. */
  readonly scale: number;
}

/** Calls `visit(example, unit, input)` for every connection that is kept. */
function keptConnections(
  draw: DrawAddress,
  { batch, inputs, units, threshold, bits }: DropConnectShape,
  visit: (example: number, unit: number, input: number) => void,
): void {
  const connections = units * inputs;
  drawn(draw, batch, connections, bits, (i, number) => {
    if (number < threshold) return;
    const rest = i % connections;
    visit(Math.floor(i / connections), Math.floor(rest / inputs), rest % inputs);
  });
}

/** Products with weights dropped for each example. */
export function dropConnect(x: Floats, weight: Floats, out: Floats, draw: DrawAddress, shape: DropConnectShape): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(out.length);
  keptConnections(draw, shape, (example, u, i) => {
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
  draw: DrawAddress,
  shape: DropConnectShape,
): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(dx.length);
  keptConnections(draw, shape, (example, u, i) => {
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
  draw: DrawAddress,
  shape: DropConnectShape,
): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(dWeight.length);
  keptConnections(draw, shape, (example, u, i) => {
    for (let row = example * rows; row < (example + 1) * rows; row++) {
      sums[u * inputs + i] += x[row * inputs + i] * scale * dy[row * units + u];
    }
  });
  dWeight.set(sums);
}
