/**
 * From settings to an open native backend: finds the prepared library, or has it prepared, and opens it once.
 *
 * @module
 */
import type { Kernel } from "../core/backend/kernel.ts";
import { BackendError, OptionError, PermissionError } from "../core/errors.ts";
import { prepareNative, type PrepareOptions, unsupported } from "./build.ts";
import { cacheFolders, describeFolder } from "./cache.ts";
import { machineOf, type NativeBackend, openLibrary, timeProducts } from "./library.ts";
import { askedProducts, choosePlan, coresToTry, type ProductPlan, recordedPlan, recordPlan } from "./products.ts";
import { type Variant, variants } from "./symbols.ts";
import { groupKernels, prepareGuests } from "./guests.ts";
import { granted, variable } from "./system.ts";

/** Settings of the native backend; all of them can be left out. */
export interface NativeOptions {
  /** Threads for matrix products and large kernels, from 1; by default `THINNED_THREADS`, else one for each processor. */
  readonly threads?: number;
  /** Path of an OpenBLAS library, or `none`; by default `THINNED_BLAS`, else it is looked for. */
  readonly blas?: string;
  /**
   * The kernels' instruction set, by default `THINNED_INSTRUCTIONS`, else `auto`, the best that the processor has;
   * `portable` keeps to C that any processor runs.
   */
  readonly instructions?: "auto" | Variant;
  /** Kernels of plugins. Those that have been compiled run natively, the others as their twins. */
  readonly kernels?: readonly Kernel[];
}

type Settings = Required<Pick<NativeOptions, "threads" | "instructions">>;

const opened = new Map<string, Promise<NativeBackend>>();

/**
 * Opens the native backend without yet computing on it, with every setting of the preparation at hand. What is open
 * already is given again, with the thread count that is now asked for.
 */
export async function openWith(options: NativeOptions, prepare: PrepareOptions): Promise<NativeBackend> {
  const settings = { threads: await threadCount(options), instructions: await instructionSet(options) };
  const blas = options.blas ?? prepare.blas ?? await variable("THINNED_BLAS");
  const key = JSON.stringify([settings.instructions, blas, prepare.cache]);
  let promise = opened.get(key);
  if (promise === undefined) {
    promise = open(settings, { ...prepare, blas });
    opened.set(key, promise);
    promise.catch(() => opened.delete(key));
  }
  const backend = await promise;
  // Backends share their threads, so another one may have changed the count.
  backend.setThreads(settings.threads);
  const compile = true; // where that is permitted: nothing prompts
  const settled = await Promise.all(
    groupKernels(options.kernels ?? []).map((kernels) =>
      prepareGuests(kernels, { cache: prepare.cache, compile, report: prepare.report })
    ),
  );
  for (const guests of settled) if (!("missing" in guests)) backend.addGuests(guests);
  return backend;
}

async function open(settings: Settings, options: PrepareOptions): Promise<NativeBackend> {
  if (unsupported !== undefined) throw new BackendError(unsupported);
  const folders = options.cache === undefined ? await cacheFolders() : [await describeFolder(options.cache)];
  const allowed = await Promise.all(folders.map(({ path }) => granted({ name: "ffi", path })));
  // Asked before anything is compiled, which would be in vain.
  if (folders.length > 0 && !allowed.includes(true)) throw noFfi(folders[0].path);

  const attempt = async (rebuild: boolean): Promise<NativeBackend> => {
    const prepared = await prepareNative({ ...options, rebuild });
    if ("missing" in prepared) {
      throw prepared.permission ? new PermissionError(prepared.missing) : new BackendError(prepared.missing);
    }
    const { library, blas, reason } = prepared;
    if (!await granted({ name: "ffi", path: library })) throw noFfi(library.slice(0, library.lastIndexOf("/")));
    try {
      return openLibrary(library, { ...settings, blas, reason, products: await planProducts(prepared, settings) });
    } catch (error) {
      if (!(error instanceof BackendError) || prepared.built) throw error;
      // Compiled on another system, perhaps: one more attempt, on this one.
      return await attempt(true).catch((again) => {
        throw again instanceof PermissionError ? error : again;
      });
    }
  };
  return asAsked(await attempt(false), options.blas);
}

/** Who computes which products: as asked, as recorded, or as is measured now and recorded. */
async function planProducts(
  { library, blas }: { readonly library: string; readonly blas: readonly string[] },
  { instructions }: Settings,
): Promise<ProductPlan | undefined> {
  if (blas.length === 0) return undefined;
  const asked = await askedProducts();
  if ("plan" in asked) return asked.plan;
  const { variant, processor } = machineOf(library, instructions);
  const { cores = coresToTry(variant) } = asked;
  const [folder, file] = [library.slice(0, library.lastIndexOf("/")), library.slice(library.lastIndexOf("/") + 1)];
  const machine = [processor, variant, file, blas.at(-1), ...cores].join(" | ");
  const place = await describeFolder(folder);
  const recorded = await recordedPlan(place, machine);
  if (recorded !== undefined) return recorded;
  const timings = timeProducts(library, blas, variant, cores);
  const plan = choosePlan(timings.own, timings.blas);
  if (place.writable) await recordPlan(place, machine, plan, [timings.own, ...timings.blas]);
  return plan;
}

/** Refuses to go on without the OpenBLAS that was asked for by its path. */
function asAsked(backend: NativeBackend, asked: string | undefined): NativeBackend {
  const { blas } = backend.info();
  if (asked === undefined || asked === "none" || !blas.startsWith("own ")) return backend;
  const problem = /opened: (.*)\)$/.exec(blas)?.[1] ?? blas;
  throw new BackendError(`The OpenBLAS library ${asked} that was asked for cannot be opened: ${problem}.`);
}

function noFfi(folder: string): PermissionError {
  return new PermissionError(`Opening the native library needs permission to load it: add --allow-ffi=${folder}.`);
}

async function threadCount(options: NativeOptions): Promise<number> {
  const expected = "a whole number from 1 to 256";
  const valid = (count: number) => Number.isInteger(count) && count >= 1 && count <= 256;
  if (options.threads !== undefined) {
    if (!valid(options.threads)) throw new OptionError("threads", expected, options.threads);
    return options.threads;
  }
  const text = await variable("THINNED_THREADS");
  if (text === undefined) return Math.min(Math.max(navigator.hardwareConcurrency, 1), 256);
  if (!/^\d+$/.test(text) || !valid(Number(text))) throw new OptionError("THINNED_THREADS", expected, text);
  return Number(text);
}

async function instructionSet(options: NativeOptions): Promise<"auto" | Variant> {
  const path = options.instructions === undefined ? "THINNED_INSTRUCTIONS" : "instructions";
  const value = options.instructions ?? await variable("THINNED_INSTRUCTIONS") ?? "auto";
  const known: readonly string[] = ["auto", ...variants];
  if (!known.includes(value)) throw new OptionError(path, known.join(", "), value);
  return value as "auto" | Variant;
}
