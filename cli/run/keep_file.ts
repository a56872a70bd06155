/** Files that a command puts into a run's folder beside what it was asked for. @module */
import { note } from "../arguments/deliver.ts";

/**
 * Writes a file that appears under its name when it is whole.
 *
 * @param folder the folder
 * @param name the file's name
 * @param bytes what it holds
 * @param what what that is, to begin a sentence with
 * @returns its path; undefined where it may not, or cannot, be written, which is then said
 */
export async function keepFile(
  folder: string,
  name: string,
  bytes: Uint8Array,
  what: string,
): Promise<string | undefined> {
  const path = `${folder}/${name}`;
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const { state } = await Deno.permissions.query({ name: "write", path: folder });
    if (state !== "granted") throw new Error(`it needs the flag --allow-write=${folder}`);
    await Deno.writeFile(temporary, bytes, { createNew: true });
    await Deno.rename(temporary, path);
    return path;
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    note(`${what} is not kept in ${path}: ${(error as Error).message}`);
    return undefined;
  }
}
