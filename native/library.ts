/**
 * The native backend: C kernels behind `Deno.dlopen`. Each call is synchronous and hands over plain typed arrays, so it
 * works with `--allow-ffi` limited to the library's path.
 *
 * @module
 */
import { allocateArray, type Backend } from "../core/backend/backend.ts";
import type { Kernel } from "../core/backend/kernel.ts";
import { BackendError, PermissionError } from "../core/errors.ts";
import type { Guests } from "./guests.ts";
import { marshal, symbolName, symbolParameters } from "./marshal.ts";
import {
  allKinds,
  probeShapes,
  productKinds,
  type ProductPlan,
  type Timing,
  timingOf,
  unmeasuredLeaves,
} from "./products.ts";
import { ABI_VERSION } from "./sources.ts";
import { librarySymbols, type Variant, variants } from "./symbols.ts";

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
  /** Who computes which products. Default: OpenBLAS with kernels of its choice, but for those narrower than ours. */
  readonly products?: ProductPlan;
}

/** The native backend, with what only it has. */
export interface NativeBackend extends Backend {
  /** One block of Philox4x32: four words from a counter of four and a key of two. */
  philox(counter: Uint32Array<ArrayBuffer>, key: Uint32Array<ArrayBuffer>, rounds: number): Uint32Array<ArrayBuffer>;
  /** Uses this many threads from now on, the caller included: 1 to 1024. */
  setThreads(count: number): void;
  /** Opens a library with kernels of plugins, which are implemented by it from now on. */
  addGuests(guests: Guests): void;
}

/** Texts of the status codes in `src/kernel.h`. */
const statusTexts: Record<number, string> = {
  1: "unknown operation",
  2: "an argument out of range",
  3: "out of memory",
  4: "a library that could not be opened",
  5: "a library that is not OpenBLAS",
  6: "an index out of bounds",
};

function check(status: number, kernel: string): void {
  if (status !== 0) {
    throw new BackendError(`The native kernel ${kernel} failed: ${statusTexts[status] ?? `status ${status}`}.`);
  }
}

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

const texts = { opened: 0, failure: 1, core: 2 } as const;

