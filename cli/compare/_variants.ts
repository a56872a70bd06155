/** The variants that `--variants` names. @module */
import { didYouMean, OptionError, type Registry, type Role, rolesOf, siteRoles } from "../../mod.ts";

/** A variant as it was named. */
export interface NamedVariant {
  /** What it is called: its plugin's name, with the options that were given. */
  readonly label: string;
  /** The same as the name of a run. */
  readonly name: string;
  /** Its plugin. */
  readonly plugin: string;
  /** The options that were given. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The net without dropout, which is in every comparison. */
export const NONE = "none";

const sites: readonly Role[] = siteRoles;

/**
 * Reads `dropout,drop-block:block=3:rate=0.1`: names, each with options behind colons, whose values are JSON where they can
 * be, else text.
 *
 * @throws {OptionError} for a name that is unknown, no variant, or there twice
 * @throws {ThinnedError} for an option that the variant refuses
 */
export function readVariants(text: string, registry: Registry): NamedVariant[] {
  const variants = text.split(",").map((part) => part.trim()).filter((part) => part !== NONE)
    .map((part) => readVariant(part, registry));
  if (variants.length === 0) throw new OptionError("--variants", `variants beside ${NONE}`, text);
  for (const [i, { name, label }] of variants.entries()) {
    if (variants.findIndex((other) => other.name === name) < i) {
      throw new OptionError("--variants", "variants that differ", label);
    }
  }
  return variants;
}

function readVariant(text: string, registry: Registry): NamedVariant {
  const [plugin, ...settings] = text.split(":");
  const factory = registry.get(plugin);
  if (factory === undefined) {
    const names = registry.list().map(({ definition }) => definition)
      .filter((definition) => rolesOf(definition).some((role) => sites.includes(role))).map(({ name }) => name);
    throw new OptionError("--variants", "names of variants, parted by commas", plugin, didYouMean(plugin, names));
  }
  const roles = rolesOf(factory.definition);
  if (!roles.some((role) => sites.includes(role))) {
    throw new OptionError(
      "--variants",
      `variants that stand in a model (${sites.join(", ")})`,
      `the ${roles} ${plugin}`,
    );
  }
  const options = Object.fromEntries(settings.map((setting) => readOption(setting, plugin)));
  registry.create({ plugin, ...options }, `--variants: ${plugin}`);
  const suffix = settings.map((setting) => `-${setting}`).join("").replaceAll(/[^A-Za-z0-9_-]/g, "_");
  return { label: text, name: plugin + suffix, plugin, options };
}

function readOption(text: string, plugin: string): [string, unknown] {
  const at = text.indexOf("=");
  if (at <= 0) throw new OptionError(`--variants: ${plugin}`, "option=value, such as rate=0.3", text);
  const raw = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(raw)];
  } catch {
    return [text.slice(0, at), raw];
  }
}
