/** What a plugin's `mask` method says, checked. @module */
import { PluginError, refuseUnknown, show } from "../errors.ts";
import { Key } from "../random/key.ts";
import { type Mask, maskParts } from "../tensor/ops/mask.ts";

/**
 * The mask that a plugin's method returned.
 *
 * @param found what it returned
 * @throws {PluginError} when it is neither a mask nor null
 * @throws {OptionError} naming a part that no mask has
 */
export function maskOf(found: unknown): Mask | null {
  if (found === null) return null;
  const { key, rate } = (found ?? {}) as Partial<Mask>;
  if (!(key instanceof Key) || typeof rate !== "number") {
    throw new PluginError(`expected { key, rate, ... } or null from its method mask, found ${show(found)}.`);
  }
  refuseUnknown(found, maskParts, "mask");
  return found as Mask;
}
