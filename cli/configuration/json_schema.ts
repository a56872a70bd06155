/** JSON Schemas of options and configurations, from the schemas of the plugins. @module */
import { type AnyDefinition, type Registry, type Role, rolesOf } from "../../core/mod.ts";
import { z } from "zod";
import { configSchema } from "./config.ts";

/** A JSON Schema, or a part of one. */
export interface JsonSchema {
  [keyword: string]: unknown;
}

/** What stands in a schema in the place of a plugin. */
type Reference = (roles: readonly Role[], short: boolean) => JsonSchema;

/** What the schemas of options say of themselves beside what zod knows: see `part`, `scheduled` and `pathOption`. */
interface Marks {
  /** A plugin that serves one of these. */
  roles?: readonly Role[];
  /** Whether its name alone is enough. */
  short?: boolean;
  /** A number that may also be a schedule. */
  scheduled?: z.ZodType;
}

/** A zod schema as a JSON Schema of what may be given. */
function convert(schema: z.ZodType, reference: Reference): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      const { roles, short = false, scheduled } = jsonSchema as Marks;
      for (const mark of ["roles", "short", "scheduled"]) delete jsonSchema[mark];
      if (roles !== undefined) {
        delete jsonSchema.anyOf;
        Object.assign(jsonSchema, reference(roles, short));
      }
      if (scheduled !== undefined) {
        Object.assign(jsonSchema, { anyOf: [convert(scheduled, reference), reference(["schedule"], false)] });
      }
      // The ends of what a number holds exactly are no bounds of an option.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return json;
}

/**
 * The options of a plugin as JSON Schemas, by name.
 *
 * @param reference what stands in the place of a plugin. Default: `{ roles }`, the roles that it may serve
 */
export function optionSchemas(
  { options }: AnyDefinition,
  reference: Reference = (roles) => ({ roles }),
): { properties: Record<string, JsonSchema>; required: readonly string[] } {
  const { properties = {}, required = [] } = convert(options as z.ZodType, reference);
  return { properties: properties as Record<string, JsonSchema>, required: required as string[] };
}

/**
 * The JSON Schema of configurations, with all plugins of a registry.
 *
 * @param registry the plugins that configurations know
 */
export function configJsonSchema(registry: Registry): JsonSchema {
  const plugins = registry.list().map(({ definition }) => definition);
  const definitions: Record<string, JsonSchema> = {};
  const serving = (roles: readonly Role[]) =>
    plugins.filter((plugin) => rolesOf(plugin).some((r) => roles.includes(r)));
  const reference: Reference = (roles, short) => {
    const name = `${roles.join("-or-")}${short ? "-or-name" : ""}`;
    if (name in definitions) return { $ref: `#/$defs/${name}` };
    const refs = serving(roles).map((plugin) => ({ $ref: `#/$defs/plugin:${plugin.name}` }));
    const names = serving(roles).filter(({ options }) => options.safeParse({}).success).map((plugin) => plugin.name);
    definitions[name] = short
      ? { anyOf: [...(names.length === 0 ? [] : [{ enum: names }]), reference(roles, false)] }
      : refs.length === 0
      ? { not: {} }
      : { anyOf: refs };
    return { $ref: `#/$defs/${name}` };
  };
  for (const definition of plugins) {
    const { properties, required } = optionSchemas(definition, reference);
    definitions[`plugin:${definition.name}`] = {
      type: "object",
      description: definition.summary ?? "",
      properties: {
        plugin: { const: definition.name },
        name: {
          type: "string",
          pattern: "^[A-Za-z0-9_-]+$",
          description: "a name of its own, in place of its position",
        },
        ...properties,
      },
      required: ["plugin", ...required],
      additionalProperties: false,
    };
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A configuration of Thinned",
    ...convert(configSchema, reference),
    $defs: definitions,
  };
}
