/**
 * `native [FILE...]`: compiles the native library, finds or fetches OpenBLAS, and compiles the kernels of the
 * built-in plugins and of those that the files export. It says on standard error what it did, says nothing when nothing
 * was to be done, and ends with status 0: what cannot be compiled is computed by the reference backend.
 *
 * @module
 */
import { isFactory, isKernel, type Kernel } from "../core/mod.ts";
import { prepareNative } from "../native/build.ts";
import { groupKernels, prepareGuests } from "../native/guests.ts";
import { builtinKernels } from "../plugins/builtins.ts";
import { nativeCommand } from "./arguments/commands/native.ts";
import { deliver, type Outcome } from "./arguments/deliver.ts";
import { readArguments } from "./arguments/read_arguments.ts";

/** The kernels that a module exports, by themselves or in plugins. */
async function kernelsOf(file: string): Promise<Kernel[]> {
  const path = file.startsWith("/") ? file : `${Deno.cwd()}/${file}`;
  const exported: unknown[] = Object.values(await import(new URL(`file://${path}`).href));
  return exported.flatMap((value) =>
    isKernel(value) ? [value] : isFactory(value) ? value.definition.kernels ?? [] : []
  );
}

const say = (line: string) => console.error(`thinned: ${line}`);

/** Runs `native [FILE...]`. */
export async function native(args: readonly string[]): Promise<Outcome> {
  const { words } = readArguments(args, nativeCommand);
  const prepared = await prepareNative();
  const line = "missing" in prepared ? prepared.missing : prepared.done;
  if (line !== "") say(line);
  if (!("missing" in prepared)) {
    const own = (await Promise.all(words.map(kernelsOf))).flat();
    for (const kernels of groupKernels([...builtinKernels, ...own])) {
      const guests = await prepareGuests(kernels, { compile: true, report: say });
      if ("missing" in guests) say(guests.missing);
    }
  }
  return { json: { ready: !("missing" in prepared), message: line }, text: "" };
}

// The task has permissions of its own, so it begins here.
if (import.meta.main) Deno.exit(await deliver(false, () => native(Deno.args)));
