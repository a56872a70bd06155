/** Reading the command line's arguments. @module */
import { parseArgs } from "@std/cli";
import { OptionError } from "../core/mod.ts";

/** What a command accepts: options with a value, switches, and options that may be repeated. */
export interface Accepted {
  /** Options that take a value. */
  readonly values?: readonly string[];
  /** Options that may be given several times. */
  readonly lists?: readonly string[];
  /** Options without a value. */
  readonly switches?: readonly string[];
  /** Number of words that may follow the command. */
  readonly words?: number;
}

/** Arguments, checked: unknown options, missing values and surplus words have been refused. */
export interface Arguments {
  /** Words that are no options. */
  readonly words: readonly string[];
  /** The value of an option, if it was given. */
  value(name: string): string | undefined;
  /** All values of a repeated option. */
  list(name: string): readonly string[];
  /** Whether a switch was given. */
  has(name: string): boolean;
  /** The value as a whole number of at least `least`, if the option was given. */
  whole(name: string, least: number): number | undefined;
}

/**
 * Reads arguments.
 *
 * @throws {OptionError} for an unknown option, a missing value, or a word too many
 */
export function readArguments(args: readonly string[], accepted: Accepted): Arguments {
  const values = accepted.values ?? [];
  const lists = accepted.lists ?? [];
  const switches = accepted.switches ?? [];
  const known = [...values, ...lists, ...switches].map((name) => `--${name}`).join(", ");
  const parsed: Record<string, unknown> & { _: (string | number)[] } = parseArgs(withDashes(args), {
    string: [...values, ...lists, "_"],
    boolean: [...switches],
    collect: [...lists],
    unknown: (arg: string) => {
      if (arg.startsWith("-")) throw new OptionError(arg.split("=")[0], `one of ${known}`, arg.split("=")[0]);
      return true;
    },
  });
  const words = parsed._.map(String);
  if (words.length > (accepted.words ?? 0)) {
    throw new OptionError("arguments", "nothing more", words[accepted.words ?? 0]);
  }
  for (const name of values) {
    if (Array.isArray(parsed[name])) throw new OptionError(`--${name}`, "one value", parsed[name]);
  }
  for (const name of [...values, ...lists]) {
    const given = [parsed[name]].flat().filter((value) => value !== undefined);
    if (given.some((value) => value === "")) throw new OptionError(`--${name}`, "a value", "nothing");
  }
  return {
    words,
    value: (name) => parsed[name] as string | undefined,
    list: (name) => (parsed[name] as string[] | undefined) ?? [],
    has: (name) => parsed[name] === true,
    whole: (name, least) => {
      const text = parsed[name] as string | undefined;
      if (text === undefined) return undefined;
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      if (!Number.isSafeInteger(value) || value < least) {
        throw new OptionError(`--${name}`, `a whole number of at least ${least}`, text);
      }
      return value;
    },
  };
}

/** Arguments in which a lone "-" behind an option, which stands for standard input, is that option's value. */
function withDashes(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => {
    if (arg === "-" && args[i - 1]?.startsWith("--")) return [];
    return args[i + 1] === "-" && arg.startsWith("--") ? [`${arg}=-`] : [arg];
  });
}
