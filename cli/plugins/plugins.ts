/** `plugins`: what there is, by role, and the JSON Schema of configurations. @module */
import { didYouMean, OptionError, PluginError, type Role, roles } from "../../mod.ts";
import { columns } from "../print/columns.ts";
import { pluginsCommand } from "../arguments/commands/plugins.ts";
import type { Outcome } from "../arguments/deliver.ts";
import { describeDefinition, type PluginTold } from "../configuration/describe_definition.ts";
import { invocation } from "../arguments/invocation.ts";
import { configJsonSchema } from "../configuration/json_schema.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { pluginTable } from "../print/plugin_table.ts";
import { readArguments } from "../arguments/read_arguments.ts";

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
    const listed = registry.list(role as Role | undefined).map(({ definition }) => describeDefinition(definition));
    return {
      json: { plugins: listed },
      text: `${pluginTable(listed)}\n\n${invocation("plugins NAME")} says more of one.\n`,
    };
  }
  const factory = registry.get(name);
  if (factory === undefined) {
    const guess = didYouMean(name, registry.list().map(({ definition }) => definition.name)) ||
      `; "${invocation("plugins")}" lists them.`;
    throw new PluginError(`plugins: there is no plugin named ${JSON.stringify(name)}${guess}`);
  }
  const plugin = describeDefinition(factory.definition);
  return { json: plugin, text: show(plugin) };
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
