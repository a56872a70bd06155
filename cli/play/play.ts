/** `play`: a page in which one sees a small net train with dropout, served on this machine or written as a file. @module */
import { OptionError, ThinnedError } from "../../core/mod.ts";
import { playCommand } from "../arguments/commands/play.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { Interruption } from "../arguments/interruption.ts";
import { readArguments } from "../arguments/read_arguments.ts";
import { bundlePage } from "./bundle_page.ts";
import { openInBrowser } from "../arguments/open_in_browser.ts";

/** Where the page is served if nobody says. */
const PORT = 8123;

/** Runs `play [PORT] [--open] [--write FILE]`. */
export async function play(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, playCommand);
  const file = given.value("write");
  const [word] = given.words;
  const port = portOf(word);
  if (file !== undefined) {
    for (const [name, found] of [["PORT", word], ["--open", given.has("open") ? "--open" : undefined]]) {
      if (found !== undefined) throw new OptionError(`play: ${name}`, "nothing beside --write", found);
    }
    await checkFolder(file);
    const bytes = new TextEncoder().encode(await makePage());
    await writePage(file, bytes);
    return {
      json: { file, bytes: bytes.length },
      text: `${file}: the playground as one file of ${
        (bytes.length / 1e6).toFixed(1)
      } MB, for any browser or web site.\n`,
    };
  }
  return await servePage(await makePage(), port, word === undefined, given.has("open"));
}

/** Makes the page, and says so where that takes its time. */
async function makePage(): Promise<string> {
  const late = setTimeout(() => note("Making the page; the first time, Deno fetches its bundler ..."), 1000);
  try {
    return await bundlePage();
  } finally {
    clearTimeout(late);
  }
}

function portOf(word: string | undefined): number {
  if (word === undefined) return PORT;
  const port = /^\d+$/.test(word) ? Number(word) : NaN;
  if (!(port < 65536)) {
    throw new OptionError("play: PORT", "a whole number in [0, 65535]; 0 takes any that is free", word);
  }
  return port;
}

/** Serves the page until the process is asked to end. */
async function servePage(page: string, port: number, anyOther: boolean, open: boolean): Promise<Outcome> {
  const interruption = new Interruption("Stopping");
  interruption.listen();
  try {
    const server = listen(page, port, anyOther, interruption.signal);
    const url = `http://127.0.0.1:${server.addr.port}/`;
    note(`The playground is at ${url} on this machine; Ctrl-C ends it.`);
    if (open && !await openInBrowser(url)) note("No program was found that opens it: open it by hand.");
    await server.finished;
    return { json: { url }, text: "", status: interruption.status };
  } finally {
    interruption.close();
  }
}

function listen(page: string, port: number, anyOther: boolean, signal: AbortSignal): Deno.HttpServer<Deno.NetAddr> {
  const serve = (port: number) =>
    Deno.serve({ hostname: "127.0.0.1", port, signal, onListen: () => {} }, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/") return new Response("There is nothing here.", { status: 404 });
      const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
      return new Response(page, { headers });
    });
  try {
    return serve(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.PermissionDenied)) throw error;
    if (anyOther) return serve(0);
    throw new OptionError("play: PORT", "a port that is free", port);
  }
}

/** Refuses a file that could not be written once all is made. */
async function checkFolder(file: string): Promise<void> {
  const slash = Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\"));
  const folder = slash < 0 ? "." : file.slice(0, slash + 1);
  const found = await Deno.stat(folder).catch((error) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  });
  if (found?.isDirectory !== true || slash === file.length - 1) {
    throw new OptionError("--write", "a file in a folder that exists", file);
  }
}

/** Writes a file that appears under its name when it is whole. */
async function writePage(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeFile(temporary, bytes, { createNew: true });
    await Deno.rename(temporary, file);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new ThinnedError(`--write: ${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}
