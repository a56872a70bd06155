/**
 * The command line: reads the command, hands over, prints what comes back.
 *
 * ```text
 * train [--config FILE] [--dataset NAME] [--data DIR] [--epochs N] [--seed N] [--set path=value]...
 *       [--backend native|reference] [--out DIR] [--resume DIR] [--download] [--mirror URL] [--json]
 * plugins [NAME] [--role ROLE] [--json]
 * plugin new NAME --site activation|weight|recurrent|branch|attention|embedding|loss [--out DIR] [--json]
 * plugin check NAME|FILE [--backend native|reference] [--json]
 * predict --run DIR [--name RUN] [--samples T] [--limit N] [--data PATH] [--input FILE|-] [--json]
 * ```
 *
 * Exit status: 0 when all went well, 1 for a fault of this library or a plugin that fails its exam, 2 for a mistake in
 * what it was given, 130 after Ctrl-C, 143 after SIGTERM.
 *
 * @module
 */
import { deliver, note, type Outcome } from "./deliver.ts";
import { plugin } from "./plugin.ts";
import { plugins } from "./plugins.ts";
import { predict } from "./predict.ts";
import { train } from "./train.ts";

const commands: Record<string, (args: readonly string[]) => Promise<Outcome>> = { train, plugins, plugin, predict };

/** Runs one command with its arguments and returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = commands[name];
  if (command === undefined) {
    note(`error: expected one of the commands ${Object.keys(commands).join(", ")}, found ${name ?? "nothing"}.`);
    return 2;
  }
  return await deliver(rest.includes("--json"), () => command(rest));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
