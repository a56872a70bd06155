/**
 * Libraries with kernels of plugins: their C source is compiled beside the headers of the core, into a library of its
 * own that borrows the main library's threads.
 *
 * @module
 */
import type { Kernel } from "../core/backend/kernel.ts";
import { BackendError, show } from "../core/errors.ts";
import { cacheFolders, describeFolder } from "./cache.ts";
import { compile, findCompiled, inputsOf, type Missing, type NativeSource } from "./compile.ts";
import { ABI_VERSION, guestUnits, sources } from "./sources.ts";

/** Kernels of plugins with the library that has them. */
export interface Guests {
  /** Absolute path. */
  readonly library: string;
  /** The kernels in it. */
  readonly kernels: readonly Kernel[];
  /** Whether it was compiled by this call. */
  readonly built: boolean;
}

/** Settings of {@linkcode prepareGuests}. */
export interface GuestOptions {
  /** The cache folder, as an absolute path; by default that of the main library. */
  readonly cache?: string;
  /** Whether a library that is not there may be compiled. Default false: it is only looked for. */
  readonly compile?: boolean;
  /** Further flags for the compiler. */
  readonly flags?: readonly string[];
  /** Receives a line before something slow. */
  readonly report?: (line: string) => void;
}

/** The kernels by their C source, which gives each a library of its own; those without are left out. */
export function groupKernels(kernels: readonly Kernel[]): Kernel[][] {
  const groups = new Map<string, Kernel[]>();
  for (const kernel of new Set(kernels)) {
    if (kernel.source === undefined) continue;
    const group = groups.get(kernel.source.text);
    if (group === undefined) groups.set(kernel.source.text, [kernel]);
    else group.push(kernel);
  }
  return [...groups.values()];
}

function nativeSource({ kernel, source }: Kernel, flags: readonly string[]): NativeSource {
  const { file, text, contract } = source!;
  if (!/^\w+\.c$/.test(file) || file in sources) {
    throw new BackendError(`The kernel ${kernel}: expected a C file with a name of its own, found ${show(file)}.`);
  }
  const core = Object.entries(sources).filter(([name]) => name.endsWith(".h") || name === "guest.c");
  return {
    files: { ...Object.fromEntries(core), [file]: text },
    units: (arch) =>
      guestUnits(arch, [file], () => contract ?? true).map((unit) => ({ ...unit, flags: [...unit.flags, ...flags] })),
    abi: ABI_VERSION,
  };
}

/** Finds the library of kernels with one C source, or compiles it. */
export async function prepareGuests(kernels: readonly Kernel[], options: GuestOptions = {}): Promise<Guests | Missing> {
  const source = nativeSource(kernels[0], options.flags ?? []);
  const inputs = await inputsOf(source);
  const folders = options.cache === undefined ? await cacheFolders() : [await describeFolder(options.cache)];
  for (const folder of folders) {
    const found = await findCompiled(folder, inputs);
    if (found !== undefined) return { library: found.library, kernels, built: false };
  }
  let problem: Missing | undefined;
  for (const folder of options.compile ? folders.filter(({ writable }) => writable) : []) {
    const compiled = await compile(folder, source, inputs, options.report ?? (() => {}));
    if (!("missing" in compiled)) return { library: compiled.library, kernels, built: true };
    problem ??= compiled;
  }
  return problem ??
    {
      missing: `The kernels of ${
        kernels[0].source!.file
      } are not compiled: the command "native" does it, told the file.`,
    };
}
