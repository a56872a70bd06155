/**
 * `deno task sanitize [SECONDS]`: compiles the library with the address and undefined-behaviour sanitizers and calls all
 * kernels with arguments made from their descriptions, right ones and wrong ones. Ends with status 0 and one line where no
 * compiler has the sanitizers.
 *
 * @module
 */
import { prepareNative } from "../../native/build.ts";
import { groupKernels, prepareGuests } from "../../native/guests.ts";
import { ABI_VERSION, compilationUnits, sources } from "../../native/sources.ts";
import { builtinKernels } from "../../plugins/builtins.ts";

async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}

/** A compiler and the library that must be loaded before all others; the flags that make it be used. */
async function findSanitizer(): Promise<{ cc: string; preload: string; flags: string[] } | undefined> {
  const names = [
    { cc: "clang", library: `libclang_rt.asan-${Deno.build.arch}.so`, flags: ["-shared-libasan"] },
    { cc: "gcc", library: "libasan.so", flags: [] },
  ];
  for (const { cc, library, flags } of names) {
    const preload = await output(cc, [`-print-file-name=${library}`]);
    if (preload?.startsWith("/") && await Deno.stat(preload).then(() => true, () => false)) {
      return { cc, preload, flags };
    }
  }
  return undefined;
}

const seconds = Number(Deno.args[0] ?? 20);
const sanitizer = await findSanitizer();
if (sanitizer === undefined) {
  console.log("The kernels under sanitizers, which neither clang nor gcc has here ... ignored");
  Deno.exit(0);
}
Deno.env.set("CC", sanitizer.cc);
const sanitize = [
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=undefined",
  // An empty array's pointer is null: 0 is added to it, and 0 bytes of it are copied.
  "-fno-sanitize=pointer-overflow,nonnull-attribute",
  "-fno-omit-frame-pointer",
  "-g",
  "-O1",
  ...sanitizer.flags,
];
const cache = new URL("../../.cache/sanitize", import.meta.url).pathname;
const prepared = await prepareNative({
  cache,
  blas: "none",
  source: {
    files: sources,
    abi: ABI_VERSION,
    units: (arch) =>
      compilationUnits(arch).map((unit) => ({
        ...unit,
        flags: [...unit.flags.filter((f) => f !== "-O3"), ...sanitize],
      })),
  },
});
if ("missing" in prepared) {
  console.error(prepared.missing);
  Deno.exit(1);
}
const libraries = [prepared.library];
for (const kernels of groupKernels(builtinKernels)) {
  const guests = await prepareGuests(kernels, { cache, compile: true, flags: sanitize });
  if ("missing" in guests) throw new Error(guests.missing);
  libraries.push(guests.library);
}
console.log(libraries.join(":"));
console.log(sanitizer.preload);
