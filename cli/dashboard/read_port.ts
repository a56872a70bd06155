/** The argument `--dashboard`. @module */
import { OptionError } from "../../mod.ts";
import type { Arguments } from "../arguments/read_arguments.ts";

/**
 * The port on which training is to be shown: 0 for any that is free; undefined where no page is asked for.
 *
 * @throws {OptionError} for what is no port
 */
export function readPort(given: Arguments): number | undefined {
  const text = given.value("dashboard");
  if (text === undefined || text === "") return text === undefined ? undefined : 0;
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(port >= 1 && port <= 65535)) throw new OptionError("--dashboard", "a port from 1 to 65535, or nothing", text);
  return port;
}
