/** Checks of the options: that a plugin is as good as its JSON, and that wrong options are refused. @module */
import {
  type AnyFactory,
  definePlugin,
  type Definition,
  isPlugin,
  OptionError,
  type Plugin,
  Registry,
} from "../../core/mod.ts";
import { ensure } from "../report.ts";
import { atRate, type Options, rateNames } from "../rates.ts";
import { claimsOf, makePlugin } from "../trial.ts";

/** One plugin with options. */
export interface OptionTrial {
  readonly label: string;
  readonly factory: AnyFactory;
  readonly options: Options;
}

/** `toJSON` and back through a registry gives the same plugin, at several rates. */
export function roundTrip({ factory, options }: OptionTrial): string {
  const plugin = makePlugin(factory, options);
  const names = rateNames(factory.definition, claimsOf(factory.definition, plugin));
  const each = [plugin, plugin.with({ name: "other-name" }), plugin.with(atRate(names, 0.25))];
  for (const original of each) {
    const json = JSON.stringify(original);
    const made = registryOf(factory, original).create(JSON.parse(json), "plugin");
    ensure(JSON.stringify(made) === json, () => `expected ${json} back from a registry, found ${JSON.stringify(made)}`);
    ensure(made.plugin === original.plugin, `expected a ${original.plugin} back from a registry, found ${made.plugin}`);
  }
  return "options come back from JSON as they were";
}

/** A registry that knows a plugin and all that stand among its options. */
function registryOf(factory: AnyFactory, plugin: Plugin): Registry {
  const registry = new Registry([factory]);
  const visit = (value: unknown): void => {
    if (isPlugin(value)) {
      // An instance has its definition, not its factory: one is made of it.
      if (registry.get(value.plugin) === undefined) {
        registry.add(definePlugin(value.definition as unknown as Definition<never, never, never>) as AnyFactory);
      }
      visit(value.options);
    } else if (typeof value === "object" && value !== null) {
      Object.values(value).forEach(visit);
    }
  };
  visit(plugin.options);
  return registry;
}

/** Unknown options and rates outside of [0, 1] are refused, by name. */
export function refusals({ factory, options }: OptionTrial): string {
  const refuses = (name: string, value: unknown) => {
    const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
    try {
      makePlugin(factory, { ...options, [name]: value });
    } catch (error) {
      const named = error instanceof OptionError && error.message.includes(name);
      ensure(named, `expected an OptionError that names ${name} for ${shown}, found ${error}`);
      return;
    }
    ensure(false, `expected ${name}: ${shown} to be refused, found it accepted`);
  };
  refuses("noSuchOption", 1);
  const names = rateNames(factory.definition, claimsOf(factory.definition, makePlugin(factory, options)));
  for (const name of names) {
    for (const value of [-0.1, 1.1, NaN, Infinity, "0.5", null]) refuses(name, value);
  }
  const more = names.length === 0 ? "" : `, and values of ${names.join(", ")} outside of [0, 1]`;
  return `unknown options are refused${more}`;
}
