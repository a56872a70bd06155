/** The native library as the tests of its kernels open it. */
import type { Floats } from "../../core/backend/arrays.ts";
import { type Backend, useBackend } from "../../core/backend/backend.ts";
import * as kernels from "../../core/backend/kernels.ts";
import { isKernel, type Kernel } from "../../core/backend/kernel.ts";
import { prepareNative } from "../../native/build.ts";
import { groupKernels, prepareGuests } from "../../native/guests.ts";
import { builtinKernels } from "../../plugins/builtins.ts";
import { type NativeBackend, openLibrary } from "../../native/library.ts";
import { Draws } from "./_draws.ts";
import type { ProductPlan } from "../../native/products.ts";
import { type Variant, variants } from "../../native/symbols.ts";

export { Draws };

const prepared = await prepareNative();
const guests = "missing" in prepared
  ? []
  : await Promise.all(groupKernels(builtinKernels).map((kernels) => prepareGuests(kernels, { compile: true })));

/** Why the tests of the native kernels cannot run here; undefined when they can. */
export const missing = "missing" in prepared ? prepared.missing : undefined;
if (missing !== undefined) console.warn(`Native kernels are not tested: ${missing}`);

/** Whether an OpenBLAS is at hand. */
export const hasBlas = !("missing" in prepared) && prepared.blas.length > 0;

/** A backend of the compiled library. */
export function open(
  instructions: "auto" | Variant = "auto",
  { blas = true, threads = 2, products }: { blas?: boolean; threads?: number; products?: ProductPlan } = {},
): NativeBackend {
  if ("missing" in prepared) throw new Error(prepared.missing);
  const backend = openLibrary(prepared.library, {
    blas: blas ? prepared.blas : [],
    threads,
    instructions,
    reason: "a test",
    products,
  });
  for (const guest of guests) if (!("missing" in guest)) backend.addGuests(guest);
  return backend;
}

/** A kernel, called on one backend whichever is current. */
export function running<K extends Kernel>(backend: Backend, kernel: K): (...args: Parameters<K>) => void {
  return (...args) => {
    const before = useBackend(backend);
    try {
      kernel(...args);
    } finally {
      useBackend(before);
    }
  };
}

/** All kernels of the core, called on one backend whichever is current. */
export function on(backend: Backend): typeof kernels {
  const bound = Object.entries(kernels).map(([name, kernel]) => [
    name,
    isKernel(kernel) ? running(backend, kernel) : kernel,
  ]);
  return Object.fromEntries(bound);
}

/** The instruction sets that can be tried on this processor. */
export const instructionSets: Variant[] = missing !== undefined ? [] : variants.filter((variant) => {
  try {
    return open(variant) !== undefined;
  } catch {
    return false;
  }
});

/** A test that needs the native library, and is left out where there is none. */
export function nativeTest(name: string, fn: () => void | Promise<void>): void {
  const why = missing === undefined ? "" : ` (skipped: ${missing})`;
  Deno.test({ name: name + why, ignore: missing !== undefined, fn });
}

/** Runs a property for several seeds, and names the seed that fails. */
export function forSeeds(count: number, property: (draws: Draws) => void): void {
  const first = Math.floor(Math.random() * 1e9);
  for (let seed = first; seed < first + count; seed++) {
    try {
      property(new Draws(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

/** Fails unless all numbers agree within `relative` of the expected ones, or `absolute`. */
export function assertClose(actual: Floats, expected: Floats, relative: number, absolute: number, what = ""): void {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} numbers, not ${expected.length}`);
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i];
    const e = expected[i];
    if (Object.is(a, e) || a === e || Math.abs(a - e) <= relative * Math.abs(e) + absolute) continue;
    throw new Error(`${what}: element ${i} is ${a}, expected ${e}`);
  }
}
