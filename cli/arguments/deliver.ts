/**
 * What the command line prints, and where: results to standard output, all else to standard error. With `--json` standard
 * output is exactly one JSON object, for a mistake too.
 *
 * @module
 */
import { ThinnedError } from "../../core/mod.ts";

/** Writes a line to standard error. */
export function note(line: string): void {
  writeAll(Deno.stderr, line + "\n");
}

/** Writes text to standard output, and says whether anybody still reads it. */
export function print(text: string): boolean {
  return writeAll(Deno.stdout, text);
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(to.writeSync(bytes));
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false; // whoever read it has seen enough
  }
}

/** What a command gives back: a JSON object, the same as text for a person, and the exit status. */
export interface Outcome {
  /** The one JSON object of `--json`, or what gives it: called only where it is wanted. */
  readonly json: unknown | (() => Promise<unknown>);
  /** The text printed otherwise. */
  readonly text: string;
  /** More text behind it, printed piece by piece as it is made. */
  readonly stream?: () => AsyncIterable<string>;
  /** Exit status; default 0. */
  readonly status?: number;
}

/** Runs a command: prints what it gives, or its mistake in one sentence, and returns the exit status. */
export async function deliver(json: boolean, command: () => Promise<Outcome>): Promise<number> {
  try {
    const outcome = await command();
    if (json) {
      const found = typeof outcome.json === "function" ? await outcome.json() : outcome.json;
      print(JSON.stringify(found) + "\n");
    } else if (outcome.text === "" || print(outcome.text)) {
      for await (const piece of outcome.stream?.() ?? []) if (!print(piece)) break;
    }
    return outcome.status ?? 0;
  } catch (error) {
    const known = explained(error);
    if (known === undefined) {
      note(`A fault in this library: ${error instanceof Error ? error.stack : error}`);
      if (json) print(JSON.stringify({ error: { message: String(error) } }) + "\n");
      return 1;
    }
    note(`error: ${known.message}`);
    if (json) print(JSON.stringify({ error: { message: known.message } }) + "\n");
    return known.exitStatus;
  }
}

/** The error as one that its reader can mend, if it is of that kind. */
function explained(error: unknown): ThinnedError | undefined {
  if (error instanceof ThinnedError) return error;
  if (error instanceof Deno.errors.NotCapable) {
    const flag = /--allow-[a-z]+/.exec(error.message)?.[0];
    return new ThinnedError(
      `A permission is missing: run again with ${flag ?? "the flag that Deno names"}. ${error.message}`,
    );
  }
  return undefined;
}
