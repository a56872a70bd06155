/** New inputs from files: IDX, PNG and numbers, prepared as in training, or refused in one sentence. */
import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { encode } from "fast-png";
import { readInputs } from "../../../cli/predict/read_inputs.ts";
import { DataError, type Preprocessing } from "../../../mod.ts";
import { idxBytes } from "../../plugins/datasets/_idx_bytes.ts";
import { inFolder } from "../_run.ts";

const grey: Preprocessing = { dataset: "grey", shape: [6], classes: 2, outputs: 0, scale: 1 / 255, image: [1, 2, 3] };
const colour: Preprocessing = { dataset: "colour", shape: [3, 1, 2], classes: 2, outputs: 0, scale: 1 };
const plain: Preprocessing = {
  dataset: "plain",
  shape: [3],
  classes: 0,
  outputs: 1,
  scale: 1,
  inputUnits: { mean: [1, 0, 0], deviation: [2, 1, 1] },
};

const png = (width: number, height: number, channels: 1 | 2 | 3 | 4, values: number[], depth: 1 | 8 | 16 = 8) =>
  encode({ width, height, channels, depth, data: depth === 16 ? Uint16Array.from(values) : Uint8Array.from(values) });

async function all(path: string, preprocessing: Preprocessing) {
  const parts = await Array.fromAsync(readInputs(path, preprocessing));
  return {
    rows: parts.flatMap(({ inputs }) => inputs.toArray() as number[][]),
    files: parts.flatMap((p) => p.files ?? []),
  };
}

/** Reads a file that holds these bytes. */
async function read(bytes: Uint8Array | string, preprocessing: Preprocessing) {
  let found: Awaited<ReturnType<typeof all>> | undefined;
  await inFolder(async (folder) => {
    const path = `${folder}/given`;
    await Deno.writeFile(
      path,
      typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes as Uint8Array<ArrayBuffer>,
    );
    found = await all(path, preprocessing);
  });
  return found!;
}

Deno.test("IDX files give their examples, plain or packed, for flat rows and for images", async () => {
  const values = Array.from({ length: 12 }, (_, i) => i * 20);
  const bytes = idxBytes([2, 2, 3], values);
  const { rows } = await read(bytes, grey);
  assertEquals(rows.length, 2);
  rows.flat().forEach((value, i) => assertAlmostEquals(value, values[i] / 255, 1e-6));
  const packed = new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")));
  assertEquals((await read(new Uint8Array(await packed.arrayBuffer()), grey)).rows, rows);
  assertEquals((await read(idxBytes([2, 6], values), grey)).rows, rows);
  assertEquals(
    (await read(idxBytes([1, 3, 1, 2], [1, 2, 3, 4, 5, 6]), colour)).rows,
    [[[[1, 2]], [[3, 4]], [[5, 6]]]] as never,
  );
  const last = { ...colour, layout: "channels-last" } as const;
  assertEquals(
    (await read(idxBytes([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]), last)).rows,
    [[[[1, 4]], [[2, 5]], [[3, 6]]]] as never,
  );
  const many = idxBytes([3000, 3], Array.from({ length: 9000 }, (_, i) => i % 251));
  const parts = await read(many, plain);
  assertEquals([parts.rows.length, parts.rows[2999][2]], [3000, 8999 % 251]);
});

Deno.test("a folder of PNG images gives one row each, in the order of their names, which come along", () =>
  inFolder(async (folder) => {
    const images = { "b10.png": 10, "b9.PNG": 9, "a.png": 1 };
    for (const [name, first] of Object.entries(images)) {
      await Deno.writeFile(`${folder}/${name}`, png(3, 2, 1, [first, 51, 102, 153, 204, 255]));
    }
    await Deno.writeTextFile(`${folder}/notes.txt`, "no image");
    await Deno.writeTextFile(`${folder}/.hidden.png`, "no image");
    const { rows, files } = await all(folder, grey);
    assertEquals(files, ["a.png", "b9.PNG", "b10.png"]);
    assertEquals(rows.map(([first]) => Math.round(first * 255)), [1, 9, 10]);
    assertAlmostEquals(rows[0][3], 153 / 255, 1e-6);
  }));

