/** A model's description as plain JSON, and back. @module */
import { CheckpointError, show } from "../errors.ts";
import { isPlugin } from "../plugin/is_plugin.ts";

/** Stands for a number that JSON does not have. */
const NUMBER = "$number";

/**
 * A value as plain JSON: plugins as `{ plugin, name?, ...options }`, numbers that JSON does not have as `{ "$number" }`.
 *
 * @param path where it stands, for errors
 * @throws {CheckpointError} naming what cannot be written, such as a function
 */
export function plain(value: unknown, path: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [NUMBER]: Object.is(value, -0) ? "-0" : `${value}` };
  }
  if (Array.isArray(value)) return value.map((entry, i) => plain(entry, `${path}.${i}`));
  if (isPlugin(value)) return entries(value.toJSON(), path);
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return entries(value as Record<string, unknown>, path);
  }
  throw new CheckpointError(`A model cannot be saved: expected plain data in ${path}, found ${show(value)}.`);
}

function entries(object: Record<string, unknown>, path: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, plain(value, path === "" ? name : `${path}.${name}`)]),
  );
}

/** JSON with the numbers that it does not have put back. */
export function revived(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(revived);
  const keys = Object.keys(json);
  if (keys.length === 1 && keys[0] === NUMBER) return Number((json as Record<string, unknown>)[NUMBER]);
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, revived(value)]));
}
