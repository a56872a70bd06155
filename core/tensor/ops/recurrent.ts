/**
 * Whole sequences through a plain recurrent network, an LSTM or a GRU, each as one op: forward and gradient walk over the
 * steps with one small matrix product and one kernel a step, and the recurrent weight's gradient is one large product
 * over all steps.
 *
 * Sequences lie with time first here, `[time, batch, ...]`, so that a step is one piece of memory.
 *
 * @module
 */
import * as kernels from "../../backend/kernels.ts";
import type { Epilogue } from "../../backend/epilogue.ts";
import { record } from "../autograd.ts";
import { Tensor } from "../tensor.ts";
import { type SequenceOptions, Walk } from "./walk.ts";

/**
 * `h_t = f(p_t + h_{t-1} W^T)` over all steps.
 *
 * @param projected p: the input's share of the sums, biases included, `[time, batch, units]`
 * @param weight `[units, units]`
 * @param initial the state before the first step, `[batch, units]`
 * @returns all states, `[time + 1, batch, units]`: the initial one first, or last for a reverse walk
 */
export function rnnSequence(
  projected: Tensor,
  weight: Tensor,
  initial: Tensor,
  activation: Epilogue,
  options: SequenceOptions = {},
): Tensor {
  const walk = new Walk("rnnSequence", projected, weight, initial, 1, options);
  const { steps, rows, units } = walk;
  const states = Tensor.empty([steps + 1, rows, units], projected.dtype);
  const [first, last] = walk.ends;
  walk.piece(states, first).set(initial.floats);
  const project = walk.projection(weight, true);
  for (const t of walk.order()) {
    const [previous, hidden] = [walk.piece(states, walk.before(t)), walk.piece(states, walk.after(t))];
    hidden.set(walk.piece(projected, t));
    project(previous, hidden);
    kernels.biasActivation(hidden, null, activation, rows, units);
    walk.carry(t, previous, hidden);
  }
  return record("rnnSequence", [projected, weight, initial], states, (dy, needs) => {
    const dSums = Tensor.empty(projected.shape, dy.dtype);
    let [dHidden, spare] = [Tensor.empty([rows, units], dy.dtype), Tensor.empty([rows, units], dy.dtype)];
    dHidden.floats.set(walk.piece(dy, last));
    const carryBack = walk.carryingBack(weight);
    for (const t of walk.order(true)) {
      const [dSum, dPrevious] = [walk.piece(dSums, t), spare.floats];
      const hidden = walk.piece(states, walk.after(t));
      kernels.biasActivationGradient(dHidden.floats, hidden, dSum, null, activation, rows, units);
      walk.clear(t, dSum, units);
      dPrevious.fill(0);
      walk.carry(t, dHidden.floats, dPrevious);
      kernels.accumulate(walk.piece(dy, walk.before(t)), dPrevious, 1);
      carryBack(dSum, dPrevious);
      [dHidden, spare] = [spare, dHidden];
    }
    return [dSums, needs[1] ? walk.weightGradient(dSums, states, weight) : null, dHidden];
  });
}

/**
 * An LSTM over all steps: i, f, o = sigmoid and g = tanh of `p_t + h_{t-1} W^T`; `c_t = f c_{t-1} + i g`;
 * `h_t = o tanh(c_t)`.
 *
 * @param projected p: the input's share of the sums, biases included, `[time, batch, 4 units]`, in the order i, f, g, o
 * @param weight `[4 units, units]`
 * @param initial the hidden state before the first step, `[batch, units]`
 * @param initialCell the cell state before the first step, `[batch, units]`
 * @returns `[time + 2, batch, units]`: all hidden states, the initial one first (last for a reverse walk), and then the
 *   final cell state
 */
