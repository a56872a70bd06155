/** Reading a configuration file. @module */
import { OptionError, PermissionError, ThinnedError } from "../../core/mod.ts";
import { type Config, parseConfig } from "./config.ts";

/**
 * Reads and validates a configuration file, which `argument` named.
 *
 * @throws {OptionError} when there is no such file, it is no JSON, or a value in it is wrong
 * @throws {PermissionError} without permission to read it
 */
export async function readConfig(path: string, argument = "--config"): Promise<Config> {
  const text = await readText(path, argument);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new OptionError(path, `JSON (${(error as Error).message})`, text.slice(0, 40));
  }
  try {
    return parseConfig(json);
  } catch (error) {
    if (error instanceof ThinnedError) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

async function readText(path: string, argument: string): Promise<string> {
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted") throw new PermissionError(`Reading ${path} needs the flag --allow-read=${path}.`);
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new OptionError(argument, "a file that exists", path);
    if (error instanceof Error) throw new ThinnedError(`${argument}: ${path} cannot be read: ${error.message}`);
    throw error;
  }
}
