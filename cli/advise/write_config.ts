/** Writing an advised configuration to a file that is not there yet. @module */
import { OptionError, PermissionError, ThinnedError } from "../../mod.ts";
import type { Config } from "../configuration/config.ts";

/**
 * Refuses a file that cannot be written, before anything is trained for it.
 *
 * @throws {OptionError} for a file that is there, or a folder that is not
 * @throws {PermissionError} without permission to write it
 */
export async function needNewFile(path: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path });
  if (state !== "granted") throw new PermissionError(`Writing ${path} needs the flag --allow-write=${path}.`);
  if (await Deno.lstat(path).then(() => true, () => false)) {
    throw new OptionError("--write", "a file that does not exist yet", path);
  }
  const folder = path.replace(/[^/\\]*$/, "") || ".";
  if (!await Deno.stat(folder).then(({ isDirectory }) => isDirectory, () => false)) {
    throw new OptionError("--write", "a file in a folder that exists", path);
  }
}

/** Writes a configuration, which other files keep their places in. */
export async function writeNewFile(path: string, config: Config): Promise<void> {
  try {
    await Deno.writeTextFile(path, JSON.stringify(config, null, 2) + "\n", { createNew: true });
  } catch (error) {
    throw new ThinnedError(`--write: ${path} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}
