/** What several commands need: the registry with a user's own plugins, the backend, and configuration files. @module */
import {
  type Backend,
  builtins,
  isFactory,
  openNative,
  OptionError,
  PermissionError,
  PluginError,
  reference,
  Registry,
  ThinnedError,
  tryOpenNative,
  useBackend,
} from "../mod.ts";
import { type Config, parseConfig } from "./config.ts";
import { note } from "./output.ts";

/** Reads and validates a configuration file, which `argument` named. */
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

/** The text of a file that an argument names. */
export async function readText(path: string, argument: string): Promise<string> {
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

/** The built-in plugins and those that modules of the user's export. Paths are relative to `base`, a folder. */
export async function loadRegistry(modules: readonly string[], base: string): Promise<Registry> {
  const registry = new Registry(builtins);
  for (const [i, path] of modules.entries()) {
    const url = new URL(path, `file://${base.replace(/\/?$/, "/")}`).href;
    let loaded: Record<string, unknown>;
    try {
      loaded = await import(url);
    } catch (error) {
      throw new PluginError(`plugins.${i}: ${path} cannot be imported: ${(error as Error).message}`);
    }
    const factories = Object.values(loaded).filter(isFactory);
    if (factories.length === 0) {
      throw new PluginError(`plugins.${i}: ${path} exports no plugin; expected what definePlugin returns.`);
    }
    for (const factory of factories) registry.add(factory);
  }
  return registry;
}

/** Opens the backend that was asked for, `native`, `reference`, or the best there is; says which it is, and why. */
export async function chooseBackend(wanted: string | undefined): Promise<Backend> {
  let backend: Backend;
  let reason: string;
  if (wanted === "reference") {
    useBackend(reference);
    [backend, reason] = [reference, "as asked"];
  } else if (wanted === "native") {
    backend = await openNative();
    reason = backend.info().reason;
  } else if (wanted === undefined) {
    ({ backend, reason } = await tryOpenNative());
  } else {
    throw new OptionError("--backend", '"native" or "reference"', wanted);
  }
  const { name, blas, threads, instructions } = backend.info();
  note(`${name} backend: ${blas}; ${threads} thread${threads === 1 ? "" : "s"}, ${instructions}. ${reason}`);
  return backend;
}
