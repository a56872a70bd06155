/**
 * The native backend: C kernels behind `Deno.dlopen`. Each call is synchronous and hands over plain typed arrays, so it
 * works with `--allow-ffi` limited to the library's path.
 *
 * @module
 */
import {
  type Backend,
  binaryOps,
  type DropConnectShape,
  epilogues,
  reduceOps,
  unaryOps,
} from "../core/backend/backend.ts";
import { BackendError, PermissionError } from "../core/errors.ts";
import { marshal, symbolName, symbolParameters } from "./marshal.ts";
import { ABI_VERSION } from "./sources.ts";
import { spatialKernels } from "./spatial.ts";
import { kernelSymbolsFor, librarySymbols, type Variant, variants } from "./symbols.ts";

/** How a library is opened. */
export interface LibraryOptions {
  /**
   * Libraries to open first, in this order, by absolute path. The last one is OpenBLAS, those before it are what it
   * needs; empty for the library's own matrix product.
   */
  readonly blas: readonly string[];
  /** Threads for large kernels and matrix products, the caller included. */
  readonly threads: number;
  /**
   * `auto` is the best instruction set that the processor has, `portable` keeps to what every processor of the
   * architecture has; `avx2`, `avx512` and `neon` ask for one by name.
   */
  readonly instructions: "auto" | Variant;
  /** Why this backend was chosen, in one line. */
  readonly reason: string;
}

/** The native backend, with what only it has. */
export interface NativeBackend extends Backend {
  /** One block of Philox4x32: four words from a counter of four and a key of two. */
  philox(counter: Uint32Array<ArrayBuffer>, key: Uint32Array<ArrayBuffer>, rounds: number): Uint32Array<ArrayBuffer>;
  /** Uses this many threads from now on, the caller included: 1 to 1024. */
  setThreads(count: number): void;
}

/** Texts of the status codes in `src/kernel.h`. */
const statusTexts: Record<number, string> = {
  1: "unknown operation",
  2: "an argument out of range",
  3: "out of memory",
  4: "a library that could not be opened",
  5: "a library that is not OpenBLAS",
};

function check(status: number, kernel: string): void {
  if (status !== 0) {
    throw new BackendError(`The native kernel ${kernel} failed: ${statusTexts[status] ?? `status ${status}`}.`);
  }
}

/** Codes by name; an unknown name gets -1, which the kernel refuses. */
function codesOf(names: readonly string[]): (name: string) => number {
  const codes = new Map(names.map((name, code) => [name, code]));
  return (name) => codes.get(name) ?? -1;
}

const unaryCode = codesOf(unaryOps);
const binaryCode = codesOf(binaryOps);
const reduceCode = codesOf(reduceOps);
const epilogueCode = codesOf(epilogues);

/** Largest number of axes of a strided copy or broadcast, after neighbouring ones have been merged. */
const MAX_RANK = 16;

function openSymbols<S extends Deno.ForeignLibraryInterface>(path: string, symbols: S): Deno.DynamicLibrary<S> {
  try {
    return Deno.dlopen(path, symbols);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`Opening the native library needs permission to load it: add --allow-ffi=${path}.`);
    }
    const found = error instanceof Error ? error.message : String(error);
    throw new BackendError(`Opening the native library ${path} failed: ${found}`);
  }
}

type Library = Deno.DynamicLibrary<typeof librarySymbols>["symbols"];

