import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type BlasPlaces, prepareBlas, searchBlas } from "../../native/blas.ts";
import { type CacheFolder, describeFolder } from "../../native/cache.ts";
import { run } from "../../native/system.ts";

const here = new URL("../../", import.meta.url);
const linux = Deno.build.os === "linux";
const compiler = (await run("cc", ["--version"])).end === "done";
const machine = Deno.build.arch === "aarch64" ? 183 : 62;

/** Runs a test on Linux with a folder of its own, which is removed afterwards. */
function test(name: string, body: (root: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !linux,
    fn: async () => {
      const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "thinned-test-" }));
      try {
        await body(root);
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    },
  });
}

/** Writes the beginning of an ELF file, for the machine with a number. */
async function fakeLibrary(path: string, number = machine): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header[18] = number;
  await Deno.writeFile(path, header);
}

async function fakeProgram(path: string, script: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function places(...folders: string[]): BlasPlaces {
  return { folders, programs: false, fetch: false };
}

async function cacheIn(root: string): Promise<CacheFolder> {
  return await describeFolder(`${root}/cache`);
}

/** What `prepareBlas` gives in another process that sees only the programs of one folder. */
async function prepareIn(root: string): Promise<{ paths: string[]; how: string; done: string; lines: string[] }> {
  const text = `
    import { prepareBlas } from ${JSON.stringify(new URL("native/blas.ts", here).href)};
    import { describeFolder } from ${JSON.stringify(new URL("native/cache.ts", here).href)};
    const lines = [];
    const folder = await describeFolder(${JSON.stringify(`${root}/cache`)});
    const places = { folders: [], programs: false, fetch: true, index: "http://127.0.0.1:9/packages" };
    console.log(JSON.stringify({ ...await prepareBlas(folder, places, (line) => lines.push(line)), lines }));`;
  return JSON.parse(await evaluate(text, { PATH: `${root}/programs` }));
}

/** Runs a program text in another process, with the project's import map; gives its standard output. */
async function evaluate(text: string, env: Record<string, string> = {}): Promise<string> {
  const config = `--config=${new URL("deno.json", here).pathname}`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "-q", config, text], env, stderr: "inherit" });
  return new TextDecoder().decode((await child.output()).stdout);
}

test("searchBlas() takes the first folder that has a library for this machine", async (root) => {
  await fakeLibrary(`${root}/other/libopenblas.so.0`, 8);
  await Deno.mkdir(`${root}/empty`);
  await Deno.mkdir(`${root}/script`);
  await Deno.writeTextFile(`${root}/script/libopenblas.so`, "INPUT(-lopenblas)");
  await fakeLibrary(`${root}/first/libopenblas.so.0`);
  await fakeLibrary(`${root}/second/libopenblas.so.0`);
  const folders = ["none", "other", "empty", "script", "first", "second"].map((name) => `${root}/${name}`);
  assertEquals(await searchBlas(places(...folders)), `${root}/first/libopenblas.so.0`);
});

test("searchBlas() prefers a threaded build to the plain name", async (root) => {
  await fakeLibrary(`${root}/lib/libopenblas.so.0`);
  await fakeLibrary(`${root}/lib/libopenblasp.so.0`);
  assertEquals(await searchBlas(places(`${root}/lib`)), `${root}/lib/libopenblasp.so.0`);
});

test("prepareBlas() records what it found, and searches again when that has gone", async (root) => {
  const folder = await cacheIn(root);
  await fakeLibrary(`${root}/a/libopenblas.so.0`);
  await fakeLibrary(`${root}/b/libopenblas.so.0`);
  const first = await prepareBlas(folder, places(`${root}/a`, `${root}/b`), () => {});
  assertEquals(first.paths, [`${root}/a/libopenblas.so.0`]);
  assertStringIncludes(first.done, "found OpenBLAS");

  const again = await prepareBlas(folder, places(), () => {});
  assertEquals(again, { paths: first.paths, how: first.how, done: "" });

  await Deno.remove(`${root}/a`, { recursive: true });
  const moved = await prepareBlas(folder, places(`${root}/a`, `${root}/b`), () => {});
  assertEquals(moved.paths, [`${root}/b/libopenblas.so.0`]);
});

test("prepareBlas() says what to install when there is none, once", async (root) => {
  const folder = await cacheIn(root);
  const first = await prepareBlas(folder, places(root), () => {});
  assertEquals(first.paths, []);
  assertStringIncludes(first.how, "apt-get install libopenblas0-pthread");
  const second = await prepareBlas(folder, places(root), () => {});
  assertEquals(second, { paths: [], how: first.how, done: "" });
});

test("prepareBlas() finds a library installed after a search in vain", async (root) => {
  const folder = await cacheIn(root);
  await prepareBlas(folder, places(root), () => {});
  await fakeLibrary(`${root}/libopenblas.so.0`);
  assertEquals((await prepareBlas(folder, places(root), () => {})).paths, [`${root}/libopenblas.so.0`]);
});

