/**
 * Making plugins: {@linkcode definePlugin} checks a definition and returns its factory, which checks options.
 *
 * @module
 */
import { z } from "zod";
import { type Epilogue, epilogues } from "../backend/epilogue.ts";
import { OptionError, PluginError, show } from "../errors.ts";
import { brand, isPlugin } from "./is_plugin.ts";
import { parseOptions } from "./options.ts";
import {
  type AnyDefinition,
  type AnyFactory,
  type Definition,
  type Factory,
  partsOfRole,
  type Plugin,
  type Role,
  roles,
} from "./plugin.ts";

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

/** Whether a value is a factory made by {@linkcode definePlugin}. */
export function isFactory(value: unknown): value is AnyFactory {
  return typeof value === "function" && brand in value;
}

/** A part of a definition by its name. */
function partOf(definition: AnyDefinition, name: string): unknown {
  return (definition as unknown as Record<string, unknown>)[name];
}

/** The roles that a definition serves, by the parts it has. */
export function rolesOf(definition: AnyDefinition): Role[] {
  return roles.filter((role) => partOf(definition, partsOfRole[role].method) !== undefined);
}

/** What every definition may have. */
const commonParts = new Set([
  "name",
  "summary",
  "paper",
  "options",
  "positional",
  "claims",
  "cases",
  "init",
  "penalty",
  "kernels",
]);

/** Refuses parts that no role of the definition has, and parts of the wrong kind. */
function checkParts(definition: AnyDefinition, served: readonly Role[]): void {
  const { name } = definition;
  const known = new Set(served.flatMap((role) => [partsOfRole[role].method, ...partsOfRole[role].others]));
  for (const part of Object.keys(definition)) {
    if (commonParts.has(part) || known.has(part)) continue;
    const owners = roles.filter((role) => partsOfRole[role].others.includes(part));
    const of = owners.length === 0 ? "" : `; it belongs to ${owners.join(" or ")}`;
    throw new PluginError(`Plugin ${show(name)} serves ${served.join(", ")} and has no part ${show(part)}${of}.`);
  }
  for (const role of served) {
    const part = partOf(definition, partsOfRole[role].method);
    const mask = (part as { mask?: unknown } | null)?.mask;
    if (typeof part === "function" || (typeof mask === "function" && maskRoles.has(role))) continue;
    const or = maskRoles.has(role) ? " or { mask }" : "";
    throw new PluginError(
      `Plugin ${show(name)}: expected ${partsOfRole[role].method} to be a method${or}, found ${show(part)}.`,
    );
  }
}

/** Parts that are no methods, and what they may be instead. */
const plainParts: Readonly<Record<string, { readonly expected: string; readonly fits: (part: unknown) => boolean }>> = {
  fuses: { expected: "true or false", fits: (part) => typeof part === "boolean" },
  handsOn: { expected: "true or false", fits: (part) => typeof part === "boolean" },
  mixesTargets: { expected: "true or false", fits: (part) => typeof part === "boolean" },
  mixesRows: {
    expected: "true, false or a method",
    fits: (part) => typeof part === "boolean" || typeof part === "function",
  },
  epilogue: { expected: `one of ${epilogues.join(", ")}`, fits: (part) => epilogues.includes(part as Epilogue) },
  targets: { expected: "classes or numbers", fits: (part) => part === "classes" || part === "numbers" },
  pytorch: { expected: "names by name", fits: (part) => typeof part === "object" && part !== null },
  module: { expected: "the address of a module", fits: (part) => typeof part === "string" },
};

/** Parts that are of no use without another. */
const pairs: readonly (readonly [Role, string, string])[] = [
  ["schedule", "epoch", "initial"],
  ["schedule", "initial", "epoch"],
  ["average", "weights", "track"],
  ["average", "weights", "slots"],
];

/** Refuses parts of the wrong kind, and parts without those that they need. */
function checkOthers(definition: AnyDefinition, served: readonly Role[]): void {
  const { name } = definition;
  for (const part of new Set(["init", "penalty", ...served.flatMap((role) => partsOfRole[role].others)])) {
    const value = partOf(definition, part);
    const { expected, fits } = plainParts[part] ??
      { expected: "a method", fits: (part: unknown) => typeof part === "function" };
    if (value === undefined || fits(value)) continue;
    throw new PluginError(`Plugin ${show(name)}: expected ${part} to be ${expected}, found ${show(value)}.`);
  }
  for (const [role, part, needed] of pairs) {
    if (!served.includes(role) || partOf(definition, part) === undefined) continue;
    if (partOf(definition, needed) !== undefined) continue;
    throw new PluginError(`Plugin ${show(name)}: expected ${show(needed)} beside ${show(part)}, found undefined.`);
  }
}