/** A text that the library fills a buffer with. */
function textOf(name: string, fill: (bytes: Uint8Array<ArrayBuffer>, capacity: number) => number): string {
  const bytes = new Uint8Array(512);
  check(fill(bytes, bytes.length), name);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

function blasText(library: Library, which: keyof typeof texts): string {
  return textOf("blas_text", (bytes, capacity) => library.thinned_blas_text(bytes, capacity, texts[which]));
}

/** Opens OpenBLAS with the kernels of a core type; why not, when that fails. */
function openFiles(library: Library, files: readonly string[], core: string): string | undefined {
  const zeroEnded = (text: string) => new TextEncoder().encode(text + "\0");
  for (const [i, file] of files.entries()) {
    const status = library.thinned_open_blas(zeroEnded(file), Number(i === files.length - 1), zeroEnded(core));
    if (status !== 0) return blasText(library, "failure");
  }
  return undefined;
}

/** Opens OpenBLAS, and says whether that went well and what does the matrix products now. */
function openBlas(
  library: Library,
  { blas: files, products }: LibraryOptions,
  variant: Variant,
): { usesBlas: boolean; blas: string } {
  if (files.length === 0) return { usesBlas: false, blas: "own blocked product (no OpenBLAS found)" };
  const failure = openFiles(library, files, products?.core ?? "");
  if (failure !== undefined) {
    return { usesBlas: false, blas: `own blocked product (OpenBLAS could not be opened: ${failure})` };
  }
  const leaves = products?.leaves ?? unmeasuredLeaves(blasText(library, "core"), variant);
  check(library.thinned_blas_leaves(leaves), "blas_leaves");
  const left = productKinds.filter((_, kind) => leaves >> kind & 1);
  const whose = leaves === allKinds ? "all" : left.join(", ");
  const own = left.length === 0 ? "" : `; own ${variant} kernels for ${whose} products`;
  return { usesBlas: true, blas: blasText(library, "opened") + own };
}

/** What a library says of the machine, without opening a backend. */
export interface Machine {
  /** The instruction set that a backend would use. */
  readonly variant: Variant;
  /** What the processor calls itself; empty where it has no name. */
  readonly processor: string;
}

/** The machine, as a compiled library sees it. */
export function machineOf(path: string, instructions: "auto" | Variant): Machine {
  const { symbols: library } = openSymbols(path, librarySymbols);
  const variant = chooseVariant(instructions, variants[library.thinned_best_variant()]);
  return { variant, processor: textOf("processor", (bytes, capacity) => library.thinned_processor(bytes, capacity)) };
}

/** How often each contestant has its turn when products are timed: at least, and at most. */
const TURNS = { least: 2, most: 5 };
/** No further round of turns begins after so many milliseconds. */
const TIMING_MS = 1000;

/**
 * Times products of the shapes that training uses, on one thread: by the own product, and by OpenBLAS with the kernels of
 * some core types, each of which it has. They take turns, several each, so that a moment in which the machine has other
 * things to do harms none of them alone. Nothing else of this program may compute meanwhile.
 *
 * @param path the compiled library
 * @param blas the libraries to open, OpenBLAS last
 * @param variant the instruction set of the own product
 * @param cores core types to try; an empty one is what OpenBLAS chooses
 */
export function timeProducts(
  path: string,
  blas: readonly string[],
  variant: Variant,
  cores: readonly string[],
): { own: Timing; blas: Timing[] } {
  const { symbols: library } = openSymbols(path, librarySymbols);
  const parameters = ["buffer", "buffer", "buffer", "buffer"] as const;
  const { symbols: products } = openSymbols(path, {
    blas: { name: `thinned_gemm_${variant}`, parameters, result: "i32" },
    own: { name: `thinned_own_gemm_${variant}`, parameters, result: "i32" },
  });
  /** The core type whose kernels OpenBLAS has now, unless it cannot be opened with those. */
  const opened = (core: string): string | undefined => {
    check(library.thinned_close_blas(), "close_blas");
    if (openFiles(library, blas, core) !== undefined) return undefined;
    const name = blasText(library, "core");
    return core === "" || name.toLowerCase() === core.toLowerCase() ? name : undefined;
  };
  const threads = library.thinned_threads();
  check(library.thinned_set_threads(1), "set_threads");
  try {
    const own: number[][] = [];
    const found = new Map<string, number[][]>();
    const end = performance.now() + TIMING_MS;
    for (let turn = 0; turn < TURNS.least || turn < TURNS.most && performance.now() < end; turn++) {
      own.push(secondsOf(products.own));
      for (const core of turn === 0 ? cores : [...found.keys()]) {
        const name = opened(core);
        if (name === undefined || turn === 0 && found.has(name)) continue;
        found.set(name, [...found.get(name) ?? [], secondsOf(products.blas)]);
      }
    }
    return { own: timingOf("", own), blas: [...found].map(([core, turns]) => timingOf(core, turns)) };
  } finally {
    library.thinned_close_blas();
    library.thinned_set_threads(threads);
  }
}

/** The least time that each of the shapes takes, in seconds, of a few. */
function secondsOf(
  product: (
    a: Float32Array<ArrayBuffer>,
    b: Float32Array<ArrayBuffer>,
    c: Float32Array<ArrayBuffer>,
    shape: Float64Array<ArrayBuffer>,
  ) => number,
): number[] {
  return probeShapes.map(({ m, n, k, a, b }) => {
    const [x, y, out] = [m * k, k * n, m * n].map((size) => new Float32Array(size).fill(0.5));
    const shape = Float64Array.of(m, n, k, Number(a), Number(b), 1, 0, 1, 0, 0, 0);
    check(product(x, y, out, shape), "gemm");
    let least = Infinity;
    const end = performance.now() + 4;
    for (let time = 0; time < 2 || performance.now() < end && time < 50; time++) {
      const start = performance.now();
      check(product(x, y, out, shape), "gemm");
      least = Math.min(least, performance.now() - start);
    }
    return least / 1000;
  });
}

function chooseVariant(wanted: "auto" | Variant, best: Variant): Variant {
  if (wanted === "auto") return best;
  if (wanted === "portable" || wanted === best || (wanted === "avx2" && best === "avx512")) return wanted;
  throw new BackendError(`This processor does not run the ${wanted} kernels: its best instruction set is ${best}.`);
}

/** Where a kernel's block says whether a BLAS may compute it, if it has one that does. */
function blasFlag({ parameters, boundary }: Kernel): { block: Float64Array<ArrayBuffer>; at: number } | undefined {
  for (const [i, parameter] of parameters.entries()) {
    const at = parameter.kind === "block" ? Object.keys(parameter.fields).indexOf("blas") : -1;
    if (at >= 0) return { block: boundary.blocks[i]!, at };
  }
  return undefined;
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
  const { symbols: kernels } = openSymbols(path, {
    /** One block of Philox: (counter, key, out, rounds). */
    philox: { name: `thinned_philox_${variant}`, parameters: ["buffer", "buffer", "buffer", "i32"], result: "i32" },
  });
  check(library.thinned_set_threads(options.threads), "set_threads");
  const { usesBlas, blas } = openBlas(library, options, variant);

  /** Libraries by the C source of a plugin's kernels. */
  const guests = new Map<string, string>();
  return {
    info: () => ({
      name: "native",
      blas,
      threads: library.thinned_threads(),
      instructions: variant,
      reason: options.reason,
    }),
    implement(kernel) {
      const plain = symbolName(kernel);
      // Libraries share their BLAS; a backend that was opened without one keeps to its own products.
      const name = `${plain === "thinned_gemm" && !usesBlas ? "thinned_own_gemm" : plain}_${variant}`;
      const home = kernel.source === undefined ? path : guests.get(kernel.source.text);
      if (home === undefined) return undefined;
      const symbols = { run: { name, parameters: symbolParameters(kernel), result: "i32", optional: true } } as const;
      const symbol = openSymbols(home, symbols).symbols.run as ((...args: unknown[]) => number) | null;
      if (symbol === null) return undefined;
      const run = marshal(kernel, symbol, check);
      const flag = usesBlas ? undefined : blasFlag(kernel);
      return flag === undefined ? run : (...args) => {
        flag.block[flag.at] = 0;
        run(...args);
      };
    },
    addGuests({ library: guest, kernels }) {
      const { symbols } = openSymbols(guest, { thinned_connect: { parameters: ["pointer"], result: "i32" } });
      const { symbols: host } = openSymbols(path, { thinned_host: { parameters: [], result: "pointer" } });
      check(symbols.thinned_connect(host.thinned_host()), "connect");
      for (const { source } of kernels) if (source !== undefined) guests.set(source.text, guest);
    },
    setThreads(count) {
      check(library.thinned_set_threads(count), "set_threads");
    },

    philox(counter, key, rounds) {
      const out = new Uint32Array(4);
      check(kernels.philox(counter, key, out, rounds), "philox");
      return out;
    },
    allocate: allocateArray,
  };
}
