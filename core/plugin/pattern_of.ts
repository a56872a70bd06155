/** Patterns by which places and parameters are chosen. @module */
import { OptionError } from "../errors.ts";

/**
 * A regular expression from its text.
 *
 * @param path where the text stands, for errors
 * @throws {OptionError} for text that is none
 */
export function patternOf(text: string, path: string): RegExp {
  try {
    if (typeof text === "string") return new RegExp(text);
  } catch {
    // told below
  }
  throw new OptionError(path, "a regular expression", text);
}
