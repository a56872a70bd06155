/**
 * The symbols of the native library that are no kernels: those follow from their descriptions. Every one returns an
 * `i32`, a status where 0 is success unless it counts something.
 *
 * @module
 */

/** Symbols that exist once. */
export const librarySymbols = {
  thinned_abi_version: { parameters: [], result: "i32" },
  thinned_best_variant: { parameters: [], result: "i32" },
  /** (threads) */
  thinned_set_threads: { parameters: ["i32"], result: "i32" },
  thinned_threads: { parameters: [], result: "i32" },
  /** (path that ends with a zero, whether it is the BLAS itself, core type that ends with a zero or nothing but that) */
  thinned_open_blas: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  thinned_close_blas: { parameters: [], result: "i32" },
  /** (text, its capacity, which: 0 what was opened, 1 the last failure, 2 the core type) */
  thinned_blas_text: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  /** (kinds of products that are left to the own product, a bit for each) */
  thinned_blas_leaves: { parameters: ["i32"], result: "i32" },
  /** (text, its capacity) */
  thinned_processor: { parameters: ["buffer", "i32"], result: "i32" },
} as const;

/** An instruction set that kernels are compiled for. */
export type Variant = "portable" | "avx2" | "neon" | "avx512";

/** Instruction sets in the order of the numbers that `thinned_best_variant` gives. */
export const variants: readonly Variant[] = ["portable", "avx2", "neon", "avx512"];
