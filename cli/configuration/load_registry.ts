/** The plugins that a configuration knows: the built-in ones and those of the user's own modules. @module */
import { builtins, isFactory, OptionError, PluginError, Registry } from "../../mod.ts";
import { fileUrl, resolvePath } from "../arguments/paths.ts";

/**
 * The built-in plugins and those that modules of the user's export.
 *
 * A module is a file, or a package that the project's own configuration names. Nothing else is run on the word of a
 * configuration file: no text in an address, no address on the network, and nothing that would be installed for it.
 *
 * @param modules the entry `plugins` of a configuration
 * @param base the folder that relative paths count from
 * @throws {OptionError} for an entry that is neither
 * @throws {PluginError} for a module that cannot be imported or exports no plugin
 */
export async function loadRegistry(modules: readonly string[], base: string): Promise<Registry> {
  const registry = new Registry(builtins);
  for (const [i, module] of modules.entries()) {
    const address = await addressOf(module, base, `plugins.${i}`);
    let loaded: Record<string, unknown>;
    try {
      loaded = await import(address);
    } catch (error) {
      const [reason] = (error as Error).message.split("\n");
      throw new PluginError(`plugins.${i}: ${module} cannot be imported: ${reason}`);
    }
    const factories = Object.values(loaded).filter(isFactory);
    if (factories.length === 0) {
      throw new PluginError(`plugins.${i}: ${module} exports no plugin; expected what definePlugin returns.`);
    }
    for (const factory of factories) registry.add(factory);
  }
  return registry;
}

/** Where a module is imported from. */
async function addressOf(module: string, base: string, at: string): Promise<string> {
  const file = !/^[a-z][a-z0-9+.-]+:/i.test(module); // a drive has one letter
  const path = resolvePath(base, module);
  if (file && await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return fileUrl(path);
  const named = file && /^[@\w]/.test(module) ? packageNamed(module) : undefined;
  if (named !== undefined) return named;
  throw new OptionError(at, "the path of a file, or a package that the project's own deno.json names", module);
}

/** Where the project's import map says that a package lies, if it names it. */
function packageNamed(name: string): string | undefined {
  try {
    return import.meta.resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * The modules of a configuration as they are found from anywhere: files by their absolute paths.
 *
 * @param modules the entry `plugins`, which {@linkcode loadRegistry} has taken
 * @param base the folder that relative paths count from
 */
export async function absoluteModules(modules: readonly string[], base: string): Promise<string[]> {
  const path = (module: string) => resolvePath(base, module);
  return await Promise.all(modules.map(async (module) => {
    const there = await Deno.stat(path(module)).then(({ isFile }) => isFile, () => false);
    return there ? path(module) : module;
  }));
}
