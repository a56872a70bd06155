/**
 * Reverse-mode differentiation. Every op that is run on a tensor with a gradient remembers its inputs and how to carry a
 * gradient back through itself; {@linkcode gradients} walks that graph from a scalar to the tensors asked for.
 *
 * Gradients are themselves plain tensors without a history: second derivatives are not taken.
 *
 * @module
 */
import * as kernels from "../backend/kernels.ts";
import { OptionError, ShapeError, showShape, ThinnedError } from "../errors.ts";
import { sameShape } from "./shape.ts";
import { latestSerial, release, type Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

/**
 * How an op carries a gradient back: from the gradient towards its output to one gradient for each input, of that
 * input's shape and element type. Entries for inputs that need none (`needs[i]` is false) may be null; null for a needed
 * one means zero.
 *
 * `dy` must be left as it is, but may be returned, also for several inputs or as a view: what becomes of it is the
 * caller's business. What is returned must not be kept: its buffer is written to and used again.
 */
export type Backward = (dy: Tensor, needs: readonly boolean[]) => readonly (Tensor | null)[];

/** One op that was run: a node of the graph. */
export interface GraphNode {
  /** The op's name, for error messages. */
  readonly op: string;
  /** What it was run on. */
  readonly inputs: readonly Tensor[];
  /** Whether each input needs a gradient. */
  readonly needs: readonly boolean[];
  /** How it carries a gradient back. */
  readonly backward: Backward;
  /** Grows with every op run, so that sorting by it is a topological order. */
  readonly order: number;
}

let recording = true;
let order = 0;

/** Whether ops are being remembered now. */
export function isRecording(): boolean {
  return recording;
}

/**
 * Runs `body` without remembering ops: results have no gradient. `body` must not be asynchronous.
 *
 * @example
 * ```ts
 * import { noGrad, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const w = Tensor.of([1, 2]).withGradient();
 * assertEquals(w.square().requiresGradient, true);
 * assertEquals(noGrad(() => w.square()).requiresGradient, false);
 * ```
 */
export function noGrad<T>(body: () => T): T {
  const before = recording;
  recording = false;
  try {
    return body();
  } finally {
    recording = before;
  }
}

/**
 * Attaches an op to its output, so that gradients flow through it; every built-in op ends with this call, and a plugin's
 * own op may too. Nothing is attached when no input needs a gradient or inside {@linkcode noGrad}.
 *
 * @param op the op's name, for error messages
 * @param inputs the tensors that the op was run on
 * @param output what it gave, freshly made
 * @param backward how it carries a gradient back
 */
export function record(op: string, inputs: readonly Tensor[], output: Tensor, backward: Backward): Tensor {
  if (!recording) return output;
  const needs: boolean[] = [];
  let some = false;
  for (const input of inputs) {
    const needed = input.requiresGradient;
    needs.push(needed);
    if (needed) some = true;
  }
  if (!some) return output;
  output.attach({ op, inputs, needs, backward, order: ++order });
  return output;
}

/**
 * A function with a gradient of your own: `forward` is run without being remembered, and `backward` stands for it.
 *
 * @param inputs the tensors that gradients flow to
 * @param forward computes the output from them; one of them, or a tensor made before, may be the output as it is
 * @param backward carries a gradient back: one tensor (or null for zero) for each input
 *
 * @example A straight-through step function
 * ```ts
 * import { customGradient, gradients, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const x = Tensor.of([-1, 2]).withGradient();
 * const y = customGradient([x], ([x]) => x.greater(0), (dy) => [dy]);
 * assertEquals(y.toArray(), [0, 1]);
 * assertEquals(gradients(y.sum(), [x])[0].toArray(), [1, 1]);
 * ```
 */
export function customGradient(
  inputs: readonly Tensor[],
  forward: (inputs: readonly Tensor[]) => Tensor,
  backward: Backward,
): Tensor {
  // A view, so that the history is attached to no tensor but this one.
  return record("customGradient", inputs, noGrad(() => forward(inputs)).detach(), backward);
}

/** Gradients that wait for their op's turn. Buffers go back to the pool as soon as no waiting gradient needs them. */
class Pending {
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #owned = new Set<Tensor>();
  readonly #users = new Map<Storage, number>();
  readonly #youngest: number;

  constructor(youngest: number) {
    this.#youngest = youngest;
  }

  get(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor);
  }

  /** Keeps a gradient's buffer from being used again until it is dropped. */
  hold(gradient: Tensor): void {
    this.#users.set(gradient.storage, (this.#users.get(gradient.storage) ?? 0) + 1);
  }

  /** Adds a gradient to what a tensor has; the caller holds it meanwhile. */
  add(tensor: Tensor, gradient: Tensor): void {
    const present = this.#gradients.get(tensor);
    if (present === undefined) {
      this.hold(gradient);
      this.#gradients.set(tensor, gradient);
    } else if (this.#owned.has(present) && this.#users.get(present.storage) === 1) {
      // Only a sum that nobody else looks at may be written to: an op may have passed it on as it is.
      kernels.accumulate(gradient.floats, present.floats, 1);
    } else {
      const sum = noGrad(() => present.add(gradient));
      this.#owned.add(sum);
      this.hold(sum);
      this.#gradients.set(tensor, sum);
      this.drop(present);
    }
  }

  /** Forgets one use of a gradient's buffer, which goes back to the pool with the last. */
  drop(gradient: Tensor): void {
    const users = this.#users.get(gradient.storage)! - 1;
    if (users > 0) this.#users.set(gradient.storage, users);
    else {
      this.#users.delete(gradient.storage);
      if (gradient.storage.serial > this.#youngest) release(gradient.storage);
    }
  }

  /** A tensor's gradient in a buffer that nobody else has, now or later; `taken` are those given away before. */
  own(tensor: Tensor, taken: Set<Storage>): Tensor {
    const gradient = this.#gradients.get(tensor);
    if (gradient === undefined) return Tensor.zeros(tensor.shape, tensor.dtype);
    const { storage } = gradient;
    const own = storage.allocated && storage.serial > this.#youngest && !taken.has(storage);
    taken.add(storage);
    // The caller may write to it.
    storage.beforeWrite();
    return own ? gradient : gradient.clone();
  }

  /** The gradient has been carried back and is not asked for: its buffer may be used again. */
  done(tensor: Tensor): void {
    const gradient = this.#gradients.get(tensor)!;
    this.#gradients.delete(tensor);
    this.drop(gradient);
  }
}

/**
 * The gradients of a scalar with respect to some tensors, in their order; zeros where it does not depend on one.
 *
 * They belong to the caller, who may write to them: each has a buffer of its own, which no other of them shares and no
 * tensor made before, `upstream` included. Inside {@linkcode recycling} they last until the step ends.
 *
 * @param loss a tensor with one element
 * @param wrt the tensors to differentiate by; each must have been made with `withGradient()` or computed from such a one
 * @param upstream the gradient to start from, of the loss's shape and type, when `loss` is not the scalar itself
 * @throws {ShapeError} when `loss` has more than one element and `upstream` is not given, or has another shape
 * @throws {OptionError} when `upstream` is of another element type
 *
 * @example
 * ```ts
 * import { gradients, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const w = Tensor.of([1, 2, 3]).withGradient();
 * const [dw] = gradients(w.square().sum(), [w]);
 * assertEquals(dw.toArray(), [2, 4, 6]);
 * ```
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[], upstream?: Tensor): Tensor[] {
  if (upstream === undefined && loss.size !== 1) {
    throw new ShapeError(`gradients: expected a loss with one element, found shape ${showShape(loss.shape)}.`);
  }
  if (upstream !== undefined && !sameShape(upstream.shape, loss.shape)) {
    throw new ShapeError(
      `gradients: expected an upstream gradient of the loss's shape ${showShape(loss.shape)}, ` +
        `found ${showShape(upstream.shape)}.`,
    );
  }
  if (upstream !== undefined && upstream.dtype !== loss.dtype) {
    throw new OptionError("gradients", `an upstream gradient of the loss's type ${loss.dtype}`, upstream.dtype);
  }
  for (const tensor of wrt) {
    if (!tensor.requiresGradient) {
      throw new ThinnedError("gradients: a tensor asked for has no gradient; make it with withGradient().");
    }
  }
  return noGrad(() => {
    const nodes = reachable(loss);
    const pending = new Pending(latestSerial());
    pending.add(loss, upstream ?? Tensor.full(loss.shape, 1, loss.dtype));
    const wanted = new Set(wrt);
    for (const [tensor, node] of nodes) {
      const dy = pending.get(tensor);
      if (dy === undefined) continue;
      const results = node.backward(dy, node.needs);
      if (results.length < node.inputs.length) {
        throw new ShapeError(
          `${node.op}: expected a gradient or null for each of ${node.inputs.length} inputs, found ${results.length}.`,
        );
      }
      // One result may stand for several inputs: all are held until all have been added.
      for (const result of results) if (result) pending.hold(result);
      for (let i = 0; i < node.inputs.length; i++) {
        const gradient = results[i];
        if (!node.needs[i] || gradient === null || gradient === undefined) continue;
        if (!sameShape(gradient.shape, node.inputs[i].shape)) {
          throw new ShapeError(
            `${node.op}: its gradient for input ${i} has shape ${showShape(gradient.shape)}, ` +
              `the input has ${showShape(node.inputs[i].shape)}.`,
          );
        }
        if (gradient.dtype !== node.inputs[i].dtype) {
          throw new OptionError(`${node.op}: its gradient for input ${i}`, node.inputs[i].dtype, gradient.dtype);
        }
        pending.add(node.inputs[i], gradient);
      }
      for (const result of results) if (result) pending.drop(result);
      if (!wanted.has(tensor)) pending.done(tensor);
    }
    // It is the caller's, who may write to it.
    upstream?.storage.beforeWrite();
    const taken = new Set<Storage>();
    return wrt.map((tensor) => pending.own(tensor, taken));
  });
}

/** The tensors with a history that a tensor depends on, itself included, each after all that depend on it. */
function reachable(from: Tensor): [Tensor, GraphNode][] {
  const found: [Tensor, GraphNode][] = [];
  const seen = new Set<Tensor>([from]);
  const stack = [from];
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    const node = tensor.node;
    if (node === null) continue;
    found.push([tensor, node]);
    for (let i = 0; i < node.inputs.length; i++) {
      if (node.needs[i] && !seen.has(node.inputs[i])) {
        seen.add(node.inputs[i]);
        stack.push(node.inputs[i]);
      }
    }
  }
  return found.sort((a, b) => b[1].order - a[1].order);
}
