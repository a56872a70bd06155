/** `study`: experiments of papers, run as their authors ran them. @module */
import { didYouMean, OptionError } from "../core/mod.ts";
import { studies, type StudyHost } from "../studies/mod.ts";
import { columns } from "./print/columns.ts";
import { TerminalLine } from "./print/terminal_line.ts";
import { studyCommand } from "./arguments/commands/study.ts";
import type { Outcome } from "./arguments/deliver.ts";
import { Interruption } from "./arguments/interruption.ts";
import { invocation } from "./arguments/invocation.ts";
import { readArguments } from "./arguments/read_arguments.ts";

/** Runs `study NAME [OPTIONS]`; lists the studies without a name. */
export async function study(args: readonly string[]): Promise<Outcome> {
  const [name, ...rest] = args;
  if (name === undefined) return list();
  const found = studies.find((study) => study.name === name);
  if (found === undefined) {
    const names = studies.map((study) => study.name);
    throw new OptionError("study", `one of the studies ${names.join(", ")}`, name, didYouMean(name, names));
  }
  const given = readArguments(rest, { ...found, name: `study ${name}` });
  const interruption = new Interruption("Stopping");
  interruption.listen();
  const line = new TerminalLine();
  try {
    const host: StudyHost = {
      signal: interruption.signal,
      note: (text) => line.note(text),
      show: (text) => line.show(text),
      command: invocation,
    };
    const { json, text, complete } = await found.run(given, host);
    return { json, text, status: complete ? 0 : interruption.status };
  } finally {
    line.clear();
    interruption.close();
  }
}

function list(): Outcome {
  readArguments([], studyCommand);
  const rows = studies.map(({ name, summary }) => [name, summary] as const);
  return {
    json: { studies: studies.map(({ name, summary }) => ({ name, summary })) },
    text: `${columns(rows)}\n\n${invocation("study NAME --help")} explains one.\n`,
  };
}
