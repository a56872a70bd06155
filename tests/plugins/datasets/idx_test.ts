import { assertEquals, assertRejects } from "@std/assert";
import { readIdx } from "../../../plugins/datasets/_idx.ts";
import { DataError } from "../../../core/mod.ts";
import { gzip, idxBytes } from "./_idx_bytes.ts";

const bytes = idxBytes([2, 1, 3], [1, 2, 3, 4, 5, 255]);

/** Expects a DataError that names the file and says all of the given texts. */
async function refuses(file: Uint8Array<ArrayBuffer>, axes: number, ...texts: string[]): Promise<void> {
  const error = await assertRejects(() => readIdx(file, axes, "some-file"), DataError);
  for (const text of ["some-file", ...texts]) {
    assertEquals(error.message.includes(text), true, `${JSON.stringify(text)} is not in ${error.message}`);
  }
}

Deno.test("readIdx() reads the shape and the bytes of a plain file", async () => {
  assertEquals(await readIdx(bytes, 3, "f"), { shape: [2, 1, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 255) });
  assertEquals(await readIdx(idxBytes([0], []), 1, "f"), { shape: [0], data: new Uint8Array() });
});

Deno.test("readIdx() reads the same from a file packed by gzip", async () => {
  assertEquals(await readIdx(await gzip(bytes), 3, "f"), await readIdx(bytes, 3, "f"));
});

Deno.test("readIdx() refuses a file that is cut short anywhere", async () => {
  for (let length = 0; length < 16; length++) {
    await refuses(bytes.slice(0, length), 3, "expected an IDX header of 16 bytes", `found ${length} bytes`);
  }
  for (let length = 16; length < bytes.length; length++) {
    await refuses(
      bytes.slice(0, length),
      3,
      "expected 6 bytes of data",
      "[2, 1, 3]",
      `found ${length - 16}: the file is cut short`,
    );
  }
});

Deno.test("readIdx() refuses a packed file that is cut short anywhere", async () => {
  const packed = await gzip(bytes);
  for (let length = 2; length < packed.length; length++) {
    await refuses(packed.slice(0, length), 3, "expected a whole gzip file", `found ${length} bytes`);
  }
});

Deno.test("readIdx() refuses a packed file whose bytes were changed", async () => {
  const packed = await gzip(bytes);
  packed[packed.length - 6] ^= 1; // the checksum
  await refuses(packed, 3, "expected a whole gzip file");
});

Deno.test("readIdx() refuses bytes after the data", async () => {
  const longer = new Uint8Array([...bytes, 9]);
  await refuses(longer, 3, "expected 6 bytes of data", "found 7: the file is longer");
  await refuses(await gzip(longer), 3, "expected 6 bytes of data", "found 7: the file is longer");
  await refuses(new Uint8Array([...await gzip(bytes), 9, 9, 9]), 3, "expected a whole gzip file");
});

Deno.test("readIdx() refuses another format, another number type and another number of axes", async () => {
  await refuses(new TextEncoder().encode("<!DOCTYPE html>"), 3, "0x00000803", "found 0x3c21444f");
  const floats = bytes.slice();
  floats[2] = 0x0d;
  await refuses(floats, 3, "0x00000803", "found 0x00000d03");
  await refuses(bytes, 1, "0x00000801", "found 0x00000803");
});

Deno.test("readIdx() unpacks no more than the header says, however much a small file would give", async () => {
  const bomb = await gzip(idxBytes([2, 1, 3], new Uint8Array(50_000_000)));
  assertEquals(bomb.length < 100_000, true);
  await refuses(bomb, 3, `expected at most ${16 + 6 + 65536} bytes when unpacked, found more`);
});
