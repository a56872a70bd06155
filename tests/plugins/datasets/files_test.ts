import { assert, assertEquals, assertRejects } from "@std/assert";
import { unpack } from "../../../plugins/datasets/_files.ts";
import { DataError } from "../../../core/mod.ts";
import { gzip } from "./_idx_bytes.ts";

Deno.test("unpack() stops at the limit that the first bytes give, and takes what is within it", async () => {
  const zeros = new Uint8Array(3_000_000);
  zeros[0] = 7;
  const packed = await gzip(zeros);
  assertEquals(await unpack(packed, "f", () => zeros.length, 1), zeros);
  await assertRejects(
    () => unpack(packed, "f", (first) => first[0] * 1000, 1),
    DataError,
    "f: expected at most 7000 bytes when unpacked, found more",
  );
});

Deno.test("unpack() refuses more than 1 GiB from a megabyte, without unpacking it whole", async () => {
  const zeros = new Uint8Array(2 ** 25);
  const stream = ReadableStream.from(Array.from({ length: 33 }, () => zeros));
  const packed = stream.pipeThrough<Uint8Array<ArrayBuffer>>(new CompressionStream("gzip"));
  const bomb = new Uint8Array(await new Response(packed).arrayBuffer());
  assert(bomb.length < 2 ** 21);
  await assertRejects(() => unpack(bomb, "bomb.gz"), DataError, "bomb.gz: expected at most 1073741824 bytes");
});