function blasText(library: Library, failed: boolean): string {
  const bytes = new Uint8Array(512);
  check(library.thinned_blas_text(bytes, bytes.length, Number(failed)), "blas_text");
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** Opens OpenBLAS, and says whether that went well and what does the matrix products now. */
function openBlas(library: Library, files: readonly string[], variant: Variant): { usesBlas: boolean; blas: string } {
  if (files.length === 0) return { usesBlas: false, blas: "own blocked product (no OpenBLAS found)" };
  for (const [i, file] of files.entries()) {
    const status = library.thinned_open_blas(new TextEncoder().encode(file + "\0"), Number(i === files.length - 1));
    if (status !== 0) {
      const failure = blasText(library, true);
      return { usesBlas: false, blas: `own blocked product (OpenBLAS could not be opened: ${failure})` };
    }
  }
  const own = variant === "avx512" && library.thinned_blas_is_wide() === 0;
  return { usesBlas: true, blas: blasText(library, false) + (own ? ", wide products by own AVX-512 kernels" : "") };
}

function chooseVariant(wanted: "auto" | Variant, best: Variant): Variant {
  if (wanted === "auto") return best;
  if (wanted === "portable" || wanted === best || (wanted === "avx2" && best === "avx512")) return wanted;
  throw new BackendError(`This processor does not run the ${wanted} kernels: its best instruction set is ${best}.`);
}

/**
 * Opens a compiled library. It stays open for as long as the program runs. Backends of one library share its threads,
 * so the last count that was set and the last OpenBLAS that was opened hold for all.
 *
 * @throws {BackendError} when it cannot be opened or was compiled for another version of its interface
 * @throws {PermissionError} when the permission to open it is missing
 */
export function openLibrary(path: string, options: LibraryOptions): NativeBackend {
  const { symbols: library } = openSymbols(path, librarySymbols);
  const version = library.thinned_abi_version();
  if (version !== ABI_VERSION) {
    throw new BackendError(`The native library ${path} has interface ${version}, expected ${ABI_VERSION}: rebuild it.`);
  }
  const variant = chooseVariant(options.instructions, variants[library.thinned_best_variant()]);
  const { symbols: kernels } = openSymbols(path, kernelSymbolsFor(variant));
  check(library.thinned_set_threads(options.threads), "set_threads");
  const { usesBlas, blas } = openBlas(library, options.blas, variant);
  library.thinned_blas_threads();

  // Parameter blocks are reused: calls are synchronous, and C has read them when a call returns.
  const plan = new Float64Array(1 + 3 * MAX_RANK);
  const block = new Float64Array(16);

  function writePlan(dims: readonly number[], ...strides: (readonly number[])[]): void {
    const rank = dims.length;
    if (rank > MAX_RANK) throw new BackendError(`A native kernel walks at most ${MAX_RANK} axes, found ${rank}.`);
    plan[0] = rank;
    plan.set(dims, 1);
    for (let i = 0; i < strides.length; i++) plan.set(strides[i], 1 + rank * (i + 1));
  }

  function writeDropConnect(shape: DropConnectShape): void {
    block[0] = shape.batch;
    block[1] = shape.rows;
    block[2] = shape.inputs;
    block[3] = shape.units;
    block[4] = shape.threshold;
    block[5] = shape.scale;
  }

  return {
    info: () => ({
      name: "native",
      blas,
      threads: library.thinned_threads(),
      instructions: variant,
      reason: options.reason,
    }),
    implement(kernel) {
      const name = `${symbolName(kernel)}_${variant}`;
      const symbols = { run: { name, parameters: symbolParameters(kernel), result: "i32", optional: true } } as const;
      const symbol = openSymbols(path, symbols).symbols.run as ((...args: unknown[]) => number) | null;
      return symbol === null ? undefined : marshal(kernel, symbol, check);
    },
    setThreads(count) {
      check(library.thinned_set_threads(count), "set_threads");
      library.thinned_blas_threads();
    },

    gemm(a, b, c, shape) {
      block[0] = shape.m;
      block[1] = shape.n;
      block[2] = shape.k;
      block[3] = Number(shape.transposeA);
      block[4] = Number(shape.transposeB);
      block[5] = shape.alpha;
      block[6] = shape.beta;
      block[7] = shape.batch;
      block[8] = shape.strideA;
      block[9] = shape.strideB;
      block[10] = shape.strideC;
      block[11] = Number(usesBlas);
      check(kernels.gemm(a, b, c, block), "gemm");
    },

    fill: (out, value) => check(kernels.fill(out, out.length, value), "fill"),
    unary: (op, x, out, p, q) => check(kernels.unary(unaryCode(op), x, out, out.length, p, q), "unary"),
    unaryGradient: (op, x, y, dy, dx, p, q) =>
      check(kernels.unary_gradient(unaryCode(op), x, y, dy, dx, dx.length, p, q), "unary_gradient"),
    binary(op, a, b, out, { dims, a: aStrides, b: bStrides }) {
      writePlan(dims, aStrides, bStrides);
      check(kernels.binary(binaryCode(op), a, b, out, plan), "binary");
    },
    accumulate: (x, y, alpha) => check(kernels.accumulate(x, y, y.length, alpha), "accumulate"),

    reduce: (op, x, out, outer, n, inner, scale) =>
      check(kernels.reduce(reduceCode(op), x, out, outer, n, inner, scale), "reduce"),
    argmax: (x, out, rows, cols) => check(kernels.argmax(x, out, rows, cols), "argmax"),
    copyStrided(x, offset, out, dims, strides) {
      writePlan(dims, strides);
      check(kernels.copy_strided(x, out, plan, offset), "copy_strided");
    },
    addStrided(x, out, offset, dims, strides) {
      writePlan(dims, strides);
      check(kernels.add_strided(x, out, plan, offset), "add_strided");
    },
    gatherRows: (table, index, out, cols) =>
      check(kernels.gather_rows(table, index, out, index.length, cols), "gather_rows"),
    scatterAddRows: (x, index, out, cols) =>
      check(kernels.scatter_add_rows(x, index, out, index.length, cols), "scatter_add_rows"),

    biasActivation: (x, bias, epilogue, rows, cols) =>
      check(kernels.bias_activation(x, bias, epilogueCode(epilogue), rows, cols), "bias_activation"),
    biasActivationGradient: (dy, y, dx, dBias, epilogue, rows, cols) =>
      check(
        kernels.bias_activation_gradient(dy, y, dx, dBias, epilogueCode(epilogue), rows, cols),
        "bias_activation_gradient",
      ),
    softmax: (x, out, rows, cols, log) => check(kernels.softmax(x, out, Number(log), rows, cols), "softmax"),
    softmaxGradient: (y, dy, dx, rows, cols, log) =>
      check(kernels.softmax_gradient(y, dy, dx, Number(log), rows, cols), "softmax_gradient"),
    crossEntropy(logits, labels, weights, losses, gradient, { rows, cols, smoothing, ignore }) {
      block[0] = rows;
      block[1] = cols;
      block[2] = smoothing;
      block[3] = Number(ignore !== null);
      block[4] = ignore ?? 0;
      check(kernels.cross_entropy(logits, labels, weights, losses, gradient, block), "cross_entropy");
    },

    lstmCell: (gates, previous, cell, hidden, rows, units) =>
      check(kernels.lstm_cell(gates, previous, cell, hidden, rows, units), "lstm_cell"),
    lstmCellGradient: (gates, previous, cell, dHidden, dCell, dGates, rows, units) =>
      check(
        kernels.lstm_cell_gradient(gates, previous, cell, dHidden, dCell, dGates, rows, units),
        "lstm_cell_gradient",
      ),
    gruCell: (gates, product, bias, previous, hidden, candidate, rows, units) =>
      check(kernels.gru_cell(gates, product, bias, previous, hidden, candidate, rows, units), "gru_cell"),
    gruCellGradient: (gates, candidate, previous, dHidden, dGates, dProduct, rows, units) =>
      check(
        kernels.gru_cell_gradient(gates, candidate, previous, dHidden, dGates, dProduct, rows, units),
        "gru_cell_gradient",
      ),

    dropout: (x, out, address, threshold, scale) =>
      check(kernels.dropout(x, out, address, threshold, out.length, scale), "dropout"),
    bernoulli: (out, address, threshold, value) =>
      check(kernels.stream_bernoulli(out, address, threshold, out.length, value), "bernoulli"),
    uniform: (out, address) => check(kernels.stream_uniform(out, address, out.length), "uniform"),
    normal: (out, address) => check(kernels.stream_normal(out, address, out.length), "normal"),
    dropConnect(x, weight, out, address, shape) {
      writeDropConnect(shape);
      check(kernels.drop_connect(x, weight, out, address, block), "drop_connect");
    },
    dropConnectInputGradient(weight, dy, dx, address, shape) {
      writeDropConnect(shape);
      check(kernels.drop_connect_input_gradient(weight, dy, dx, address, block), "drop_connect_input_gradient");
    },
    dropConnectWeightGradient(x, dy, dWeight, address, shape) {
      writeDropConnect(shape);
      check(kernels.drop_connect_weight_gradient(x, dy, dWeight, address, block), "drop_connect_weight_gradient");
    },
    philox(counter, key, rounds) {
      const out = new Uint32Array(4);
      check(kernels.philox(counter, key, out, rounds), "philox");
      return out;
    },

    sgd(weight, gradient, velocity, settings) {
      block[0] = weight.length;
      block[1] = settings.learningRate;
      block[2] = settings.momentum;
      block[3] = settings.dampening;
      block[4] = Number(settings.nesterov);
      block[5] = settings.weightDecay;
      block[6] = Number(settings.first);
      check(kernels.sgd(weight, gradient, velocity, block), "sgd");
    },
    adam(weight, gradient, first, second, settings) {
      block[0] = weight.length;
      block[1] = settings.learningRate;
      block[2] = settings.beta1;
      block[3] = settings.beta2;
      block[4] = settings.epsilon;
      block[5] = settings.weightDecay;
      block[6] = Number(settings.decoupled);
      block[7] = settings.iteration;
      check(kernels.adam(weight, gradient, first, second, block), "adam");
    },
    maxNorm: (weight, rows, cols, max) => check(kernels.max_norm(weight, rows, cols, max), "max_norm"),
    ...spatialKernels(kernels, check),
  };
}
