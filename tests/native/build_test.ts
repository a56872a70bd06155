import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Prepared, prepareNative, type PrepareOptions } from "../../native/build.ts";
import { digest } from "../../native/cache.ts";
import { BackendError } from "../../core/errors.ts";
import { inputsOf, type NativeSource } from "../../native/compile.ts";
import { openWith } from "../../native/open.ts";
import { ABI_VERSION, compilationUnits, sources } from "../../native/sources.ts";
import { run } from "../../native/system.ts";

const here = new URL("../../", import.meta.url);
// Where the tests' ffi permission reaches.
const cacheRoot = new URL(".cache", here).pathname;
const supported = Deno.build.os === "linux" || Deno.build.os === "darwin";
const compiler = supported && (await run("cc", ["--version"])).end === "done";
if (!compiler) console.log("Tests of the native build are skipped: there is no C compiler.");

const tiny: NativeSource = {
  files: { "part/one.c": '#include "one.h"\nint thinned_one(void) { return ONE; }\n', "part/one.h": "#define ONE 1\n" },
  units: () => [{ file: "part/one.c", flags: ["-fPIC"], output: "one.o" }],
  abi: 1,
};

/** Runs a test with a cache folder of its own, which is removed afterwards. */
function test(name: string, body: (options: PrepareOptions & { cache: string }) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !compiler,
    fn: async () => {
      await Deno.mkdir(cacheRoot, { recursive: true });
      const folder = await Deno.makeTempDir({ dir: cacheRoot, prefix: "test-" });
      try {
        await body({ cache: `${await Deno.realPath(folder)}/cache`, source: tiny, blas: "none", report: () => {} });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function prepared(options: PrepareOptions): Promise<Prepared> {
  const result = await prepareNative(options);
  if ("missing" in result) throw new Error(result.missing);
  return result;
}

async function missing(options: PrepareOptions): Promise<string> {
  const result = await prepareNative(options);
  return "missing" in result ? result.missing : `nothing: ${result.library} was prepared`;
}

/** Puts a file that is no library, and a record that says it is in order, into a cache folder. */
async function putBroken(cache: string, source: NativeSource): Promise<string> {
  const inputs = await inputsOf(source);
  const text = "not a library";
  const record = { inputs, library: "libthinned-broken.so", digest: await digest(text), command: "cc", compiler: "cc" };
  await Deno.mkdir(cache, { recursive: true });
  await Deno.writeTextFile(`${cache}/${record.library}`, text);
  await Deno.writeTextFile(`${cache}/thinned-${inputs.slice(0, 16)}.json`, JSON.stringify(record));
  return record.library;
}

/** The library of this package, as it stands in the cache. */
async function real(): Promise<{ folder: string }> {
  const { library } = await prepared({ blas: "none" });
  return { folder: library.slice(0, library.lastIndexOf("/")) };
}

function callOne(library: string): number {
  const opened = Deno.dlopen(library, { thinned_one: { parameters: [], result: "i32" } });
  try {
    return opened.symbols.thinned_one();
  } finally {
    opened.close();
  }
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();
}

/**
 * Runs a program text in another Deno with the flags given, and gives what it printed on both outputs, and the signal
 * that ended it if one did.
 */
async function deno(flags: string[], text: string, env: Record<string, string> = {}): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-prompt", `--config=${new URL("deno.json", here).pathname}`, ...flags, "-"],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr, signal } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) + (signal ?? "");
}

function preparing(options: PrepareOptions): string {
  return `
    import { prepareNative } from ${JSON.stringify(new URL("native/build.ts", here).href)};
    const { cache } = ${JSON.stringify(options)};
    const source = { files: { "one.c": "int one(void) { return 1; }" }, abi: 1,
      units: () => [{ file: "one.c", flags: ["-fPIC"], output: "one.o" }] };
    console.log(JSON.stringify(await prepareNative({ cache, source, blas: "none" })));`;
}

function opening(cache: string): string {
  return `
    import ${JSON.stringify(new URL("core/mod.ts", here).href)};
    import { openWith } from ${JSON.stringify(new URL("native/open.ts", here).href)};
    try {
      const backend = await openWith({ blas: "none", threads: 1 }, { cache: ${JSON.stringify(cache)} });
      console.log("opened", backend.info().name);
    } catch (error) {
      console.log(error.name, error.message);
    }`;
}

test("prepareNative() compiles a library that can be opened", async (options) => {
  const { library, built, done } = await prepared(options);
  assert(built);
  assertStringIncludes(done, "compiled the native library");
  assertEquals(callOne(library), 1);
});

test("prepareNative() leaves nothing but the library and its record", async (options) => {
  const { library } = await prepared(options);
  const found = await names(options.cache);
  assertEquals(found.length, 2, found.join(" "));
  assert(found.includes(library.slice(options.cache.length + 1)));
});

test("a second prepareNative() does nothing", async (options) => {
  const first = await prepared(options);
  const before = await Deno.stat(first.library);
  const second = await prepared(options);
  assertEquals([second.library, second.built, second.done], [first.library, false, ""]);
  assertEquals((await Deno.stat(first.library)).mtime, before.mtime);
});

test("a second prepareNative() needs neither write nor run permission", async (options) => {
  const flags = [`--allow-read=${options.cache}`];
  const first = await deno([...flags, `--allow-write=${options.cache}`, "--allow-run=cc"], preparing(options));
  assertStringIncludes(first, '"built":true');
  assertStringIncludes(await deno(flags, preparing(options)), '"built":false');
});

test("other sources give another library", async (options) => {
  const first = await prepared(options);
  const files = { ...tiny.files, "part/one.h": "#define ONE 2\n" };
  const second = await prepared({ ...options, source: { ...tiny, files } });
  assert(second.built);
  assertNotEquals(second.library, first.library);
  assert(!(await prepared(options)).built);
});

test("another interface version gives another library", async (options) => {
  await prepared(options);
  assert((await prepared({ ...options, source: { ...tiny, abi: 2 } })).built);
});

test("builds at once all succeed", async (options) => {
  const flags = [`--allow-read=${options.cache}`, `--allow-write=${options.cache}`, "--allow-run=cc"];
  const outputs = await Promise.all([1, 2, 3].map(() => deno(flags, preparing(options))));
  for (const output of outputs) assertMatch(output, /"library":/);
  assertEquals((await names(options.cache)).length, 2);
});

test("a truncated library is compiled again", async (options) => {
  const { library } = await prepared(options);
  await Deno.truncate(library, 4096);
  assert((await prepared(options)).built);
  assertEquals(callOne(library), 1);
});

test("what a killed build left behind is removed when it is old", async (options) => {
  const old = `${options.cache}/unfinished-old`;
  const recent = `${options.cache}/unfinished-recent`;
  for (const path of [old, recent]) await Deno.mkdir(path, { recursive: true });
  await Deno.utime(old, 1, 1);
  await prepared(options);
  const found = await names(options.cache);
  assertEquals(found.filter((name) => name.startsWith("unfinished")), ["unfinished-recent"]);
});

test("a source that does not compile gives the compiler's complaint", async (options) => {
  const source = { ...tiny, files: { ...tiny.files, "part/one.h": "#error no such luck\n" } };
  assertStringIncludes(await missing({ ...options, source }), "no such luck");
  assertEquals(await names(options.cache), []);
});

test("without a C compiler the message says how to install one", async (options) => {
  const output = await deno(["--allow-all"], preparing(options), { PATH: options.cache, CC: "" });
  assertStringIncludes(output, "There is no C compiler");
  assertMatch(output, /apt-get install gcc|xcode-select --install/);
});

test("a compiler named by CC that is not there is named in the message", async (options) => {
  const output = await deno(["--allow-all"], preparing(options), { CC: "no-such-compiler -m64" });
  assertStringIncludes(output, "no-such-compiler -m64, does not run");
});

test("each missing permission is named", async (options) => {
  const { cache } = options;
  assertStringIncludes(await deno([], preparing(options)), `--allow-read=${cache}`);
  assertStringIncludes(await deno([`--allow-read=${cache}`], preparing(options)), "--allow-write");
  const flags = [`--allow-read=${cache}`, `--allow-write=${cache}`];
  assertStringIncludes(await deno(flags, preparing(options)), "--allow-run=cc,gcc,clang");
});

test("a path to OpenBLAS that is not there is named in the message", async (options) => {
  assertStringIncludes(await missing({ ...options, blas: "/no/such/libopenblas.so" }), "/no/such/libopenblas.so");
});

test("the native backend opens with ffi and read permission for the cache alone, and ends well", async () => {
  const { folder } = await real();
  const flags = [`--allow-read=${folder}`, `--allow-ffi=${folder}`];
  // With helper threads, which must not outlive the library's code.
  const text = opening(folder).replace("threads: 1", "threads: 4");
  for (let i = 0; i < 3; i++) assertEquals(await deno(flags, text), "opened native\n");
});

test("without ffi permission the message names the flag and nothing is compiled", async ({ cache }) => {
  const output = await deno(["--allow-read", "--allow-write", "--allow-run", "--allow-env"], opening(cache));
  assertStringIncludes(output, "PermissionError");
  assertStringIncludes(output, `--allow-ffi=${cache}`);
  await assertRejects(() => Deno.stat(cache), Deno.errors.NotFound);
});

test("opening twice gives the same backend, with the thread count asked for last", async () => {
  const { folder } = await real();
  const open = (threads: number) => openWith({ threads, blas: "none" }, { cache: folder });
  const [first, second] = await Promise.all([open(1), open(1)]);
  assert(first === second);
  assert(first === await open(2));
  assertEquals(first.info().threads, 2);
});

test("a library that is recorded well but cannot be opened is compiled again", async ({ cache, report }) => {
  // Unoptimised, so as not to wait.
  const quick = compilationUnits(Deno.build.arch).map((unit) => ({ ...unit, flags: [...unit.flags, "-O0"] }));
  const source = { files: sources, units: () => quick, abi: ABI_VERSION };
  await putBroken(cache, source);
  const backend = await openWith({ threads: 1, blas: "none" }, { cache, source, report });
  assertEquals(backend.info().name, "native");
});

test("a library that cannot be opened nor compiled again is named", async ({ cache }) => {
  const library = await putBroken(cache, { files: sources, units: compilationUnits, abi: ABI_VERSION });
  const output = await deno([`--allow-read=${cache}`, `--allow-ffi=${cache}`], opening(cache));
  assertStringIncludes(output, "BackendError");
  assertStringIncludes(output, library);
});

test("an OpenBLAS that was asked for and cannot be opened is refused", async ({ cache }) => {
  const { folder } = await real();
  await Deno.mkdir(cache);
  await Deno.writeTextFile(`${cache}/libopenblas.so`, "not a library");
  const open = () => openWith({ threads: 1, blas: `${cache}/libopenblas.so` }, { cache: folder });
  await assertRejects(open, BackendError, "that was asked for cannot be opened");
});

for (const [name, value] of [["THINNED_THREADS", "many"], ["THINNED_THREADS", "0"], ["THINNED_INSTRUCTIONS", "sse"]]) {
  test(`${name}=${value} is refused`, async ({ cache }) => {
    const text = opening(cache).replace(", threads: 1", "");
    const output = await deno(["--allow-all"], text, { [name]: value });
    assertStringIncludes(output, `OptionError ${name}: expected`);
  });
}

test("prepareNative() says so when the compiler ends well but writes nothing", async ({ cache }) => {
  const text = `
    import { prepareNative } from "${new URL("native/build.ts", here)}";
    const { missing } = await prepareNative({ cache: ${JSON.stringify(cache)}, blas: "none", report: () => {} });
    console.log(missing, [...Deno.readDirSync(${JSON.stringify(cache)})].length, "files");
  `;
  const output = await deno(["--allow-all"], text, { CC: "true" });
  assertMatch(output, /true ended well but wrote no library: set CC to a C compiler.* 0 files/s);
});
