/** A model's description as plain JSON, and back. @module */
import { CheckpointError, show } from "../errors.ts";
import { isPlugin } from "../plugin/define.ts";
import { scheduledValue } from "../plugin/schedule_memory.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";

/** Stands for a number that JSON does not have. */
const NUMBER = "$number";

/**
 * A value as plain JSON: plugins as `{ plugin, name?, ...options }`, numbers that JSON does not have as `{ "$number" }`.
 *
 * @param path where it stands, for errors
 * @param progress the moment at which schedules among a plugin's options are replaced by their values; else they stay
 * @throws {CheckpointError} naming what cannot be written, such as a function
 */
export function plain(value: unknown, path: string, progress?: Progress): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [NUMBER]: Object.is(value, -0) ? "-0" : `${value}` };
  }
  if (Array.isArray(value)) return value.map((entry, i) => plain(entry, `${path}.${i}`, progress));
  if (isPlugin(value)) return plainPlugin(value, path, progress);
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return entries(value as Record<string, unknown>, path, progress);
  }
  throw new CheckpointError(`A model cannot be saved: expected plain data in ${path}, found ${show(value)}.`);
}

function plainPlugin(plugin: Plugin, path: string, progress?: Progress): Record<string, unknown> {
  const isSchedule = isPlugin(plugin, "schedule");
  const now = Object.entries(plugin.toJSON()).map(([name, value]) => {
    if (progress === undefined || isSchedule || !isPlugin(value, "schedule")) return [name, value] as const;
    return [name, scheduledValue(value, progress, `${path}.${name}`)] as const;
  });
  return entries(Object.fromEntries(now), path, progress);
}

function entries(object: Record<string, unknown>, path: string, progress?: Progress): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, plain(value, path === "" ? name : `${path}.${name}`, progress)]),
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
