/**
 * Finds OpenBLAS. In order: the path that was asked for, the path recorded by an earlier search, a copy in the cache,
 * the system's own library, the distribution's package fetched into the cache, and last the wheel that SciPy is built with.
 * Without any of them the native library multiplies matrices by itself.
 *
 * @module
 */
import { type CacheFolder, discard, makeWorkFolder, readRecord, writeRecord } from "./cache.ts";
import { cachedBlas, fetchBlas } from "./fetch.ts";
import { fileState, granted, loaderPaths, run } from "./system.ts";
import { cachedWheel, fetchWheel, wheelHere, wheelOrigin } from "./wheel.ts";

/** What the search for OpenBLAS came to. */
export interface Blas {
  /** Absolute paths to open in this order, what others depend on first. Empty: nothing was found. */
  readonly paths: string[];
  /** Where it comes from, or why there is none, in a few words. */
  readonly how: string;
  /** What was done beyond looking it up, to be reported; empty when nothing was. */
  readonly done: string;
}

/** Where to look for OpenBLAS on the system. */
export interface BlasPlaces {
  /** Folders that may hold it, best first. */
  readonly folders: readonly string[];
  /** Whether to ask `ldconfig` and `pkg-config` as well. */
  readonly programs: boolean;
  /** Whether one may be fetched: the distribution's package, or else a wheel of the Python package index. */
  readonly fetch: boolean;
  /** Whether there may be a package of the distribution. Default true. */
  readonly packages?: boolean;
  /** Address of the index's folder of packages. Default {@linkcode packageIndex}. */
  readonly index?: string;
}

/** How OpenBLAS is installed by hand, for messages. */
export const installBlas: string = Deno.build.os === "darwin"
  ? "`brew install openblas`"
  : "`apt-get install libopenblas0-pthread` or your distribution's openblas";

/** The places of a Linux or macOS system. */
export function systemPlaces(): BlasPlaces {
  if (Deno.build.os === "darwin") {
    const homes = ["/opt/homebrew/opt/openblas/lib", "/usr/local/opt/openblas/lib", "/opt/local/lib"];
    return { folders: homes, programs: true, fetch: true, packages: false };
  }
  const debian = `/usr/lib/${Deno.build.arch}-linux-gnu`;
  const folders = [
    debian, // the administrator's choice among the next three
    `${debian}/openblas-pthread`,
    `${debian}/openblas-openmp`,
    `${debian}/openblas-serial`,
    "/usr/lib64",
    "/usr/local/lib64",
    "/usr/local/lib",
    "/usr/lib",
  ];
  return { folders, programs: true, fetch: true };
}

// Fedora calls its threaded builds openblasp and openblaso and leaves the plain name to the serial one.
const names = Deno.build.os === "darwin"
  ? ["libopenblas.0.dylib", "libopenblas.dylib"]
  : ["libopenblasp.so.0", "libopenblaso.so.0", "libopenblas.so.0", "libopenblas.so.3", "libopenblas.so"];

/** Looks for OpenBLAS on the system; undefined when there is none. */
export async function searchBlas(places: BlasPlaces = systemPlaces()): Promise<string | undefined> {
  for (const folder of places.folders) {
    const path = await libraryIn(folder);
    if (path !== undefined) return path;
  }
  if (!places.programs) return undefined;
  for (const path of await loaderPaths(names)) {
    if (await fitsMachine(path)) return path;
  }
  const config = await run("pkg-config", ["--variable=libdir", "openblas"], { seconds: 20 });
  const folder = config.output.trim();
  return config.end === "done" && folder.startsWith("/") ? await libraryIn(folder) : undefined;
}

async function libraryIn(folder: string): Promise<string | undefined> {
  for (const name of names) {
    const path = `${folder}/${name}`;
    if (await fileState(path) === "file" && await fitsMachine(path)) return path;
  }
  return undefined;
}

/** Whether a library is made for this processor, by its ELF header. True where that cannot be read. */
async function fitsMachine(path: string): Promise<boolean> {
  if (Deno.build.os !== "linux" || !await granted({ name: "read", path })) return true;
  const header = new Uint8Array(20);
  try {
    using file = await Deno.open(path);
    if (await file.read(header) !== header.length) return false;
  } catch {
    return false;
  }
  const elf64 = [0x7f, 0x45, 0x4c, 0x46, 2].every((byte, i) => header[i] === byte);
  return elf64 && header[18] === (Deno.build.arch === "aarch64" ? 183 : 62);
}

const recordName = `blas-${Deno.build.os}-${Deno.build.arch}.json`;
const day = 24 * 3600_000;

/**
 * Finds or fetches OpenBLAS, and records what came of it so that later calls need neither a search nor permission to
 * run programs. A search in vain is remembered too: programs are asked again after a day only.
 *
 * @param folder the cache folder to use
 * @param places where to look
 * @param report receives a line before something slow
 */
export async function prepareBlas(
  folder: CacheFolder,
  places: BlasPlaces,
  report: (line: string) => void,
): Promise<Blas> {
  const record = await readRecord(folder, recordName);
  const recorded = Array.isArray(record?.paths) ? record.paths.filter((path) => typeof path === "string") : [];
  const how = typeof record?.how === "string" ? record.how : "";
  if (recorded.length > 0) {
    const states = await Promise.all(recorded.map(fileState));
    if (!states.includes("missing")) return { paths: recorded, how, done: "" };
  } else if (typeof record?.time === "number" && Math.abs(Date.now() - record.time) < day) {
    const path = await searchBlas({ ...places, programs: false });
    if (path === undefined) return { paths: [], how, done: "" };
  }

  const cached = await cachedBlas(folder);
  if (cached !== undefined) return await remember(folder, { ...cached, done: "" });
  const here = wheelHere();
  const unpacked = here === undefined ? undefined : await cachedWheel(folder, here);
  if (unpacked !== undefined) return await remember(folder, { paths: [unpacked], how: wheelOrigin, done: "" });
  const path = await searchBlas(places);
  if (path !== undefined) {
    return await remember(folder, { paths: [path], how: `OpenBLAS at ${path}`, done: `found OpenBLAS at ${path}` });
  }
  if (!places.fetch || !folder.writable) return await remember(folder, none(`install ${installBlas}`));

  const fetched = places.packages === false
    ? { problem: "the system has no packages of it", lasting: true }
    : await fetchBlas(folder, report);
  if ("paths" in fetched) return await remember(folder, { ...fetched, done: `fetched ${fetched.how}` });
  const wheel = wheelHere();
  const other = wheel === undefined ? undefined : await fetchWheel(folder, wheel, report, places.index);
  if (other !== undefined && "library" in other) {
    return await remember(folder, { paths: [other.library], how: other.how, done: `fetched ${other.how}` });
  }
  const problem = [fetched.problem, other?.problem].filter((part) => part !== undefined).join("; ");
  if (!fetched.lasting || other?.lasting === false) return none(`${problem}; install ${installBlas}`);
  return await remember(folder, none(`${problem}; install ${installBlas} (asked again after a day)`));
}

function none(why: string): Blas {
  return { paths: [], how: `no OpenBLAS: ${why}`, done: `no OpenBLAS: ${why}` };
}

async function remember(folder: CacheFolder, blas: Blas): Promise<Blas> {
  const work = await makeWorkFolder(folder);
  if (work === undefined) return blas;
  try {
    await writeRecord(folder, work, recordName, { paths: blas.paths, how: blas.how, time: Date.now() });
  } finally {
    await discard(work);
  }
  return blas;
}
