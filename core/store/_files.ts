/** Files that survive a kill: permissions asked for beforehand, bytes flushed, errors that say what failed. @module */
import { CheckpointError, PermissionError, ThinnedError } from "../errors.ts";

/**
 * Refuses unless the permissions are already granted, so that a script never stops at a question.
 *
 * @param path the file or folder
 * @param kinds what is to be done with it
 * @param action what it is for, as in "Writing a checkpoint"
 */
export async function needAccess(path: string, kinds: readonly ("read" | "write")[], action: string): Promise<void> {
  const missing: string[] = [];
  for (const name of kinds) {
    const { state } = await Deno.permissions.query({ name, path });
    if (state !== "granted") missing.push(`--allow-${name}=${path}`);
  }
  if (missing.length > 0) {
    throw new PermissionError(
      `${action} needs a permission that this program does not have: run it with ${missing.join(" ")}.`,
    );
  }
}

/** Runs the body; what the system refuses becomes a {@linkcode CheckpointError} that begins with the failure. */
export async function attempt<T>(failure: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof ThinnedError) throw error;
    throw new CheckpointError(`${failure}: ${(error as Error).message}.`, { cause: error });
  }
}

/** Writes a new file and waits until it is on the disk. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
}

/** Writes a file under a temporary name, flushes it, and gives it its own name; a folder that is missing is made. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const folder = folderOf(path);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await writeSynced(temporary, bytes);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Waits until a folder's names are on the disk, where the system can do so. */
export async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch {
    // Some systems do not open folders; there the names reach the disk a little later.
  }
}

/** Whether there is something under this path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** SHA-256 in lower-case hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A path without slashes at its end. */
export function withoutSlash(path: string): string {
  return path.replace(/(?<=.)[/\\]+$/, "");
}

/** The folder that a path lies in. */
export function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return at < 0 ? "." : at === 0 ? "/" : path.slice(0, at);
}
