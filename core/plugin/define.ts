/**
 * Making plugins: {@linkcode definePlugin} checks a definition and returns its factory, which checks options.
 *
 * @module
 */
import { z } from "zod";
import { OptionError, PluginError, show } from "../errors.ts";
import { parseOptions } from "./options.ts";
import {
  type AnyDefinition,
  type AnyFactory,
  type Definition,
  type Factory,
  methodOfRole,
  type Plugin,
  type Role,
  roles,
} from "./plugin.ts";

const brand = Symbol.for("thinned.plugin");

class Instance implements Plugin {
  readonly [brand] = true;
  readonly plugin: string;
  readonly name: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  readonly definition: AnyDefinition;
  readonly serves: Record<string, true>;

  constructor(definition: AnyDefinition, input: Readonly<Record<string, unknown>>, path: string) {
    const { name, ...options } = input;
    if (name !== undefined && (typeof name !== "string" || !/^[A-Za-z0-9_-]+$/.test(name))) {
      throw new OptionError(`${path}.name`, "letters, digits, _ and -", name);
    }
    this.definition = definition;
    this.plugin = definition.name;
    this.name = name as string | undefined;
    this.options = Object.freeze(parseOptions(definition.options, options, path) as Record<string, unknown>);
    this.serves = Object.fromEntries(rolesOf(definition).map((role) => [role, true] as const));
    Object.freeze(this);
  }

  with(changes: Readonly<Record<string, unknown>>): Plugin {
    return new Instance(this.definition, { ...this.options, name: this.name, ...changes }, this.plugin);
  }

  toJSON(): Record<string, unknown> {
    return { plugin: this.plugin, ...(this.name === undefined ? {} : { name: this.name }), ...this.options };
  }
}

/** Whether a value is a plugin, and serves one of the roles if any are named. */
export function isPlugin<R extends Role = never>(value: unknown, ...wanted: readonly R[]): value is Plugin<R> {
  if (typeof value !== "object" || value === null || !(brand in value)) return false;
  return wanted.length === 0 || wanted.some((role) => role in (value as Instance).serves);
}

/** Whether a value is a factory made by {@linkcode definePlugin}. */
export function isFactory(value: unknown): value is AnyFactory {
  return typeof value === "function" && brand in value;
}

/** The roles that a definition serves, by the methods it has. */
export function rolesOf(definition: AnyDefinition): Role[] {
  return roles.filter((role) => typeof definition[methodOfRole[role]] === "function");
}

/**
 * Defines a plugin: checks the definition and returns its factory.
 *
 * @throws {PluginError} when the name is not kebab-case or there is no method
 *
 * @example
 * ```ts
 * import { definePlugin, type Factory, rateSchema, scheduled } from "@thinned/dropout";
 * import { z } from "zod";
 *
 * const coinDropout: Factory<"activation", { rate?: number }> = definePlugin({
 *   name: "coin-dropout",
 *   options: z.object({ rate: scheduled(rateSchema).default(0.5) }),
 *   activation: (x, { mode, key, options }) => mode === "eval" ? x : x.dropout(key, options.rate),
 *   claims: { mean: "kept", eval: "identity" },
 * });
 * coinDropout({ rate: 0.3 });
 * ```
 */
export function definePlugin<R extends Role, Input, Options, Positional extends readonly unknown[] = []>(
  definition: Definition<R, Input, Options>,
): Factory<R, Input, Positional> {
  const any = definition as unknown as AnyDefinition;
  if (typeof any.name !== "string" || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(any.name)) {
    throw new PluginError(`definePlugin: expected a name in kebab-case, found ${show(any.name)}.`);
  }
  if (rolesOf(any).length === 0) {
    const methods = Object.values(methodOfRole).join(", ");
    throw new PluginError(`Plugin ${show(any.name)} serves nothing: expected one of the methods ${methods}.`);
  }
  if (!(any.options instanceof z.ZodObject)) {
    throw new PluginError(`Plugin ${show(any.name)}: expected options made by z.object(), found ${show(any.options)}.`);
  }
  const strict = Object.freeze({ ...any, options: any.options.strict() });
  const positional = any.positional ?? [];
  const factory = (...args: unknown[]): Plugin => {
    const input: Record<string, unknown> = {};
    positional.forEach((name, i) => {
      if (args[i] !== undefined) input[name] = args[i];
    });
    const rest = args[positional.length] ?? {};
    if (typeof rest !== "object" || rest === null || Array.isArray(rest) || isPlugin(rest)) {
      throw new OptionError(any.name, "an object with options", rest);
    }
    return new Instance(strict, { ...input, ...rest }, any.name);
  };
  return Object.assign(factory, { definition: strict, [brand]: true }) as unknown as Factory<R, Input, Positional>;
}

/** Makes a plugin of any definition from an options object, with `path` in the errors. */
export function instantiate(definition: AnyDefinition, input: Readonly<Record<string, unknown>>, path: string): Plugin {
  return new Instance(definition, input, path);
}
