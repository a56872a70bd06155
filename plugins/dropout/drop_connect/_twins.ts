/** Products whose weights are dropped for each example anew, plain. @module */
import { type DrawAddress, drawn, type Floats, type Ints } from "../../../core/mod.ts";

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
  /** Whether a gradient is added to what is there. */
  readonly add: boolean;
}

/** Words of 32 bits that an example's decisions take: whole pairs, and one pair that may be read beyond them. */
export function wordsOf(connections: number): number {
  return 2 * Math.ceil(connections / 64) + 2;
}

/** Draws a bit for each connection of each example, set for those that are kept. */
export function dropConnectBits(
  bits: Ints,
  draw: DrawAddress,
  { batch, inputs, units, threshold, bits: width }: DropConnectShape,
): void {
  const connections = units * inputs;
  const words = wordsOf(connections);
  bits.fill(0, 0, batch * words);
  drawn(draw, batch, connections, width, (i, number) => {
    if (number < threshold) return;
    const at = i % connections;
    bits[Math.floor(i / connections) * words + (at >> 5)] |= 1 << (at & 31);
  });
}

/** Calls `visit(example, unit, input)` for every connection that is kept. */
function keptConnections(
  bits: Ints,
  { batch, inputs, units }: DropConnectShape,
  visit: (example: number, unit: number, input: number) => void,
): void {
  const words = wordsOf(units * inputs);
  for (let example = 0; example < batch; example++) {
    for (let at = 0; at < units * inputs; at++) {
      const kept = bits[example * words + (at >> 5)] >>> (at & 31) & 1;
      if (kept === 1) visit(example, Math.floor(at / inputs), at % inputs);
    }
  }
}

/** Products with weights dropped for each example. */
export function dropConnect(x: Floats, weight: Floats, out: Floats, bits: Ints, shape: DropConnectShape): void {
  const { rows, inputs, units, scale } = shape;
  const sums = new Float64Array(out.length);
  keptConnections(bits, shape, (example, u, i) => {
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
  bits: Ints,
  shape: DropConnectShape,
): void {
  const { rows, inputs, units, scale, add } = shape;
  const sums = add ? Float64Array.from(dx) : new Float64Array(dx.length);
  keptConnections(bits, shape, (example, u, i) => {
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
  bits: Ints,
  shape: DropConnectShape,
): void {
  const { rows, inputs, units, scale, add } = shape;
  const sums = add ? Float64Array.from(dWeight) : new Float64Array(dWeight.length);
  keptConnections(bits, shape, (example, u, i) => {
    for (let row = example * rows; row < (example + 1) * rows; row++) {
      sums[u * inputs + i] += x[row * inputs + i] * scale * dy[row * units + u];
    }
  });
  dWeight.set(sums);
}
