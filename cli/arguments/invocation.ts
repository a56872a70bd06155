/** How the command line was started, for sentences that say what to run next. @module */
import { version } from "../version.ts";

/**
 * The line that runs a command, as whoever reads it can: a task in a clone, else this program by the address that it came
 * from.
 *
 * @param line the command with its arguments
 * @param address where this program lies
 */
export function invocation(line: string, address: string = import.meta.url): string {
  if (address.startsWith("file:")) return `deno task ${line}`;
  return `deno run -A ${specifier(address)} ${line}`;
}

/** What `deno run` is given. */
function specifier(address: string): string {
  const { host } = new URL(address);
  return host === "jsr.io" ? `jsr:@thinned/dropout@${version}/cli` : new URL("mod.ts", address).href;
}
