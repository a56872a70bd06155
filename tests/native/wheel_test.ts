/** OpenBLAS out of a wheel: what is fetched is checked, unpacked and found again. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type BlasPlaces, prepareBlas } from "../../native/blas.ts";
import { describeFolder, digest } from "../../native/cache.ts";
import { cachedWheel, fetchWheel, unzip, type Wheel, wheels } from "../../native/wheel.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** A ZIP file, written by the format's description (APPNOTE 4.3), with each file stored (0) or deflated (8). */
async function zip(
  files: readonly { path: string; data: Uint8Array<ArrayBuffer>; method: 0 | 8 }[],
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  const size = (list: readonly Uint8Array[]) => list.reduce((sum, part) => sum + part.length, 0);
  const header = (
    signature: number,
    bytes: number,
    fields: readonly (readonly [at: number, size: 2 | 4, n: number])[],
  ) => {
    const view = new DataView(new ArrayBuffer(bytes));
    view.setUint32(0, signature, true);
    for (const [at, width, n] of fields) width === 2 ? view.setUint16(at, n, true) : view.setUint32(at, n, true);
    return new Uint8Array(view.buffer);
  };
  for (const { path, data, method } of files) {
    const deflated = new Blob([data]).stream().pipeThrough(new CompressionStream("deflate-raw"));
    const packed = method === 0 ? data : new Uint8Array(await new Response(deflated).arrayBuffer());
    const name = text(path);
    const start = size(parts);
    const [sizes, names] = [[packed.length, data.length], name.length];
    parts.push(
      header(0x04034b50, 30, [[8, 2, method], [18, 4, sizes[0]], [22, 4, sizes[1]], [26, 2, names]]),
      name,
      packed,
    );
    const fields = [[10, 2, method], [20, 4, sizes[0]], [24, 4, sizes[1]], [28, 2, names], [42, 4, start]] as const;
    directory.push(header(0x02014b50, 46, fields), name);
  }
  const end = header(0x06054b50, 22, [[8, 2, files.length], [10, 2, files.length], [16, 4, size(parts)]]);
  return new Uint8Array(await new Blob([...parts, ...directory, end]).arrayBuffer());
}

const library = text("the library\n".repeat(100));
const archive = await zip([
  { path: "made/__init__.py", data: text("nothing"), method: 0 },
  { path: "made/lib/libmade.so", data: library, method: 8 },
]);
const wheel: Wheel = { path: "ab/cd/made-1.whl", sha256: await digest(archive), library: "libmade.so" };

/** Runs a body with an empty cache folder and a server that has one file. */
async function served(
  bytes: Uint8Array<ArrayBuffer>,
  body: (folder: string, index: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const folder = await Deno.makeTempDir({ prefix: "thinned-test-" });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return pathname.endsWith(wheel.path) ? new Response(bytes) : new Response(null, { status: 404 });
  });
  try {
    await body(folder, `http://127.0.0.1:${server.addr.port}/packages`, asked);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("unzip() gives a file that is stored or deflated, and names what is not there", async () => {
  assertEquals(await unzip(archive, "/lib/libmade.so"), library);
  assertEquals(await unzip(archive, "__init__.py"), text("nothing"));
  await assertRejects(() => unzip(archive, "other.so"), Error, "no file that ends with other.so");
  await assertRejects(() => unzip(text("no archive at all, but long enough"), "x"), Error, "has no directory");
});

Deno.test("fetchWheel() unpacks the library into the cache, where it is found again", async () => {
  await served(archive, async (path, index, asked) => {
    const folder = await describeFolder(path);
    assertEquals(await cachedWheel(folder, wheel), undefined);
    const lines: string[] = [];
    const fetched = await fetchWheel(folder, wheel, (line) => lines.push(line), index);
    if (!("library" in fetched)) throw new Error(fetched.problem);
    assertEquals(await Deno.readFile(fetched.library), library);
    assertEquals([await cachedWheel(folder, wheel), lines.length, asked], [
      fetched.library,
      1,
      ["/packages/ab/cd/made-1.whl"],
    ]);
    assertEquals((await Array.fromAsync(Deno.readDir(path))).length, 1); // nothing else is left behind
  });
});

Deno.test("fetchWheel() keeps nothing of a wheel with another SHA-256, and says so", async () => {
  const other = archive.slice();
  other[archive.length >> 1] ^= 1;
  await served(other, async (path, index) => {
    const fetched = await fetchWheel(await describeFolder(path), wheel, () => {}, index);
    if (!("problem" in fetched)) throw new Error(`fetched ${fetched.library}`);
    assert(fetched.lasting);
    assertStringIncludes(fetched.problem, `not ${wheel.sha256}`);
    assertEquals(await Array.fromAsync(Deno.readDir(path)), []);
  });
});

Deno.test("fetchWheel() says what the server answered", async () => {
  await served(archive, async (path, index) => {
    const missing = { ...wheel, path: "no/such.whl" };
    const fetched = await fetchWheel(await describeFolder(path), missing, () => {}, index);
    if (!("problem" in fetched)) throw new Error(`fetched ${fetched.library}`);
    assertStringIncludes(fetched.problem, "answered with status 404");
  });
});

Deno.test("prepareBlas() asks for a wheel where the system has no packages, and tells both problems", async () => {
  await served(archive, async (path, index, asked) => {
    const places: BlasPlaces = { folders: [], programs: false, fetch: true, packages: false, index };
    const { paths, how } = await prepareBlas(await describeFolder(path), places, () => {});
    if (wheels[Deno.build.target] === undefined) return;
    assertEquals([paths, asked.length], [[], 1]);
    assertStringIncludes(how, "has no packages of it");
    assertStringIncludes(how, "answered with status 404");
  });
});

Deno.test("all wheels have a hash and a path of their own", () => {
  const all = Object.values(wheels);
  assertEquals(new Set(all.map(({ sha256 }) => sha256)).size, all.length);
  for (const { path, sha256, library } of all) {
    assert(/^[0-9a-f]{64}$/.test(sha256) && path.endsWith(".whl") && library.startsWith("lib"), path);
  }
});
