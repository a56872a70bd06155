/**
 * From JSON to plugins and back: a registry knows plugins by name. Importing a plugin registers nothing; a registry is
 * made from a list.
 *
 * @module
 */
import { didYouMean } from "../did_you_mean.ts";
import { OptionError, PluginError, show } from "../errors.ts";
import { instantiate, isFactory, rolesOf } from "./define.ts";
import { isPlugin } from "./is_plugin.ts";
import { isOverflow } from "./locate.ts";
import type { AnyFactory, Plugin, Role } from "./plugin.ts";

/** Plugins by name. */
export class Registry {
  readonly #factories = new Map<string, AnyFactory>();

  /**
   * A registry of some plugins.
   *
   * @param factories the plugins it begins with
   */
  constructor(factories: Iterable<AnyFactory> = []) {
    for (const factory of factories) this.add(factory);
  }

  /**
   * Adds a plugin.
   *
   * @throws {PluginError} when another plugin has its name, or it was not made by `definePlugin`
   */
  add(factory: AnyFactory): void {
    if (!isFactory(factory)) {
      throw new PluginError(`Registry: expected what definePlugin returns, found ${show(factory)}.`);
    }
    const name = factory.definition.name;
    const present = this.#factories.get(name);
    if (present !== undefined && present !== factory) {
      throw new PluginError(`Registry: two plugins are named ${show(name)}.`);
    }
    this.#factories.set(name, factory);
  }

  /** All plugins, or those that serve a role, by name. */
  list(role?: Role): AnyFactory[] {
    return [...this.#factories.values()]
      .filter((factory) => role === undefined || rolesOf(factory.definition).includes(role))
      .sort((a, b) => a.definition.name < b.definition.name ? -1 : 1);
  }

  /** The plugin of a name, if it is known. */
  get(name: string): AnyFactory | undefined {
    return this.#factories.get(name);
  }

  /**
   * Makes a plugin from `{ "plugin": NAME, ...options }`. Options that are themselves such objects become plugins first.
   *
   * @param json the description
   * @param path where it stands, for errors
   * @throws {PluginError} when the name is unknown; the message names the nearest known ones
   * @throws {OptionError} when an option is refused, with its path
   */
  create(json: unknown, path: string): Plugin {
    try {
      return this.#create(json, path);
    } catch (error) {
      if (!isOverflow(error)) throw error;
      throw new PluginError(`${path}: expected plugins nested less deeply: the call stack is full.`, { cause: error });
    }
  }

  #create(json: unknown, path: string): Plugin {
    if (isPlugin(json)) return json;
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw new OptionError(path, 'an object such as { "plugin": "dense", ... }', json);
    }
    const { plugin, ...options } = json as Record<string, unknown>;
    if (typeof plugin !== "string") throw new OptionError(`${path}.plugin`, "the name of a plugin", plugin);
    const factory = this.#factories.get(plugin);
    if (factory === undefined) {
      throw new PluginError(`${path}.plugin: unknown plugin ${show(plugin)}${this.hint(plugin)}`);
    }
    return instantiate(factory.definition, this.#nested(options, path) as Record<string, unknown>, path);
  }

  #nested(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return value.map((entry, i) => this.#nested(entry, `${path}.${i}`));
    if (typeof value !== "object" || value === null || isPlugin(value)) return value;
    if (path !== "" && "plugin" in value) return this.#create(value, path);
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, this.#nested(entry, path === "" ? key : `${path}.${key}`)]),
    );
  }

  /** The end of an error about a name that is not known: the nearest ones, or where all are told. */
  hint(name: string): string {
    return didYouMean(name, this.#factories.keys()) || '; the command "plugins" lists those that are known.';
  }
}