export function lstmSequence(
  projected: Tensor,
  weight: Tensor,
  initial: Tensor,
  initialCell: Tensor,
  options: SequenceOptions = {},
): Tensor {
  const walk = new Walk("lstmSequence", projected, weight, initial, 4, options);
  const { steps, rows, units } = walk;
  const states = Tensor.empty([steps + 2, rows, units], projected.dtype);
  const cells = Tensor.empty([steps + 1, rows, units], projected.dtype);
  const gates = projected.clone();
  const [first, last] = walk.ends;
  walk.piece(states, first).set(initial.floats);
  walk.piece(cells, first).set(initialCell.floats);
  const project = walk.projection(weight, true);
  for (const t of walk.order()) {
    const [from, to, sums] = [walk.before(t), walk.after(t), walk.piece(gates, t, 4 * units)];
    project(walk.piece(states, from), sums);
    kernels.lstmCell(sums, walk.piece(cells, from), walk.piece(cells, to), walk.piece(states, to), rows, units);
    walk.carry(t, walk.piece(states, from), walk.piece(states, to));
    walk.carry(t, walk.piece(cells, from), walk.piece(cells, to));
  }
  walk.piece(states, steps + 1).set(walk.piece(cells, last));
  return record("lstmSequence", [projected, weight, initial, initialCell], states, (dy, needs) => {
    const dSums = Tensor.empty(projected.shape, dy.dtype);
    let [dHidden, spare] = [Tensor.empty([rows, units], dy.dtype), Tensor.empty([rows, units], dy.dtype)];
    const dCell = Tensor.empty([rows, units], dy.dtype);
    const saved = walk.padded ? Tensor.empty([rows, units], dy.dtype) : null;
    dHidden.floats.set(walk.piece(dy, last));
    dCell.floats.set(walk.piece(dy, steps + 1));
    const carryBack = walk.carryingBack(weight);
    for (const t of walk.order(true)) {
      const [from, to, dSum] = [walk.before(t), walk.after(t), walk.piece(dSums, t, 4 * units)];
      const [sums, dPrevious] = [walk.piece(gates, t, 4 * units), spare.floats];
      saved?.floats.set(dCell.floats);
      const [previous, cell] = [walk.piece(cells, from), walk.piece(cells, to)];
      kernels.lstmCellGradient(sums, previous, cell, dHidden.floats, dCell.floats, dSum, rows, units);
      walk.clear(t, dSum, 4 * units);
      if (saved !== null) walk.carry(t, saved.floats, dCell.floats);
      dPrevious.fill(0);
      walk.carry(t, dHidden.floats, dPrevious);
      kernels.accumulate(walk.piece(dy, from), dPrevious, 1);
      carryBack(dSum, dPrevious);
      [dHidden, spare] = [spare, dHidden];
    }
    return [dSums, needs[1] ? walk.weightGradient(dSums, states, weight) : null, dHidden, dCell];
  });
}

/**
 * A GRU over all steps, as PyTorch defines it: r, z = sigmoid of `p_t + h_{t-1} W^T + b`;
 * `n = tanh(p_t + r (h_{t-1} W^T + b))`; `h_t = (1 - z) n + z h_{t-1}`.
 *
 * @param projected p: the input's share of the sums, its biases included, `[time, batch, 3 units]`, in the order r, z, n
 * @param weight `[3 units, units]`
 * @param bias b, `[3 units]`, or null
 * @param initial the state before the first step, `[batch, units]`
 * @returns all states, `[time + 1, batch, units]`: the initial one first, or last for a reverse walk
 */
export function gruSequence(
  projected: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  initial: Tensor,
  options: SequenceOptions = {},
): Tensor {
  const walk = new Walk("gruSequence", projected, weight, initial, 3, options);
  const { steps, rows, units } = walk;
  const states = Tensor.empty([steps + 1, rows, units], projected.dtype);
  const candidates = Tensor.empty([steps, rows, units], projected.dtype);
  const product = Tensor.zeros([rows, 3 * units], projected.dtype).floats;
  const gates = projected.clone();
  const [first, last] = walk.ends;
  walk.piece(states, first).set(initial.floats);
  const project = walk.projection(weight, false);
  for (const t of walk.order()) {
    const [previous, hidden] = [walk.piece(states, walk.before(t)), walk.piece(states, walk.after(t))];
    const [sums, candidate] = [walk.piece(gates, t, 3 * units), walk.piece(candidates, t)];
    project(previous, product);
    kernels.gruCell(sums, product, bias?.floats ?? null, previous, hidden, candidate, rows, units);
    walk.carry(t, previous, hidden);
  }
  const inputs = bias === null ? [projected, weight, initial] : [projected, weight, initial, bias];
  return record("gruSequence", inputs, states, (dy, needs) => {
    const [dSums, dProducts] = [Tensor.empty(projected.shape, dy.dtype), Tensor.empty(projected.shape, dy.dtype)];
    let [dHidden, spare] = [Tensor.empty([rows, units], dy.dtype), Tensor.empty([rows, units], dy.dtype)];
    dHidden.floats.set(walk.piece(dy, last));
    const carryBack = walk.carryingBack(weight);
    for (const t of walk.order(true)) {
      const [from, dSum, dProduct] = [
        walk.before(t),
        walk.piece(dSums, t, 3 * units),
        walk.piece(dProducts, t, 3 * units),
      ];
      const [sums, candidate, previous] = [
        walk.piece(gates, t, 3 * units),
        walk.piece(candidates, t),
        walk.piece(states, from),
      ];
      const dPrevious = spare.floats;
      dPrevious.set(dHidden.floats);
      kernels.gruCellGradient(sums, candidate, previous, dPrevious, dSum, dProduct, rows, units);
      walk.carry(t, dHidden.floats, dPrevious);
      walk.clear(t, dSum, 3 * units);
      walk.clear(t, dProduct, 3 * units);
      kernels.accumulate(walk.piece(dy, from), dPrevious, 1);
      carryBack(dProduct, dPrevious);
      [dHidden, spare] = [spare, dHidden];
    }
    const dWeight = needs[1] ? walk.weightGradient(dProducts, states, weight) : null;
    let dBias: Tensor | null = null;
    if (bias !== null && needs[3]) {
      dBias = Tensor.empty(bias.shape, dy.dtype);
      kernels.reduce("sum", dProducts.floats, dBias.floats, 1, steps * rows, 3 * units, 1);
    }
    return [dSums, dWeight, dHidden, dBias];
  });
}