const maskRoles: ReadonlySet<Role> = new Set(["activation", "weight", "recurrent", "branch", "attention", "embedding"]);

/** Refuses a schema whose keys cannot be told from a plugin's own. */
function checkSchema(definition: AnyDefinition): z.ZodObject {
  const { name, options } = definition;
  if (!(options instanceof z.ZodObject)) {
    throw new PluginError(`Plugin ${show(name)}: expected options made by z.object(), found ${show(options)}.`);
  }
  for (const key of ["name", "plugin"]) {
    if (key in options.shape) {
      throw new PluginError(`Plugin ${show(name)}: an option cannot be called ${show(key)}, which every plugin has.`);
    }
  }
  const stray = definition.positional?.find((key) => !(key in options.shape));
  if (stray !== undefined) {
    throw new PluginError(`Plugin ${show(name)}: the positional option ${show(stray)} is not among its options.`);
  }
  return options;
}

/**
 * Defines a plugin: checks the definition and returns its factory. The factory's type is written out, and says the roles and
 * the interface of the options; the compiler holds the definition to it.
 *
 * @throws {PluginError} when the name is not kebab-case, there is no method, or a part belongs to another role
 *
 * @example
 * ```ts
 * import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "@thinned/dropout";
 * import { z } from "zod";
 *
 * const coinDropout: Factory<"activation", { rate?: Scheduled }> = definePlugin({
 *   name: "coin-dropout",
 *   options: z.object({ rate: scheduled(rateSchema).default(0.5) }),
 *   activation: { mask: ({ key, options }) => ({ key, rate: options.rate }) },
 *   claims: { mean: "kept", eval: "identity" },
 * });
 * coinDropout({ rate: 0.3 });
 * ```
 */
export function definePlugin<
  R extends Role = never,
  Input = never,
  Options = unknown,
  Names extends readonly (keyof Input)[] = [],
  Shape = unknown,
>(
  definition: Definition<R, Input, Options, Shape>,
): Factory<R, Input, Names> {
  const any = definition as unknown as AnyDefinition;
  if (typeof any.name !== "string" || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(any.name)) {
    throw new PluginError(`definePlugin: expected a name in kebab-case, found ${show(any.name)}.`);
  }
  const served = rolesOf(any);
  if (served.length === 0) {
    const methods = roles.map((role) => partsOfRole[role].method).join(", ");
    throw new PluginError(`Plugin ${show(any.name)} serves nothing: expected one of the methods ${methods}.`);
  }
  checkParts(any, served);
  checkOthers(any, served);
  const strict = Object.freeze({ ...any, options: checkSchema(any).strict() });
  const positional = (any.positional ?? []) as readonly string[];
  const factory = (...args: unknown[]): Plugin => {
    const given = args.slice(positional.length);
    if (given.length > 1) {
      throw new OptionError(any.name, `at most ${positional.length + 1} arguments`, args.length);
    }
    const rest = given[0] ?? {};
    if (typeof rest !== "object" || rest === null || Array.isArray(rest) || isPlugin(rest)) {
      throw new OptionError(any.name, "an object with options", rest);
    }
    const input: Record<string, unknown> = { ...rest };
    positional.forEach((name, i) => {
      if (args[i] === undefined) return;
      if (input[name] !== undefined) {
        throw new OptionError(
          `${any.name}.${name}`,
          `one value, ${show(args[i])} by its position or that by its name`,
          input[name],
        );
      }
      input[name] = args[i];
    });
    return new Instance(strict, input, any.name);
  };
  return Object.assign(factory, { definition: strict, [brand]: true }) as unknown as Factory<R, Input, Names>;
}

/** Makes a plugin of any definition from an options object, with `path` in the errors. */
export function instantiate(definition: AnyDefinition, input: Readonly<Record<string, unknown>>, path: string): Plugin {
  return new Instance(definition, input, path);
}
