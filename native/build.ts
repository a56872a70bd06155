/**
 * Prepares the native backend: compiles the C library into the cache and finds or fetches OpenBLAS. What has been
 * prepared is recorded, so that opening it later needs no permission to run programs.
 *
 * As a program (`deno run native/build.ts`) it prepares everything ahead of training. It says on standard error what
 * it did, says nothing when nothing was to be done, and always ends with status 0: without the native backend, the
 * reference backend computes.
 *
 * @module
 */
import { type Blas, type BlasPlaces, prepareBlas, systemPlaces } from "./blas.ts";
import { type CacheFolder, cacheFolders, describeFolder } from "./cache.ts";
import { compile, type Compiled, findCompiled, inputsOf, type Missing, type NativeSource } from "./compile.ts";
import { ABI_VERSION, compilationUnits, sources } from "./sources.ts";
import { fileState, granted, variable } from "./system.ts";

/** Settings of {@linkcode prepareNative}; all of them can be left out. */
export interface PrepareOptions {
  /** Path of an OpenBLAS library, or `none`; by default `THINNED_BLAS`, else it is looked for. */
  readonly blas?: string;
  /** Compile even if a compiled library is there. */
  readonly rebuild?: boolean;
  /** The cache folder, as an absolute path; by default `.cache/native` in a clone, else one in the user's cache. */
  readonly cache?: string;
  /** The C sources; by default those of this package. */
  readonly source?: NativeSource;
  /** Where to look for OpenBLAS; by default the places of this system. */
  readonly places?: BlasPlaces;
  /** Receives a line before something slow; by default it goes to standard error. */
  readonly report?: (line: string) => void;
}

/** What {@linkcode prepareNative} gives when the native backend can be opened. */
export interface Prepared {
  /** Absolute path of the compiled library. */
  readonly library: string;
  /** Absolute paths of OpenBLAS and what it needs, in the order to open them; empty when there is none. */
  readonly blas: string[];
  /** Where the matrix products come from, in a few words. */
  readonly reason: string;
  /** Whether the library was compiled by this call. */
  readonly built: boolean;
  /** What this call did, in one line; empty when everything was there. */
  readonly done: string;
}

const { os, arch } = Deno.build;

/** Why there is no native backend for this system, in one sentence; undefined where there is one. */
export const unsupported: string | undefined = os === "linux" || os === "darwin"
  ? undefined
  : `The native backend runs on Linux and macOS, not on ${os} (${arch}): the reference backend is used.`;

/**
 * Compiles the native library unless that has been done, and finds or fetches OpenBLAS. Never prompts and never throws
 * for what a machine may lack: `missing` then says in one sentence what to install or which flag to add.
 *
 * @example
 * ```ts ignore
 * const prepared = await prepareNative();
 * console.log("missing" in prepared ? prepared.missing : prepared.library);
 * ```
 */
export async function prepareNative(options: PrepareOptions = {}): Promise<Prepared | Missing> {
  if (unsupported !== undefined) return { missing: unsupported };
  const source = options.source ?? { files: sources, units: compilationUnits, abi: ABI_VERSION };
  const report = options.report ?? ((line) => console.error(`thinned: ${line}`));
  const folders = options.cache === undefined ? await cacheFolders() : [await describeFolder(options.cache)];
  const wanted = options.blas ?? await variable("THINNED_BLAS");
  const explicit = wanted === undefined || wanted === "none" || wanted.startsWith("/")
    ? wanted
    : `${Deno.cwd()}/${wanted}`;
  if (explicit !== undefined && explicit !== "none" && await fileState(explicit) === "missing") {
    return { missing: `There is no OpenBLAS library at ${explicit}: correct the path, or leave it out to search.` };
  }

  const library = await prepareLibrary(folders, source, options.rebuild ?? false, report);
  if ("missing" in library) return library;
  const blas: Blas = explicit === undefined
    ? await prepareBlas(library.folder, options.places ?? systemPlaces(), report)
    : explicit === "none"
    ? { paths: [], how: "no OpenBLAS, as asked", done: "" }
    : { paths: [explicit], how: `OpenBLAS at ${explicit}, as asked`, done: "" };

  const compiled = library.built ? `compiled the native library with ${library.compiler}` : "";
  const done = [compiled, blas.done].filter((part) => part !== "").join("; ");
  return { library: library.library, blas: blas.paths, reason: blas.how, built: library.built, done };
}

type Found = Compiled & { readonly folder: CacheFolder; readonly built: boolean };

async function prepareLibrary(
  folders: readonly CacheFolder[],
  source: NativeSource,
  rebuild: boolean,
  report: (line: string) => void,
): Promise<Found | Missing> {
  const inputs = await inputsOf(source);
  for (const folder of rebuild ? [] : folders) {
    const found = await findCompiled(folder, inputs);
    if (found !== undefined) return { ...found, folder, built: false };
  }
  let problem: Missing | undefined;
  for (const folder of folders.filter((folder) => folder.writable)) {
    const compiled = await compile(folder, source, inputs, report);
    if (!("missing" in compiled)) return { ...compiled, folder, built: true };
    problem ??= compiled;
  }
  return problem ?? await noFolder(folders);
}

async function noFolder(folders: readonly CacheFolder[]): Promise<Missing> {
  const [folder] = folders;
  if (folder === undefined) {
    const missing = "The folder for the native library cannot be told: add --allow-env=HOME,XDG_CACHE_HOME.";
    return { missing, permission: true };
  }
  const flags = ["--allow-write"];
  if (!await granted({ name: "run", command: "cc" })) flags.push("--allow-run=cc,gcc,clang");
  const missing = folder.readable
    ? `The native library is not compiled yet, and compiling it into ${folder.path} needs ${flags.join(" ")}.`
    : `Finding the native library needs --allow-read=${folder.path}, and compiling it the first time ${
      flags.join(" ")
    }.`;
  return { missing, permission: true };
}

if (import.meta.main) {
  const prepared = await prepareNative();
  const line = "missing" in prepared ? prepared.missing : prepared.done;
  if (line !== "") console.error(`thinned: ${line}`);
}
