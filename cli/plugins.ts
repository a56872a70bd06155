/** `plugins`: what there is, by role, and the JSON Schema of configurations. @module */
import {
  type AnyDefinition,
  type Claims,
  didYouMean,
  OptionError,
  type Paper,
  PluginError,
  type Role,
  roles,
  rolesOf,
} from "../mod.ts";
import { columns } from "./_columns.ts";
import { pluginsCommand } from "./commands.ts";
import type { Outcome } from "./deliver.ts";
import { describeType } from "./describe_type.ts";
import { invocation } from "./invocation.ts";
import { configJsonSchema, type JsonSchema, optionSchemas } from "./json_schema.ts";
import { loadRegistry } from "./load_registry.ts";
import { readArguments } from "./read_arguments.ts";
import { table } from "./_table.ts";

/** Runs `plugins [NAME] [--role ROLE] [--plugin FILE]... [--schema]`. */
export async function plugins(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, pluginsCommand);
  const role = given.value("role");
  if (role !== undefined && !roles.includes(role as Role)) {
    throw new OptionError("--role", `one of ${roles.join(", ")}`, role, didYouMean(role, roles));
  }
  const registry = await loadRegistry(given.list("plugin"), Deno.cwd());
  const [name] = given.words;
  if (given.has("schema")) {
    if (name !== undefined) throw new OptionError("plugins", "nothing beside --schema", name);
    const schema = configJsonSchema(registry);
    return { json: schema, text: JSON.stringify(schema, null, 2) + "\n" };
  }
  if (name === undefined) {
    const listed = registry.list(role as Role | undefined).map(({ definition }) => describe(definition));
    const rows = listed.map((plugin) => [plugin.name, plugin.roles.join(", "), plugin.summary]);
    return {
      json: { plugins: listed },
      text: `${table(rows, ["plugin", "serves as", "what it does"])}\n\n` +
        `${invocation("plugins NAME")} shows the options of one.\n`,
    };
  }
  const factory = registry.get(name);
  if (factory === undefined) {
    const guess = didYouMean(name, registry.list().map(({ definition }) => definition.name)) ||
      `; "${invocation("plugins")}" lists them.`;
    throw new PluginError(`plugins: there is no plugin named ${JSON.stringify(name)}${guess}`);
  }
  const plugin = describe(factory.definition);
  return { json: plugin, text: show(plugin) };
}

/** One option of a plugin. */
interface OptionTold {
  readonly name: string;
  readonly required: boolean;
  readonly default: unknown;
  /** What it takes, in words. */
  readonly type: string;
  /** What it takes, as JSON Schema; a plugin as `{ roles }`. */
  readonly schema: JsonSchema;
  readonly description: string;
}

/** A plugin as it is shown. */
interface PluginTold {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly summary: string;
  readonly paper: Paper | undefined;
  readonly claims: Claims | undefined;
  readonly options: readonly OptionTold[];
}

function describe(definition: AnyDefinition): PluginTold {
  const { properties, required } = optionSchemas(definition);
  return {
    name: definition.name,
    roles: rolesOf(definition),
    summary: definition.summary ?? "",
    paper: definition.paper,
    claims: claimsAtDefaults(definition),
    options: Object.entries(properties).map(([name, { default: value, description, ...schema }]) => ({
      name,
      required: required.includes(name),
      default: value,
      type: describeType(schema),
      schema,
      description: String(description ?? ""),
    })),
  };
}

/** A plugin for a person. */
function show({ name, roles, summary, paper, options }: PluginTold): string {
  const from = paper === undefined
    ? ""
    : `\n${paper.authors} (${paper.year}): ${paper.title}. ${paper.url ?? ""}`.trimEnd() + "\n";
  const rows = options.map((option) => {
    const otherwise = option.required
      ? "; must be given"
      : option.default === undefined
      ? "; may be left out"
      : ` (default: ${JSON.stringify(option.default)})`;
    return [option.name, `${option.description || "see its documentation"}: ${option.type}${otherwise}`] as const;
  });
  const listed = rows.length === 0 ? "It has no options.\n" : `options:\n\n${columns(rows)}\n`;
  const needed = options.filter((option) => option.required).map((option) => `, ${JSON.stringify(option.name)}: ...`);
  return `${name}: ${summary}\nserves as ${roles.join(", ")}\n${from}\n${listed}\n` +
    `in a configuration: { "plugin": ${JSON.stringify(name)}${needed.join("")} }\n`;
}

/** What a plugin claims with its default options. */
function claimsAtDefaults({ claims, options }: AnyDefinition): Claims | undefined {
  if (typeof claims !== "function") return claims;
  const defaults = options.safeParse({});
  return defaults.success ? claims(defaults.data) : undefined;
}
