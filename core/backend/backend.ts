/**
 * What computes. A backend implements kernels over plain typed arrays: it knows nothing of tensors, gradients or plugins.
 * Kernels check their arguments before a backend sees them, and outputs are always given by the caller.
 *
 * Two are built in: `reference` (plain TypeScript, slow and obvious, float32 and float64) and `native` (C, float32).
 * Every kernel of the second is tested against the first.
 *
 * @module
 */
import type { Floats, Ints } from "./arrays.ts";
import type { Kernel } from "./kernel.ts";

export type { Floats, Ints } from "./arrays.ts";

/** What a backend says of itself. */
export interface BackendInfo {
  /** `native` or `reference`, or the name of a backend of one's own. */
  readonly name: string;
  /** The BLAS library and its version, or what stands in for it. */
  readonly blas: string;
  /** Threads used for matrix products and large kernels. */
  readonly threads: number;
  /** Instruction set of the kernels in use: `avx2`, `neon`, `portable` or `javascript`. */
  readonly instructions: string;
  /** Why this backend was chosen, in one line. */
  readonly reason: string;
}

/** What computes float32. */
export interface Backend {
  /** What this backend is, for reports. */
  info(): BackendInfo;

  /**
   * The implementation of a kernel for float32, which may trust its arguments: they have been checked. Undefined where
   * there is none, so that the twin runs. Asked once for each kernel after a backend has been set.
   */
  // deno-lint-ignore no-explicit-any -- the one type that all functions have in common
  implement(kernel: Kernel): ((...args: any[]) => void) | undefined;

  /** A new array of zeros, where this backend works fastest. */
  allocate(dtype: "float32", length: number): Float32Array<ArrayBuffer>;
  /** A new array of zeros, of whole numbers. */
  allocate(dtype: "int32", length: number): Int32Array<ArrayBuffer>;
  /** A new array of zeros, of either type. */
  allocate(dtype: "float32" | "int32", length: number): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** The reference backend: every kernel is its twin, in plain TypeScript. */
export const reference: Backend = {
  info: () => ({
    name: "reference",
    blas: "none (plain TypeScript)",
    threads: 1,
    instructions: "javascript",
    reason: "the native backend has not been opened",
  }),
  implement: () => undefined,
  allocate: allocateArray,
};

/** A new array of zeros that the garbage collector owns: what a backend without a memory of its own gives. */
export function allocateArray(dtype: "float32", length: number): Float32Array<ArrayBuffer>;
export function allocateArray(dtype: "int32", length: number): Int32Array<ArrayBuffer>;
export function allocateArray(dtype: "float32" | "int32", length: number): Float32Array<ArrayBuffer> | Ints;
export function allocateArray(dtype: "float32" | "int32", length: number): Floats | Ints {
  return dtype === "float32" ? new Float32Array(length) : new Int32Array(length);
}

let current: Backend = reference;
let generation = 0;

/** Makes a backend the one that float32 tensors are computed on, and returns the one it replaces. */
export function useBackend(backend: Backend): Backend {
  const before = current;
  current = backend;
  generation++;
  return before;
}

/** The backend that float32 tensors are computed on now. */
export function currentBackend(): Backend {
  return current;
}

/** Grows whenever a backend is set: what has been asked of the one before is to be asked again. */
export function backendGeneration(): number {
  return generation;
}
