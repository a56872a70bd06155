/**
 * One description a kernel: its name, its slow twin, and the meaning of each argument. What follows from it: the checks
 * at the boundary (`boundary.ts`), the table of native symbols, the comparison of every backend with the twin, and the
 * fuzzer.
 *
 * A kernel is a function. It checks its arguments, then calls the implementation of the current backend for float32,
 * and the twin for float64 or where the backend has none.
 *
 * @module
 */
import { backendGeneration, currentBackend } from "./backend.ts";
import { Boundary } from "./boundary.ts";
import { fastCall } from "./fast_call.ts";
import type { ArgumentsOf, Parameter } from "./parameters.ts";

/** Any function without a result. */
// deno-lint-ignore no-explicit-any -- the one type that all functions have in common
export type AnyFunction = (...args: any[]) => void;

/** C source of a kernel that does not belong to the core. */
export interface KernelSource {
  /** File name, unique in its plugin: `drop_connect.c`. */
  readonly file: string;
  /** The text, by a text import. It includes `kernel.h` and may include what lies beside that. */
  readonly text: string;
  /** Whether products and sums may be contracted into one rounding. Default true; false where bits must agree. */
  readonly contract?: boolean;
}

/** What a kernel is: the argument of {@linkcode defineKernel}. */
export interface KernelDescription<P extends readonly Parameter[] = readonly Parameter[]> {
  /** In camel case; the native symbol is the same in snake case. */
  readonly name: string;
  /** Arguments in their order, for TypeScript and C alike. Sizes that were measured follow in C. */
  readonly parameters: P;
  /** The slow, obvious implementation for float32 and float64. It may trust its arguments. */
  readonly twin: (...args: ArgumentsOf<P>) => void;
  /** C source, for a kernel that belongs to a plugin. */
  readonly source?: KernelSource;
}

/** A kernel: called as a function, with its description at hand. */
export type Kernel<F extends AnyFunction = AnyFunction> = F & {
  /** What the kernel is called: `softmaxGradient`. */
  readonly kernel: string;
  /** The meaning of each argument. */
  readonly parameters: readonly Parameter[];
  /** The slow implementation. */
  readonly twin: F;
  /** The checks of the arguments, with the numbers they have read. */
  readonly boundary: Boundary;
  /** C source, if the kernel belongs to a plugin. */
  readonly source?: KernelSource;
};

/** Whether a value is a kernel. */
export function isKernel(value: unknown): value is Kernel {
  return typeof value === "function" && "boundary" in value && value.boundary instanceof Boundary;
}

/**
 * Makes a kernel from its description.
 *
 * @example
 * ```ts
 * import { defineKernel, parameters } from "@thinned/dropout";
 *
 * const { input, number, output } = parameters;
 * const scale = defineKernel({
 *   name: "scale",
 *   parameters: [input("x", ["n"]), output("out", ["n"], { mayBe: ["x"] }), number("factor")],
 *   twin: (x, out, factor) => x.forEach((value, i) => out[i] = value * factor),
 * });
 * scale(Float32Array.of(1, 2), new Float32Array(2), 3);
 * ```
 */
export function defineKernel<const P extends readonly Parameter[]>(
  { name, parameters, twin, source }: KernelDescription<P>,
): Kernel<(...args: ArgumentsOf<P>) => void> {
  const boundary = new Boundary(name, parameters);
  /** The twin, after a look at every index, as C looks at each when it uses it. */
  const careful = !boundary.hasIndices ? twin : (...args: ArgumentsOf<P>) => {
    boundary.checkIndices(args);
    twin(...args);
  };
  const implementation = (): AnyFunction => currentBackend().implement(kernel as unknown as Kernel) ?? careful;
  let seen = -1;
  let found: AnyFunction = careful;
  /** A call as it is meant. It makes the sentences of what is wrong, and knows float64. */
  function slow(...args: ArgumentsOf<P>): void {
    if (boundary.check(args)) return careful(...args);
    const generation = backendGeneration();
    if (generation !== seen) {
      found = implementation();
      seen = generation;
    }
    found(...args);
  }
  const run = fastCall(boundary, { implementation, generation: backendGeneration, slow }) ?? slow;
  const kernel = Object.assign(run as typeof slow, { kernel: name, parameters, twin, boundary, source });
  return kernel;
}
