import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError, PermissionError } from "../../../core/mod.ts";
import { downloadMnist, type DownloadProgress, sha256 } from "../../../plugins/datasets/download_mnist.ts";
import type { RemoteFile } from "../../../plugins/datasets/_mnist_files.ts";
import { gzip, inFolder } from "./_idx_bytes.ts";

const unpacked = new TextEncoder().encode("the content of a file");
const packed = await gzip(unpacked);
const file: RemoteFile = { name: "a.gz", sha256: await sha256(packed), unpackedSha256: await sha256(unpacked) };

/** What the server answers, by the first part of the address: status line, announced length, and bytes. */
const answers: Record<string, [status: string, length: number, body: Uint8Array]> = {
  right: ["200 OK", packed.length, packed],
  plain: ["200 OK", unpacked.length, unpacked],
  wrong: ["200 OK", 7, new TextEncoder().encode("<html/>")],
  short: ["200 OK", packed.length, packed.slice(0, 8)],
  missing: ["404 Not Found", 0, new Uint8Array()],
};

/** A server on this machine that closes the connection after each answer, whole or not. */
async function withServer(test: (mirror: (kind: string) => string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      const request = new Uint8Array(4096);
      const kind = new TextDecoder().decode(request.subarray(0, await connection.read(request) ?? 0)).split("/")[1];
      const [status, length, body] = answers[kind];
      const head = `HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;
      await new Response(new Blob([head, Uint8Array.from(body)])).body!.pipeTo(connection.writable);
    }
  })();
  try {
    await test((kind) => `http://127.0.0.1:${listener.addr.port}/${kind}/`);
  } finally {
    listener.close();
    await serving;
  }
}

/** The names in a folder. */
const namesIn = (folder: string): string[] => Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();

Deno.test("downloadMnist() fetches a file, tells how far it is, and leaves nothing else behind", async () => {
  await withServer((mirror) =>
    inFolder(async (parent) => {
      const folder = `${parent}/new/mnist`;
      const seen: DownloadProgress[] = [];
      const onProgress = (progress: DownloadProgress) => void seen.push(progress);
      assertEquals(await downloadMnist({ folder, mirrors: [mirror("right")], files: [file], onProgress }), ["a.gz"]);
      assertEquals(await Deno.readFile(`${folder}/a.gz`), packed);
      assertEquals(namesIn(folder), ["a.gz"]);
      assertEquals(seen.at(-1), {
        file: "a.gz",
        url: mirror("right") + "a.gz",
        received: packed.length,
        total: packed.length,
      });
    })
  );
});

Deno.test("downloadMnist() leaves a right file alone, packed or not, and replaces a wrong one", async () => {
  await withServer((mirror) =>
    inFolder(async (folder) => {
      const options = { folder, mirrors: [mirror("right")], files: [file] };
      for (const right of [packed, unpacked]) {
        await Deno.writeFile(`${folder}/a.gz`, right);
        assertEquals(await downloadMnist(options), []);
        assertEquals(await Deno.readFile(`${folder}/a.gz`), right);
      }
      for (const wrong of [unpacked.slice(1), packed.slice(0, -1)]) {
        await Deno.writeFile(`${folder}/a.gz`, wrong);
        assertEquals(await downloadMnist(options), ["a.gz"]);
        assertEquals(await Deno.readFile(`${folder}/a.gz`), packed);
      }
    })
  );
});

Deno.test("downloadMnist() goes on to the next mirror after a missing, wrong or broken file", async () => {
  await withServer(async (mirror) => {
    for (const kind of ["missing", "wrong", "short"]) {
      await inFolder(async (folder) => {
        await downloadMnist({ folder, mirrors: [mirror(kind), mirror("right")], files: [file] });
        assertEquals(await Deno.readFile(`${folder}/a.gz`), packed);
      });
    }
    await inFolder(async (folder) => {
      await downloadMnist({ folder, mirrors: [mirror("plain")], files: [file] });
      assertEquals(await Deno.readFile(`${folder}/a.gz`), unpacked);
    });
  });
});

Deno.test("downloadMnist() says what happened at each mirror and writes nothing", async () => {
  await withServer((mirror) =>
    inFolder(async (folder) => {
      const mirrors = ["missing", "wrong", "short"].map(mirror);
      const error = await assertRejects(() => downloadMnist({ folder, mirrors, files: [file] }), DataError);
      assertStringIncludes(error.message, `${mirrors[0]}a.gz: expected status 200, found 404 Not Found`);
      assertStringIncludes(error.message, `${mirrors[1]}a.gz: expected SHA-256 ${file.sha256}, found `);
      assertStringIncludes(error.message, `${mirrors[2]}a.gz: `);
      assertEquals(namesIn(folder), []);
    })
  );
});

Deno.test("downloadMnist() names an address that cannot be reached", async () => {
  await inFolder(async (folder) => {
    const mirrors = ["http://127.0.0.1:1/"];
    const error = await assertRejects(() => downloadMnist({ folder, mirrors, files: [file] }), DataError);
    assertStringIncludes(error.message, "http://127.0.0.1:1/a.gz: ");
  });
});

Deno.test({
  name: "downloadMnist() names the flag when it may not use the network",
  permissions: { read: true, write: true, net: false },
  fn: () =>
    inFolder(async (folder) => {
      const error = await assertRejects(() => downloadMnist({ folder }), PermissionError);
      assertStringIncludes(
        error.message,
        "--allow-net=ossci-datasets.s3.amazonaws.com,storage.googleapis.com",
      );
    }),
});

Deno.test({
  name: "downloadMnist() names the flag when it may not write the folder",
  permissions: { read: true, write: false, net: false },
  fn: async () => {
    const error = await assertRejects(() => downloadMnist({ folder: "some-folder" }), PermissionError);
    assertStringIncludes(error.message, "--allow-write=some-folder");
  },
});
