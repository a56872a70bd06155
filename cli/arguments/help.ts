/** What `help`, `--help` and `--version` print. @module */
import { didYouMean, OptionError } from "../../core/mod.ts";
import { columns, wrap } from "../print/columns.ts";
import type { CommandHelp, OptionHelp } from "./command.ts";
import { commandHelps } from "./commands.ts";
import { helpCommand } from "./commands/help.ts";
import type { Outcome } from "./deliver.ts";
import { invocation } from "./invocation.ts";
import { readArguments } from "./read_arguments.ts";
import { version } from "../version.ts";

/** What every command takes. */
const common: readonly OptionHelp[] = [
  { name: "json", meaning: "print exactly one JSON object on standard output" },
  { name: "help", meaning: "print this" },
];

/** Runs `help [COMMAND]`. */
export function help(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, helpCommand);
  if (given.words.length === 0) return Promise.resolve(overview());
  const name = given.words.join(" ");
  const found = commandHelps.filter((command) => command.name === name || command.name.startsWith(`${name} `));
  if (found.length === 0) {
    const names = commandHelps.map((command) => command.name);
    throw new OptionError("help", `one of the commands ${names.join(", ")}`, name, didYouMean(name, names));
  }
  return Promise.resolve(explain(found));
}

/** All commands, a line each. */
export function overview(): Outcome {
  const rows = commandHelps.map(({ name, words = [], summary }) => [[name, ...words].join(" "), summary] as const);
  return {
    json: { version, commands: commandHelps },
    text: `Thinned ${version}: neural networks with dropout, every variant a plugin.\n\n` +
      `usage: ${invocation("COMMAND [OPTIONS]")}\n\n` +
      `${columns(rows)}\n\n` +
      "Every command takes --help, which explains its options, and --json, with which standard output is exactly one\n" +
      "JSON object. A mistake in what is given is one sentence and exit status 2, a fault of this program or a plugin\n" +
      `that fails its exam 1, Ctrl-C 130. To begin: ${invocation("train")}\n`,
  };
}

/** Some commands in full. */
export function explain(commands: readonly CommandHelp[]): Outcome {
  return {
    json: commands.length === 1 ? commands[0] : { commands },
    text: commands.map(full).join("\n\n"),
  };
}

/** The version. */
export function tellVersion(): Outcome {
  return { json: { version }, text: `thinned ${version}, deno ${Deno.version.deno}\n` };
}

function full({ name, words = [], summary, options, examples, notes = [] }: CommandHelp): string {
  const usage = [name, ...words, options.length > 0 ? "[OPTIONS]" : ""].filter((part) => part !== "").join(" ");
  const rows = [...options, ...common].map(({ name, value, bare, repeated, meaning, default: otherwise }) =>
    [
      `--${name}${value === undefined ? "" : bare ? ` [${value}]` : ` ${value}`}${repeated ? " ..." : ""}`,
      otherwise === undefined ? meaning : `${meaning} (default: ${otherwise})`,
    ] as const
  );
  const lines = examples.map(([line, meaning]) => `  ${invocation(line)}\n      ${meaning}\n`);
  const more = notes.map((note) => `\n${wrap(note).join("\n")}\n`);
  return `${summary}\n\nusage: ${invocation(usage)}\n\n${columns(rows)}\n\nexamples:\n${lines.join("")}${
    more.join("")
  }`;
}
