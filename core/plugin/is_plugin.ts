/** Telling plugins from other values. @module */
import type { Plugin, Role } from "./plugin.ts";

/** What plugins and factories carry, and nothing else; the same for all copies of this library in a program. */
export const brand: unique symbol = Symbol.for("thinned.plugin") as never;

/** Whether a value is a plugin, and serves one of the roles if any are named. */
export function isPlugin<R extends Role = never>(value: unknown, ...wanted: readonly R[]): value is Plugin<R> {
  if (typeof value !== "object" || value === null || !(brand in value)) return false;
  return wanted.length === 0 || wanted.some((role) => role in (value as unknown as Plugin).serves);
}
