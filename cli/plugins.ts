/** `plugins`: what there is, by role. @module */
import { builtins, type Claims, OptionError, PluginError, Registry, type Role, roles, rolesOf } from "../mod.ts";
import type { z } from "zod";
import { pluginsCommand } from "./commands.ts";
import { readArguments } from "./read_arguments.ts";
import type { Outcome } from "./deliver.ts";
import { table } from "./_table.ts";

/** Runs `plugins [NAME] [--role ROLE]`. */
export function plugins(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, pluginsCommand);
  const role = given.value("role");
  if (role !== undefined && !roles.includes(role as Role)) throw new OptionError("--role", roles.join(", "), role);
  const registry = new Registry(builtins);
  const listed = registry.list(role as Role | undefined).map((factory) => describe(factory.definition));
  const name = given.words[0];
  if (name === undefined) {
    const rows = listed.map((plugin) => [plugin.name, plugin.roles.join(", "), plugin.summary]);
    return Promise.resolve({
      json: { plugins: listed },
      text: table(rows, ["plugin", "serves as", "what it does"]) + "\n",
    });
  }
  const plugin = listed.find((plugin) => plugin.name === name);
  if (plugin === undefined) {
    throw new PluginError(`plugins: there is no plugin named ${JSON.stringify(name)}; "deno task plugins" lists them.`);
  }
  const paper = plugin.paper === undefined
    ? ""
    : `\n${plugin.paper.authors} (${plugin.paper.year}): ${plugin.paper.title}. ${plugin.paper.url ?? ""}\n`;
  const rows = plugin.options.map((option) => [
    option.name,
    option.default === undefined ? "" : JSON.stringify(option.default),
    option.description,
  ]);
  const options = rows.length === 0 ? "no options" : table(rows, ["option", "default", "meaning"]);
  return Promise.resolve({
    json: plugin,
    text: `${plugin.name}: ${plugin.summary}\nserves as ${plugin.roles.join(", ")}\n${paper}\n${options}\n`,
  });
}

function describe(definition: Parameters<typeof rolesOf>[0]) {
  const shape = (definition.options as z.ZodObject).shape as Record<string, z.ZodType>;
  return {
    name: definition.name,
    roles: rolesOf(definition),
    summary: definition.summary ?? "",
    paper: definition.paper,
    claims: claimsAtDefaults(definition),
    options: Object.entries(shape).map(([name, schema]) => {
      const empty = schema.safeParse(undefined);
      return {
        name,
        required: !empty.success,
        default: empty.success ? empty.data : undefined,
        description: schema.description ?? "",
      };
    }),
  };
}

/** What a plugin claims with its default options. */
function claimsAtDefaults({ claims, options }: Parameters<typeof rolesOf>[0]): Claims | undefined {
  if (typeof claims !== "function") return claims;
  const defaults = options.safeParse({});
  return defaults.success ? claims(defaults.data) : undefined;
}
