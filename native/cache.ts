/**
 * Where the compiled library and a fetched BLAS are kept, and how files get there: written under a temporary name in
 * the same folder and renamed into place, so that a killed build leaves nothing half done under a final name and two
 * builds at once both succeed.
 *
 * @module
 */
import { granted, variable } from "./system.ts";

/** A folder that may hold what has been prepared. */
export interface CacheFolder {
  /** Absolute path, without a slash at the end. */
  readonly path: string;
  /** Whether Deno may read it. */
  readonly readable: boolean;
  /** Whether Deno may read and write it. The file system may still refuse. */
  readonly writable: boolean;
}

/**
 * The folders to look in, best first: in a clone `.cache/native` of the project, then `thinned` in the user's cache
 * folder (the only one when the module comes from a registry).
 */
export async function cacheFolders(): Promise<CacheFolder[]> {
  const paths: string[] = [];
  const project = new URL("../.cache/native", import.meta.url);
  if (project.protocol === "file:") paths.push(decodeURIComponent(project.pathname));
  const user = await userCache();
  if (user !== undefined) paths.push(user);
  return await Promise.all(paths.map(describeFolder));
}

/** A cache folder with what may be done there. */
export async function describeFolder(path: string): Promise<CacheFolder> {
  const readable = await granted({ name: "read", path });
  return { path, readable, writable: readable && await granted({ name: "write", path }) };
}

async function userCache(): Promise<string | undefined> {
  if (Deno.build.os === "windows") {
    const local = await variable("LOCALAPPDATA");
    return local && `${local}\\thinned`;
  }
  const home = await variable("HOME");
  if (Deno.build.os === "darwin") return home && `${home}/Library/Caches/thinned`;
  const xdg = await variable("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/thinned`;
  return home && `${home}/.cache/thinned`;
}

/** Makes a new folder for unfinished work inside a cache folder; undefined when the file system refuses. */
export async function makeWorkFolder(folder: CacheFolder): Promise<string | undefined> {
  if (!folder.writable) return undefined;
  try {
    await Deno.mkdir(folder.path, { recursive: true });
    return await Deno.makeTempDir({ dir: folder.path, prefix: workPrefix });
  } catch {
    return undefined;
  }
}

const workPrefix = "unfinished-";

/** Removes a file or folder; it is no fault when it has gone or cannot be removed. */
export async function discard(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch {
    // Someone else removed it, or it is left for the next tidy().
  }
}

/** Removes what killed builds left behind, and prepared files that nothing has renewed for 30 days. */
export async function tidy(folder: CacheFolder, keep: readonly string[]): Promise<void> {
  const hours = 3600_000;
  try {
    for await (const { name } of Deno.readDir(folder.path)) {
      const path = `${folder.path}/${name}`;
      const limit = name.startsWith(workPrefix) ? 2 * hours : /^(lib)?thinned-/.test(name) ? 720 * hours : Infinity;
      if (limit === Infinity || keep.includes(name)) continue;
      const { mtime } = await Deno.stat(path);
      if (mtime !== null && Date.now() - mtime.getTime() > limit) await discard(path);
    }
  } catch {
    // Another process is tidying too.
  }
}

/** A JSON record from the cache; undefined when it is missing, unreadable or no JSON object. */
export async function readRecord(folder: CacheFolder, name: string): Promise<Record<string, unknown> | undefined> {
  if (!folder.readable) return undefined;
  try {
    const value: unknown = JSON.parse(await Deno.readTextFile(`${folder.path}/${name}`));
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a JSON record into the cache in one step, by way of a work folder. */
export async function writeRecord(folder: CacheFolder, work: string, name: string, record: unknown): Promise<void> {
  await Deno.writeTextFile(`${work}/${name}`, JSON.stringify(record, null, 2) + "\n");
  await Deno.rename(`${work}/${name}`, `${folder.path}/${name}`);
}

/** SHA-256 in hexadecimal. */
export async function digest(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