test("without package lists, the package is fetched with lists in the cache, and only once", async (root) => {
  const home = `usr/lib/${Deno.build.arch}-linux-gnu`;
  // Knows no package until lists have been fetched into a folder of the caller's.
  await fakeProgram(
    `${root}/programs/apt-get`,
    `PATH=/usr/bin:/bin
     echo "$@" >> ${root}/calls
     case "$*" in
       --version) ;;
       *update) touch lists/fetched ;;
       *download*) [ -e lists/fetched ] || { echo 'E: Unable to locate package' >&2; exit 100; }
         touch libopenblas0-pthread_1%3a2.3_any.deb ;;
     esac`,
  );
  await fakeProgram(
    `${root}/programs/dpkg`,
    `PATH=/usr/bin:/bin
     [ "$1" = -x ] || exit 0
     mkdir -p "$3/${home}/openblas-pthread"
     echo real > "$3/${home}/openblas-pthread/real.so"
     ln -s real.so "$3/${home}/openblas-pthread/libopenblas.so.0"
     echo dependency > "$3/${home}/libgfortran.so.5"
     echo dependency > "$3/${home}/libquadmath.so.0"`,
  );
  const first = await prepareIn(root);
  assertEquals(first.paths.at(-1), `${root}/cache/openblas-${Deno.build.arch}/libopenblas.so.0`);
  assertStringIncludes(first.how, "libopenblas0-pthread 1:2.3");
  assertEquals(first.lines.length, 1);
  assertEquals(await Deno.readTextFile(first.paths.at(-1)!), "real\n");
  const calls = await Deno.readTextFile(`${root}/calls`);

  const second = await prepareIn(root);
  assertEquals(second, { paths: first.paths, how: first.how, done: "", lines: [] });
  assertEquals(await Deno.readTextFile(`${root}/calls`), calls);

  // A lost record is made again from the copy in the cache.
  await Deno.remove(`${root}/cache/blas-linux-${Deno.build.arch}.json`);
  assertEquals((await prepareIn(root)).paths, first.paths);
  assertEquals(await Deno.readTextFile(`${root}/calls`), calls);
  const left = (await Array.fromAsync(Deno.readDir(`${root}/cache`))).map((entry) => entry.name).sort();
  assertEquals(left, [`blas-linux-${Deno.build.arch}.json`, `openblas-${Deno.build.arch}`]);
});

test("a fetch in vain is reported and not tried again for a day", async (root) => {
  const apt = `[ "$1" = --version ] && exit 0\necho $1 >> ${root}/calls\necho 'E: no network' >&2; exit 100`;
  await fakeProgram(`${root}/programs/apt-get`, apt);
  await fakeProgram(`${root}/programs/dpkg`, "exit 0");
  const first = await prepareIn(root);
  assertEquals(first.paths, []);
  assertStringIncludes(first.done, "E: no network");
  const calls = await Deno.readTextFile(`${root}/calls`);
  assertEquals((await prepareIn(root)).done, "");
  assertEquals(await Deno.readTextFile(`${root}/calls`), calls);

  const path = `${root}/cache/blas-linux-${Deno.build.arch}.json`;
  const record = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...record, time: record.time - 25 * 3600_000 }));
  await prepareIn(root);
  assertEquals(await Deno.readTextFile(`${root}/calls`), calls + calls);
});

test("where there is no apt-get, the message says what to install", async (root) => {
  const { how } = await prepareIn(root);
  assertStringIncludes(how, "there is no apt-get to fetch it");
  assertStringIncludes(how, "your distribution's openblas");
});

test("run() does not wait for a program that takes too long, nor for what it started", async () => {
  const start = performance.now();
  const outcome = await run("sh", ["-c", "sleep 20; true"], { seconds: 1 });
  assertEquals([outcome.end, outcome.problem], ["failed", "sh took more than 1 s"]);
  assert(performance.now() - start < 10_000);
});

Deno.test({
  name: "without OpenBLAS the native library multiplies matrices by itself",
  ignore: !compiler || Deno.build.os === "windows",
  fn: async () => {
    // In a process of its own: an OpenBLAS once opened serves a whole process.
    const output = await evaluate(`
      import { kernels } from ${JSON.stringify(new URL("core/mod.ts", here).href)};
      import { openNative } from ${JSON.stringify(new URL("native/mod.ts", here).href)};
      const backend = await openNative({ blas: "none", threads: 1 });
      const [a, b, c] = [[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 0]].map((values) => new Float32Array(values));
      const plain = { transposeA: false, transposeB: false, alpha: 1, beta: 0 };
      const single = { batch: 1, strideA: 0, strideB: 0, strideC: 0 };
      kernels.gemm(a, b, c, { m: 2, n: 2, k: 2, ...plain, ...single });
      console.log(JSON.stringify({ c: [...c], ...backend.info() }));`);
    const { c, name, blas, reason } = JSON.parse(output);
    assertEquals([name, c], ["native", [19, 22, 43, 50]]);
    assert(!blas.includes("OpenBLAS 0"), blas);
    assertEquals(reason, "no OpenBLAS, as asked");
  },
});
