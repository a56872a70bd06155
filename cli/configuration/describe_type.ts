/** What an option takes, in words. @module */
import type { JsonSchema } from "./json_schema.ts";

/** What a JSON Schema accepts, as a person would say it: `whole number of at least 1`. */
export function describeType(schema: JsonSchema): string {
  const { type, anyOf, enum: values, roles, path } = schema as {
    type?: string;
    anyOf?: JsonSchema[];
    enum?: unknown[];
    roles?: string[];
    path?: string;
  };
  if (roles !== undefined) return `${roles.join(" or ")} plugin`;
  if (anyOf !== undefined) return either([...new Set(anyOf.map(describeType))]);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (values !== undefined) return either(values.map((value) => JSON.stringify(value)));
  if (path !== undefined) return `path of a ${path}`;
  if (type === "integer") return `whole number${bounds(schema)}`;
  if (type === "number") return `number${bounds(schema)}`;
  if (type === "boolean") return "true or false";
  if (type === "string") return "text";
  if (type === "array") return list(schema);
  if (type === "object") return fields(schema);
  return "any value";
}

/** `a, b or c`. */
function either(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  if (low !== undefined && high !== undefined) {
    return ` in ${minimum === undefined ? "(" : "["}${low}, ${high}${maximum === undefined ? ")" : "]"}`;
  }
  if (low !== undefined) return minimum === undefined ? ` above ${low}` : ` of at least ${low}`;
  return high === undefined ? "" : maximum === undefined ? ` below ${high}` : ` of at most ${high}`;
}

function list({ items, prefixItems, minItems, maxItems }: JsonSchema): string {
  if (Array.isArray(prefixItems)) return `[${prefixItems.map(describeType).join(", ")}]`;
  const what = items === undefined ? "any values" : describeType(items as JsonSchema);
  const count = minItems !== undefined && minItems === maxItems ? `${minItems}: ` : "";
  return `list of ${count}${/ or |, /.test(what) ? `(${what})` : what}`;
}

function fields({ properties, required = [], additionalProperties }: JsonSchema): string {
  if (typeof properties !== "object" || properties === null) {
    return typeof additionalProperties === "object" && additionalProperties !== null
      ? `object of ${describeType(additionalProperties as JsonSchema)} by name`
      : "object";
  }
  const parts = Object.entries(properties as Record<string, JsonSchema>).map(([name, schema]) =>
    `${name}${(required as string[]).includes(name) ? "" : "?"}: ${describeType(schema)}`
  );
  return `{ ${parts.join(", ")} }`;
}
