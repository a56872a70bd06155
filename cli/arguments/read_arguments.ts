/** Reading the command line's arguments. @module */
import { parseArgs } from "@std/cli";
import { didYouMean, OptionError } from "../../core/mod.ts";
import type { CommandHelp, OptionHelp } from "./command.ts";

/** Arguments, checked: unknown options, missing values and surplus words have been refused. */
export interface Arguments {
  /** Words that are no options. */
  readonly words: readonly string[];
  /** The value of an option, if it was given; empty where it was given without one. */
  value(name: string): string | undefined;
  /** All values of a repeated option. */
  list(name: string): readonly string[];
  /** Whether a switch was given. */
  has(name: string): boolean;
  /** The value as a whole number of at least `least`, if the option was given. */
  whole(name: string, least: number): number | undefined;
}

/**
 * Reads the arguments of a command.
 *
 * @throws {OptionError} for an unknown option, a missing value, or a word too many
 */
export function readArguments(args: readonly string[], command: CommandHelp): Arguments {
  const names = (of: (option: OptionHelp) => boolean) => command.options.filter(of).map(({ name }) => name);
  const lists = names(({ repeated }) => repeated === true);
  const values = names(({ value, repeated }) => value !== undefined && !repeated);
  const switches = names(({ value }) => value === undefined);
  const known = [...command.options.map(({ name }) => `--${name}`), "--json", "--help"];
  const parsed: Record<string, unknown> & { _: (string | number)[] } = parseArgs(withDashes(args), {
    string: [...values, ...lists, "_"],
    boolean: switches,
    collect: [...values, ...lists],
    unknown: (arg: string) => {
      const [option] = arg.split("=");
      if (!arg.startsWith("-")) return true;
      throw new OptionError(option, `one of ${known.join(", ")}`, option, didYouMean(option, known));
    },
  });
  const words = parsed._.map(String);
  const most = command.words?.some((word) => word.includes("...")) ? Infinity : command.words?.length ?? 0;
  if (words.length > most) {
    const guess = command.options.some(({ name }) => name === words[most]) ? `; did you mean "--${words[most]}"?` : "";
    throw new OptionError(command.name, "nothing more", words[most], guess);
  }
  const all = (name: string) => (parsed[name] as string[] | undefined) ?? [];
  for (const name of values) {
    if (all(name).length > 1) throw new OptionError(`--${name}`, "one value", all(name));
  }
  const bare = names(({ bare }) => bare === true);
  for (const name of [...values, ...lists]) {
    if (!bare.includes(name) && all(name).includes("")) throw new OptionError(`--${name}`, "a value", "nothing");
  }
  return {
    words,
    value: (name) => all(name).at(0),
    list: all,
    has: (name) => parsed[name] === true,
    whole: (name, least) => {
      const text = all(name).at(0);
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
