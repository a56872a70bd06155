/**
 * Where a step's time goes: every call of a kernel is timed from outside, so that what is left is TypeScript.
 *
 * @module
 */
import { type Backend, currentBackend, type Kernel, useBackend } from "../../mod.ts";

/** What kernels are about. */
export type Share = "products" | "masks" | "elementwise" | "optimizer" | "data" | "TypeScript";

/** Kernels by what they are about; all others are elementwise, for short. */
const shares: readonly [pattern: RegExp, share: Share][] = [
  [/mask|bernoulli|^select|uniform|normal$|dropBlocks|Bits$/i, "masks"],
  [/gemm|groupedWeight|panel|convolution|dropConnect|attention|product/i, "products"],
  [/^(sgd|adam|rmsprop|adagrad|maxNorm)/i, "optimizer"],
];

/** What a kernel is about. */
export function shareOf(kernel: string): Share {
  return shares.find(([pattern]) => pattern.test(kernel))?.[1] ?? "elementwise";
}

/** Milliseconds in kernels, by their names. */
export type Times = Map<string, { ms: number; calls: number }>;

/** What a call of a clock around nothing takes, which is no kernel's. */
function clockCost(): number {
  const rounds = Array.from({ length: 200 }, () => {
    let sum = 0;
    for (let i = 0; i < 100; i++) {
      const start = performance.now();
      sum += performance.now() - start;
    }
    return sum / 100;
  });
  return rounds.sort((a, b) => a - b)[100];
}

/** The current backend, with a clock around each kernel. */
export class Profiler {
  readonly #plain = currentBackend();
  readonly #times: Times = new Map();
  readonly #cost = clockCost();
  readonly #timed: Backend;

  constructor() {
    const plain = this.#plain;
    this.#timed = {
      info: () => plain.info(),
      allocate: plain.allocate.bind(plain) as Backend["allocate"],
      implement: (kernel) => this.#around(kernel),
    };
  }

  #around(kernel: Kernel): ReturnType<Backend["implement"]> {
    // Without an implementation the twin runs, and is timed as well.
    const run = this.#plain.implement(kernel) ?? kernel.twin;
    const entry = this.#times.get(kernel.kernel) ?? { ms: 0, calls: 0 };
    this.#times.set(kernel.kernel, entry);
    const cost = this.#cost;
    return (...args) => {
      const start = performance.now();
      run(...args);
      entry.ms += performance.now() - start - cost;
      entry.calls++;
    };
  }

  /** Runs steps with clocks, and gives the milliseconds of one step by kernel. */
  run(step: () => void, steps: number): Times {
    return this.profile(step, steps).kernels;
  }

  /**
   * Runs steps with clocks, and gives the milliseconds of one step, of which those of its kernels are parts: without what
   * the clocks took, and as they passed in the same steps, so that whatever else the machine does falls on all alike.
   */
  profile(step: () => void, steps: number): { whole: number; kernels: Times } {
    let whole = 0;
    useBackend(this.#timed);
    try {
      // Kernels are asked for anew, and their calls compiled.
      for (let i = 0; i < Math.min(steps, 20); i++) step();
      for (const entry of this.#times.values()) entry.ms = entry.calls = 0;
      const start = performance.now();
      for (let i = 0; i < steps; i++) step();
      whole = performance.now() - start;
    } finally {
      useBackend(this.#plain);
    }
    const found = [...this.#times].filter(([, { calls }]) => calls > 0);
    // The clock is read twice a call: what one of them takes passes inside of it, and what the other takes outside.
    const clocks = 2 * this.#cost * found.reduce((sum, [, { calls }]) => sum + calls, 0);
    return {
      whole: (whole - clocks) / steps,
      kernels: new Map(found.map(([name, { ms, calls }]) => [name, { ms: ms / steps, calls: calls / steps }])),
    };
  }
}
