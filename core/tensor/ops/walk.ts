/**
 * What the recurrent ops share: the walk over a sequence's steps, in either direction, with sequences of different
 * lengths side by side. All states, the initial one included, lie side by side in time: `before(t)` and `after(t)` number
 * the states around a step.
 *
 * @module
 */
import * as kernels from "../../backend/kernels.ts";
import type { Floats, Ints } from "../../backend/arrays.ts";
import { ShapeError, showShape } from "../../errors.ts";
import { sameShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { checkTypes } from "./elementwise.ts";

/** How a sequence is walked over. */
export interface SequenceOptions {
  /** From the last step to the first. Default false. */
  reverse?: boolean;
  /** The number of steps of each sequence in the batch; the state does not change at later ones. Default all steps. */
  lengths?: Ints | null;
}

/** With more rows than these a product takes longer than to pack its weight. */
const MOST_ROWS = 96;
/** With fewer steps than these the weight is packed as seldom anyway. */
const LEAST_STEPS = 3;

/** The steps of a walk, in the direction of computation. */
export class Walk {
  /** Number of steps. */
  readonly steps: number;
  /** Number of sequences. */
  readonly rows: number;
  /** Extent of a state. */
  readonly units: number;
  readonly #reverse: boolean;
  readonly #lengths: Ints | null;

  constructor(op: string, projected: Tensor, weight: Tensor, initial: Tensor, gates: number, options: SequenceOptions) {
    const units = weight.shape[1] ?? 0;
    const [steps, rows] = projected.shape;
    const fits = sameShape(weight.shape, [gates * units, units]) && sameShape(initial.shape, [rows, units]) &&
      sameShape(projected.shape, [steps, rows, gates * units]);
    if (!fits) {
      throw new ShapeError(
        `${op}: expected input products [time, batch, ${gates} units], a weight [${gates} units, units] and a state ` +
          `[batch, units], found ${showShape(projected.shape)}, ${showShape(weight.shape)} and ` +
          `${showShape(initial.shape)}.`,
      );
    }
    if (options.lengths != null && options.lengths.length !== rows) {
      throw new ShapeError(`${op}: expected ${rows} lengths, found ${options.lengths.length}.`);
    }
    checkTypes(op, projected, weight);
    checkTypes(op, projected, initial);
    this.steps = steps;
    this.rows = rows;
    this.units = units;
    this.#reverse = options.reverse ?? false;
    this.#lengths = options.lengths ?? null;
  }

  /** Number of the first state and of the last one. */
  get ends(): [number, number] {
    return this.#reverse ? [this.steps, 0] : [0, this.steps];
  }

  /** Whether some sequences end early. */
  get padded(): boolean {
    return this.#lengths !== null;
  }

  /** Steps in the direction of computation, or against it. */
  *order(backward = false): Generator<number> {
    const down = this.#reverse !== backward;
    for (let i = 0; i < this.steps; i++) yield down ? this.steps - 1 - i : i;
  }

  /** Number of the state before step t. */
  before(t: number): number {
    return this.#reverse ? t + 1 : t;
  }

  /** Number of the state after step t. */
  after(t: number): number {
    return this.#reverse ? t : t + 1;
  }

  /** Piece `index` of a tensor with `[batch, width]` a piece. */
  piece(x: Tensor, index: number, width = this.units): Floats {
    const size = this.rows * width;
    return x.floats.subarray(index * size, (index + 1) * size) as Floats;
  }

  /** Calls `body` with the bounds of each row whose sequence has ended before step t. */
  ended(t: number, width: number, body: (from: number, to: number) => void): void {
    const lengths = this.#lengths;
    if (lengths === null) return;
    for (let row = 0; row < this.rows; row++) if (t >= lengths[row]) body(row * width, (row + 1) * width);
  }

  /** Rows whose sequence has ended keep what they had. */
  carry(t: number, from: Floats, to: Floats): void {
    this.ended(t, this.units, (start, end) => to.set(from.subarray(start, end), start));
  }

  /** Rows whose sequence has ended get zeros. */
  clear(t: number, x: Floats, width: number): void {
    this.ended(t, width, (start, end) => x.fill(0, start, end));
  }

  /** `out = state W^T`, or the same added to it, as a function of both; `state: [batch, units]`, `W: [width, units]`. */
  projection(weight: Tensor, add: boolean): (state: Floats, out: Floats) => void {
    return this.#product(weight, true, add);
  }

  /** `out += gradient W`. */
  carryingBack(weight: Tensor): (gradient: Floats, out: Floats) => void {
    return this.#product(weight, false, true);
  }

  /** A product with the weight at each step. What is packed for a product is packed once, unless the rows are many. */
  #product(weight: Tensor, transpose: boolean, add: boolean): (a: Floats, c: Floats) => void {
    const [k, n] = transpose ? [this.units, weight.shape[0]] : weight.shape;
    const { rows } = this;
    if (rows > MOST_ROWS || this.steps < LEAST_STEPS || rows === 0 || n === 0) {
      return (a, c) => gemm(a, weight.floats, c, [rows, n, k], false, transpose, add ? 1 : 0);
    }
    const packed = Tensor.empty([kernels.panelSize({ n, k })], weight.floatType).floats;
    kernels.packPanels(weight.floats, packed, transpose, n, k);
    return (a, c) => kernels.panelProduct(a, packed, c, add, rows, n, k);
  }

  /** The weight's gradient from those of all sums `[time, batch, width]` and all states. */
  weightGradient(dSums: Tensor, states: Tensor, weight: Tensor): Tensor {
    const dWeight = Tensor.zeros(weight.shape, weight.dtype);
    const size = this.rows * this.units;
    const previous = states.floats.subarray(this.#reverse ? size : 0) as Floats;
    gemm(dSums.floats, previous, dWeight.floats, [weight.shape[0], this.units, this.steps * this.rows], true, false, 0);
    return dWeight;
  }
}

function gemm(
  a: Floats,
  b: Floats,
  c: Floats,
  [m, n, k]: readonly [number, number, number],
  transposeA: boolean,
  transposeB: boolean,
  beta: number,
): void {
  if (m === 0 || n === 0 || k === 0) return;
  const strides = { batch: 1, strideA: 0, strideB: 0, strideC: 0 };
  kernels.gemm(a, b, c, { m, n, k, transposeA, transposeB, alpha: 1, beta, ...strides });
}
