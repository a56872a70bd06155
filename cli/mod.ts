/**
 * The command line: reads the command, hands over, prints what comes back. `help` lists the commands, and each explains
 * itself with `--help`.
 *
 * Exit status: 0 when all went well, 1 for a fault of this library or a plugin that fails its exam, 2 for a mistake in
 * what it was given, 130 after Ctrl-C, 143 after SIGTERM.
 *
 * @module
 */
import { didYouMean, ThinnedError } from "../core/mod.ts";
import { advise } from "./advise/advise.ts";
import { commandHelps } from "./arguments/commands.ts";
import { compare } from "./compare/compare.ts";
import { deliver, type Outcome } from "./arguments/deliver.ts";
import { evaluate } from "./evaluate/evaluate.ts";
import { exportModel } from "./export/export.ts";
import { generate } from "./predict/generate.ts";
import { explain, help, overview, tellVersion } from "./arguments/help.ts";
import { invocation } from "./arguments/invocation.ts";
import { native } from "./native.ts";
import { play } from "./play/play.ts";
import { plugin } from "./plugins/plugin.ts";
import { plugins } from "./plugins/plugins.ts";
import { predict } from "./predict/predict.ts";
import { report } from "./report/report.ts";
import { study } from "./study.ts";
import { train } from "./train.ts";

const commands: Record<string, (args: readonly string[]) => Outcome | Promise<Outcome>> = {
  train,
  advise,
  predict,
  generate,
  evaluate,
  report,
  study,
  compare,
  export: exportModel,
  plugins,
  plugin,
  play,
  native,
  help,
  version: tellVersion,
};

/** Runs one command with its arguments and returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  return await deliver(args.includes("--json"), async () => await run(args.filter((arg) => arg !== "--json")));
}

function run(args: readonly string[]): Outcome | Promise<Outcome> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h") return overview();
  if (name === "--version" || name === "-V") return tellVersion();
  if (name === undefined || !Object.hasOwn(commands, name)) {
    const names = Object.keys(commands);
    const found = name === undefined ? "nothing" : JSON.stringify(name);
    const guess = name === undefined ? "" : didYouMean(name, names);
    throw new ThinnedError(
      `expected one of the commands ${names.join(", ")}, found ${found}` +
        (guess || `; "${invocation("help")}" explains them.`),
    );
  }
  if (!rest.some((arg) => arg === "--help" || arg === "-h")) return commands[name](rest);
  const called = `${name} ${rest[0]}`;
  const exact = commandHelps.filter((command) => command.name === called);
  return explain(exact.length > 0 ? exact : commandHelps.filter((command) => command.name.split(" ")[0] === name));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
