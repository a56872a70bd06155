/** The check of counts among options. @module */
import { OptionError } from "../errors.ts";

/** The value, if it is a whole number of at least `least`. */
export function wholeNumber(value: number, least: number, path: string): number {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new OptionError(path, `a whole number of at least ${least}`, value);
  }
  return value;
}
