/** Where `--data` goes. @module */
import { OptionError, type Registry } from "../../core/mod.ts";
import { pathOptions } from "../arguments/absolute_paths.ts";
import type { PartConfig } from "../configuration/config.ts";
import { resolvePath } from "../arguments/paths.ts";

/**
 * Puts the value of `--data`, a path that counts from the working directory, into the first option of the data set's
 * plugin that names a file or a folder.
 *
 * @throws {OptionError} when the data set reads no files
 */
export function placeData(part: PartConfig, data: string | undefined, registry: Registry): Exclude<PartConfig, string> {
  const json = typeof part === "string" ? { plugin: part } : { ...part };
  if (data === undefined || registry.get(json.plugin) === undefined) return json;
  const [option] = pathOptions(json.plugin, registry);
  if (option === undefined) {
    throw new OptionError("--data", `a data set that reads files; ${json.plugin} makes its own`, data);
  }
  return { ...json, [option]: resolvePath(Deno.cwd(), data) };
}
