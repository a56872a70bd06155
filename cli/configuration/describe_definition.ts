/** What a plugin's definition says of itself, for lists and tables. @module */
import { type AnyDefinition, type Claims, type Paper, type Role, rolesOf } from "../../core/mod.ts";
import { describeType } from "./describe_type.ts";
import { type JsonSchema, optionSchemas } from "./json_schema.ts";

/** One option of a plugin. */
export interface OptionTold {
  /** Its name. */
  readonly name: string;
  /** Whether it must be given. */
  readonly required: boolean;
  /** What it is when it is not given; undefined where nothing stands for it. */
  readonly default: unknown;
  /** What it takes, in words. */
  readonly type: string;
  /** What it takes, as JSON Schema; a plugin as `{ roles }`. */
  readonly schema: JsonSchema;
  /** What it means; empty where its schema says nothing. */
  readonly description: string;
}

/** A plugin as it is told of. */
export interface PluginTold {
  /** Its name. */
  readonly name: string;
  /** What it can be used as. */
  readonly roles: readonly Role[];
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Where its formula comes from. */
  readonly paper: Paper | undefined;
  /** What it claims with its default options. */
  readonly claims: Claims | undefined;
  /** Its options, in the order of their schema. */
  readonly options: readonly OptionTold[];
}

/** Tells of a plugin what its definition says. */
export function describeDefinition(definition: AnyDefinition): PluginTold {
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

/** What a plugin claims with its default options. */
function claimsAtDefaults({ claims, options }: AnyDefinition): Claims | undefined {
  if (typeof claims !== "function") return claims;
  const defaults = options.safeParse({});
  return defaults.success ? claims(defaults.data) : undefined;
}
