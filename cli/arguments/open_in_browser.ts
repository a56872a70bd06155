/** Opening an address in the browser of whoever sits at this machine. @module */

/** The program that opens addresses. */
const openers: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  windows: ["explorer"],
};

/**
 * Opens an address in the browser.
 *
 * @returns whether a program could be asked to
 */
export async function openInBrowser(url: string): Promise<boolean> {
  const [program] = openers[Deno.build.os] ?? ["xdg-open"];
  try {
    const child = new Deno.Command(program, { args: [url], stdin: "null", stdout: "null", stderr: "null" }).spawn();
    child.unref();
    // A program that is not there for such addresses ends at once; one that is may go on for as long as the browser.
    const ended = await Promise.race([child.status, new Promise<null>((wake) => setTimeout(wake, 500, null))]);
    return ended === null || ended.success || Deno.build.os === "windows";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}
