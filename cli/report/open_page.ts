/** Showing a file to a person, in the program that they read pages with. @module */
import { note } from "../arguments/deliver.ts";

/** What opens a file on each system. */
const openers: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  windows: ["explorer"],
};

/** Opens a page; where that cannot be done, a line says so and names it. */
export async function openPage(path: string): Promise<void> {
  const [command, ...args] = openers[Deno.build.os] ?? ["xdg-open"];
  try {
    const whole = await Deno.realPath(path);
    const { success } = await new Deno.Command(command, { args: [...args, whole], stdout: "null", stderr: "null" })
      .output();
    if (success || Deno.build.os === "windows") return; // whose explorer says 1 when all is well
    note(`${command} could not open ${path}: open it in a browser.`);
  } catch {
    note(`${path} cannot be opened from here (${command}): open it in a browser.`);
  }
}
