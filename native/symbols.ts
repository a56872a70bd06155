/**
 * The symbols of the native library. Every one returns an `i32` status, 0 for success. Parameters are 32-bit numbers,
 * doubles and buffers only, at most six of them integers or buffers: extents travel as doubles, which are exact up to
 * 2^53, and what does not fit travels in a block of doubles.
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
  /** (path that ends with a zero, whether it is the BLAS itself) */
  thinned_open_blas: { parameters: ["buffer", "i32"], result: "i32" },
  /** (text, its capacity, whether that of the last failure) */
  thinned_blas_text: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  thinned_blas_threads: { parameters: [], result: "i32" },
  thinned_blas_is_wide: { parameters: [], result: "i32" },
} as const;

/** Instruction sets in the order of the numbers that `thinned_best_variant` gives. */
export const variants = ["portable", "avx2", "neon", "avx512"] as const;

/** An instruction set that kernels are compiled for. */
export type Variant = typeof variants[number];

/** Symbols that exist once for each instruction set: `dropout` is `thinned_dropout_avx2` in the library. */
export const kernelSymbols = {
  /** (a, b, c, [m, n, k, transpose a, transpose b, alpha, beta, batch, strides of a, b, c, whether by OpenBLAS]) */
  gemm: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (out, n, value) */
  fill: { parameters: ["buffer", "f64", "f32"], result: "i32" },
  /** (op, x, out, n, p, q) */
  unary: { parameters: ["i32", "buffer", "buffer", "f64", "f32", "f32"], result: "i32" },
  /** (op, x, y, dy, dx, n, p, q) */
  unary_gradient: {
    parameters: ["i32", "buffer", "buffer", "buffer", "buffer", "f64", "f32", "f32"],
    result: "i32",
  },
  /** (op, a, b, out, [rank, extents, strides of a, strides of b]) */
  binary: { parameters: ["i32", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (x, y, n, alpha) */
  accumulate: { parameters: ["buffer", "buffer", "f64", "f32"], result: "i32" },
  /** (op, x, out, outer, n, inner, scale) */
  reduce: { parameters: ["i32", "buffer", "buffer", "f64", "f64", "f64", "f64"], result: "i32" },
  /** (x, out, rows, cols) */
  argmax: { parameters: ["buffer", "buffer", "f64", "f64"], result: "i32" },
  /** (x, out, [rank, extents, strides], offset in x) */
  copy_strided: { parameters: ["buffer", "buffer", "buffer", "f64"], result: "i32" },
  /** (x, out, [rank, extents, strides], offset in out) */
  add_strided: { parameters: ["buffer", "buffer", "buffer", "f64"], result: "i32" },
  /** (table, index, out, number of indices, cols) */
  gather_rows: { parameters: ["buffer", "buffer", "buffer", "f64", "f64"], result: "i32" },
  /** (x, index, out, number of indices, cols) */
  scatter_add_rows: { parameters: ["buffer", "buffer", "buffer", "f64", "f64"], result: "i32" },
  /** (x, bias or null, epilogue, rows, cols) */
  bias_activation: { parameters: ["buffer", "buffer", "i32", "f64", "f64"], result: "i32" },
  /** (dy, y, dx, gradient of the bias or null, epilogue, rows, cols) */
  bias_activation_gradient: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "i32", "f64", "f64"],
    result: "i32",
  },
  /** (x, out, whether its logarithm, rows, cols) */
  softmax: { parameters: ["buffer", "buffer", "i32", "f64", "f64"], result: "i32" },
  /** (y, dy, dx, whether of its logarithm, rows, cols) */
  softmax_gradient: { parameters: ["buffer", "buffer", "buffer", "i32", "f64", "f64"], result: "i32" },
  /** (logits, labels, weights or null, losses, gradient, [rows, cols, smoothing, whether one is ignored, which]) */
  cross_entropy: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (gates, previous, cell, hidden, rows, units) */
  lstm_cell: { parameters: ["buffer", "buffer", "buffer", "buffer", "f64", "f64"], result: "i32" },
  /** (gates, previous, cell, gradients of hidden, cell and gates, rows, units) */
  lstm_cell_gradient: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "f64", "f64"],
    result: "i32",
  },
  /** (gates, product, bias or null, previous, hidden, candidate, rows, units) */
  gru_cell: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "f64", "f64"],
    result: "i32",
  },
  /** (gates, candidate, previous, gradients of hidden, gates and product, rows, units) */
  gru_cell_gradient: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "f64", "f64"],
    result: "i32",
  },
  /** (x, weight, bias or null, y, epilogue, [batch, groups, inputs, outputs, the triples of a window's shape]) */
  convolution: { parameters: ["buffer", "buffer", "buffer", "buffer", "i32", "buffer"], result: "i32" },
  /** (dy, weight, dx, the same) */
  convolution_input_gradient: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (x, dy, gradient of the weight, the same) */
  convolution_weight_gradient: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (x, y, places, [planes, the triples of a window's shape]) */
  max_pool: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (dy, places, dx, the same) */
  max_pool_gradient: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (x, y, whether padding counts, the same) */
  average_pool: { parameters: ["buffer", "buffer", "i32", "buffer"], result: "i32" },
  /** (dy, dx, whether padding counts, the same) */
  average_pool_gradient: { parameters: ["buffer", "buffer", "i32", "buffer"], result: "i32" },
  /** (x, scale or null, shift or null, y, statistics, batch, groups, channels, positions, across, frozen, epsilon) */
  normalize: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "f64", "f64", "f64", "f64", "f64", "f64", "f64"],
    result: "i32",
  },
  /** (x, scale or null, statistics, dy, dx, gradients of scale and shift, the same) */
  normalize_gradient: {
    parameters: [
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "f64",
      "f64",
      "f64",
      "f64",
      "f64",
      "f64",
      "f64",
    ],
    result: "i32",
  },
  /** (x, out, address, threshold, n, scale) */
  dropout: { parameters: ["buffer", "buffer", "buffer", "u32", "f64", "f32"], result: "i32" },
  /** (out, address, threshold, n, value) */
  stream_bernoulli: { parameters: ["buffer", "buffer", "u32", "f64", "f32"], result: "i32" },
  /** (out, address, n) */
  stream_uniform: { parameters: ["buffer", "buffer", "f64"], result: "i32" },
  /** (out, address, n) */
  stream_normal: { parameters: ["buffer", "buffer", "f64"], result: "i32" },
  /** (x, weight, out, address, [batch, rows, inputs, units, threshold, scale]) */
  drop_connect: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (weight, dy, dx, address, the same) */
  drop_connect_input_gradient: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (x, dy, gradient of the weight, address, the same) */
  drop_connect_weight_gradient: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (counter, key, out, rounds) */
  philox: { parameters: ["buffer", "buffer", "buffer", "i32"], result: "i32" },
  /** (weight, gradient, velocity or null, [n, rate, momentum, dampening, Nesterov, decay, first]) */
  sgd: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (weight, gradient, first, second, [n, rate, beta1, beta2, epsilon, decay, decoupled, iteration]) */
  adam: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  /** (weight, rows, cols, max) */
  max_norm: { parameters: ["buffer", "f64", "f64", "f64"], result: "i32" },
} as const;

/** The kernels' table for one instruction set: the same keys, with the names they have in the library. */
export function kernelSymbolsFor(variant: Variant): typeof kernelSymbols {
  const entries = Object.entries(kernelSymbols);
  return Object.fromEntries(
    entries.map(([key, symbol]) => [key, { ...symbol, name: `thinned_${key}_${variant}` }]),
  ) as unknown as typeof kernelSymbols;
}