Deno.test("PNG images of every kind come out as bytes: channels apart, few bits, many bits, grey written as colour", async () => {
  const pixels = [1, 2, 3, 4, 5, 6];
  assertEquals((await read(png(2, 1, 3, pixels), colour)).rows, [[[[1, 4]], [[2, 5]], [[3, 6]]]] as never);
  assertEquals(
    (await read(png(2, 1, 4, [1, 2, 3, 255, 4, 5, 6, 255]), colour)).rows,
    [[[[1, 4]], [[2, 5]], [[3, 6]]]] as never,
  );
  const bytes = { ...grey, scale: 1 };
  assertEquals((await read(png(3, 2, 1, [0b10100000, 0b01000000], 1), bytes)).rows, [[255, 0, 255, 0, 255, 0]]);
  assertEquals((await read(png(3, 2, 1, [0, 257, 65535, 0, 0, 0], 16), bytes)).rows, [[0, 1, 255, 0, 0, 0]]);
  const written = [7, 8, 9, 10, 11, 12];
  assertEquals((await read(png(3, 2, 3, written.flatMap((v) => [v, v, v])), bytes)).rows, [written]);
  assertEquals((await read(png(3, 2, 2, written.flatMap((v) => [v, 255])), bytes)).rows, [written]);
  const palette = encode({
    width: 3,
    height: 2,
    channels: 1,
    depth: 8,
    data: Uint8Array.of(0, 1, 0, 1, 1, 0),
    palette: [[5, 5, 5], [90, 90, 90]],
  });
  assertEquals((await read(palette, bytes)).rows, [[5, 90, 5, 90, 90, 5]]);
  // A flat row of unknown origin is taken for a square.
  const square: Preprocessing = { ...plain, shape: [4], inputUnits: undefined };
  assertEquals((await read(png(2, 2, 1, [1, 2, 3, 4]), square)).rows, [[1, 2, 3, 4]]);
});

Deno.test("rows of numbers are read with any separators and perhaps a heading, and standardized", async () => {
  for (const text of ["1,2,3\n5,6,7\n", "a;b;c\n1;2;3\r\n5;6;7", "1 2\t3\n\n 5   6 7\n"]) {
    assertEquals((await read(text, plain)).rows, [[0, 2, 3], [2, 6, 7]], text);
  }
});

Deno.test("what is not as in training is refused with the file, what was expected and what was found", async () => {
  const refused: [Uint8Array | string, Preprocessing, string][] = [
    ["", grey, "given: expected images or rows of numbers for the shape [6], found nothing in it."],
    [
      idxBytes([1, 3, 3], new Array(9).fill(0)),
      grey,
      "given: expected examples of shape [2, 3], found 1 of shape [3, 3].",
    ],
    [idxBytes([4], [1, 2, 3, 4]), grey, "expected examples of shape [2, 3], found 4 of shape []."],
    [idxBytes([0, 2, 3], []), grey, "given: expected at least one example, found none."],
    [idxBytes([2, 2, 3], new Array(12).fill(0)).subarray(0, 20), grey, "the file is cut short."],
    [Uint8Array.of(0x1f, 0x8b, 1, 2), grey, "expected a whole gzip file, found"],
    [png(2, 2, 1, [1, 2, 3, 4]), grey, "given: expected an image of 3 by 2 pixels, found 2 by 2."],
    [png(2, 1, 1, [1, 2]), colour, "given: expected an image of 3 channels (colour), found 1 channel (grey)."],
    [
      png(3, 2, 3, new Array(18).fill(0).map((_, i) => i)),
      grey,
      "expected an image of 1 channel (grey), found 3 channels (colour).",
    ],
    [png(3, 2, 2, [1, 255, 1, 255, 1, 255, 1, 255, 1, 255, 1, 7]), grey, "found one that is not opaque everywhere."],
    [png(3, 2, 1, [1, 2, 3, 4, 5, 6]).subarray(0, 45), grey, "expected a whole PNG image, found a damaged one"],
    [png(3, 2, 1, [1, 2, 3, 4, 5, 6]), plain, "given: expected rows of 3 numbers, found an image."],
    ["1,2\n", plain, "given, line 1: expected 3 numbers, found 2."],
    ["a,b,c\n1,2,3\n4,NaN,6\n", plain, 'given, line 3, column 2: expected a number, found "NaN".'],
    ["1,2,3\n4,,6\n", plain, 'given, line 2, column 2: expected a number, found "".'],
    ["1,2,Infinity\n", plain, 'line 1, column 3: expected a number, found "Infinity".'],
    ["a,b,c\n", plain, "given: expected at least one row of numbers, found none."],
    [Uint8Array.of(200, 201, 202), plain, "found other bytes."],
  ];
  for (const [bytes, preprocessing, message] of refused) {
    await assertRejects(() => read(bytes, preprocessing), DataError, message);
  }
  await inFolder(async (folder) => {
    await assertRejects(() => all(folder, grey), DataError, "expected PNG images in the folder, found none.");
    await assertRejects(() => all(`${folder}/none`, grey), DataError, "expected a file or a folder, found none.");
    await Deno.writeTextFile(`${folder}/a.png`, "");
    await assertRejects(() => all(folder, grey), DataError, "a.png: expected a PNG image, found an empty file.");
  });
  const damaged = png(3, 2, 1, [1, 2, 3, 4, 5, 6]);
  damaged[damaged.length - 20] ^= 255;
  await assertRejects(() => read(damaged, grey), DataError, "found a damaged one");
});
