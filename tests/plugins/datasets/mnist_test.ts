import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError, type Dataset, loadDataset, OptionError, PermissionError } from "../../../core/mod.ts";
import { mnist, type MnistOptions } from "../../../plugins/datasets/mnist.ts";
import { gzip, idxBytes, inFolder } from "./_idx_bytes.ts";

const load = (options: MnistOptions): Promise<Dataset> => loadDataset(mnist(options));

/** Writes the four files with 5 training and 2 test images; the first pixel of an image is its number. */
async function writeFiles(
  folder: string,
  packed: boolean,
  change: Record<string, Uint8Array<ArrayBuffer>> = {},
): Promise<void> {
  const images = (count: number) => {
    const pixels = new Uint8Array(count * 784);
    for (let i = 0; i < count; i++) pixels[i * 784] = i + 1;
    return idxBytes([count, 28, 28], pixels);
  };
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    "train-images-idx3-ubyte": images(5),
    "train-labels-idx1-ubyte": idxBytes([5], [3, 1, 4, 1, 5]),
    "t10k-images-idx3-ubyte": images(2),
    "t10k-labels-idx1-ubyte": idxBytes([2], [9, 2]),
    ...change,
  };
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(`${folder}/${name}${packed ? ".gz" : ""}`, packed ? await gzip(bytes) : bytes);
  }
}

Deno.test("mnist() finds packed and plain files in the folder and in its folder mnist", async () => {
  for (const inner of ["", "/mnist"]) {
    for (const packed of [true, false]) {
      await inFolder(async (folder) => {
        await writeFiles(folder + inner, packed);
        const { name, classes, outputs, train, test } = await load({ data: folder });
        assertEquals({ name, classes, outputs }, { name: "mnist", classes: 10, outputs: 0 });
        assertEquals([train.count, train.shape, train.scale], [5, [784], 1 / 255]);
        assertEquals(train.labels, Int32Array.of(3, 1, 4, 1, 5));
        assertEquals([test.count, test.inputs[0], test.inputs[784]], [2, 1, 2]);
        assertEquals(test.labels, Int32Array.of(9, 2));
      });
    }
  }
});

Deno.test("mnist() keeps rows and columns apart with flatten: false", async () => {
  await inFolder(async (folder) => {
    await writeFiles(folder, false);
    const { train, test } = await load({ data: folder, flatten: false });
    assertEquals([train.shape, test.shape], [[1, 28, 28], [1, 28, 28]]);
  });
});

Deno.test("mnist() with validation holds back the last training images, and keeps its test part", async () => {
  await inFolder(async (folder) => {
    await writeFiles(folder, false);
    const { train, validation, test } = await load({ data: folder, validation: 2 });
    assertEquals([train.count, train.inputs.length, train.labels], [3, 3 * 784, Int32Array.of(3, 1, 4)]);
    assertEquals([validation!.count, validation!.inputs[0], validation!.inputs.length], [2, 4, 2 * 784]);
    assertEquals(validation!.labels, Int32Array.of(1, 5));
    assertEquals([test.count, test.labels], [2, Int32Array.of(9, 2)]);
    assertEquals((await load({ data: folder })).validation, undefined);
    const error = await assertRejects(() => load({ data: folder, validation: 5 }), OptionError);
    assertEquals(error.message, "mnist.validation: expected a number below 5, found 5.");
  });
});

Deno.test("mnist() says which files are missing, where to get them and how to check them", async () => {
  await inFolder(async (folder) => {
    await writeFiles(folder, true);
    await Deno.remove(`${folder}/t10k-labels-idx1-ubyte.gz`);
    const error = await assertRejects(() => load({ data: folder }), DataError);
    assertStringIncludes(error.message, `expected t10k-labels-idx1-ubyte.gz in ${folder}/mnist or ${folder}`);
    assertStringIncludes(error.message, "--download");
    assertStringIncludes(error.message, "https://storage.googleapis.com/cvdf-datasets/mnist/");
    assertStringIncludes(error.message, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609");
  });
});

Deno.test("mnist() refuses labels outside of 0 to 9, counts that disagree and images of another size", async () => {
  const cases: [Record<string, Uint8Array<ArrayBuffer>>, string][] = [
    [
      { "train-labels-idx1-ubyte": idxBytes([5], [3, 1, 10, 1, 5]) },
      "expected labels from 0 to 9, found 10 for image 2",
    ],
    [{ "t10k-labels-idx1-ubyte": idxBytes([3], [1, 2, 3]) }, "expected 2 labels"],
    [{ "train-images-idx3-ubyte": idxBytes([5, 2, 2], new Uint8Array(20)) }, "28 by 28 pixels, found 5 of 2 by 2"],
    [{ "train-images-idx3-ubyte": idxBytes([0, 28, 28], []) }, "found 0 of 28 by 28"],
    [{ "t10k-images-idx3-ubyte": idxBytes([2], [1, 2]) }, "expected the IDX magic number 0x00000803"],
  ];
  for (const [change, message] of cases) {
    await inFolder(async (folder) => {
      await writeFiles(folder, false, change);
      const error = await assertRejects(() => load({ data: folder }), DataError);
      assertStringIncludes(error.message, message);
      assertStringIncludes(error.message, Object.keys(change)[0]);
    });
  }
});

Deno.test("mnist() refuses options out of range", () => {
  assertThrows(() => mnist({ validation: -1 }), OptionError, "mnist.validation: expected a whole number of at least 0");
  assertThrows(() => mnist({ data: "" }), OptionError, "mnist.data: expected the path of a folder");
});

Deno.test({
  name: "mnist() names the flag when it may not read the variable",
  permissions: { env: false, read: true },
  fn: async () => {
    const error = await assertRejects(() => load({}), PermissionError);
    assertStringIncludes(error.message, "--allow-env=THINNED_DATA");
  },
});

Deno.test({
  name: "mnist() names the flag when it may not read the files",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(() => load({ data: "some-folder" }), PermissionError);
    assertStringIncludes(error.message, "--allow-read=some-folder.");
  },
});

const real = Deno.env.get("THINNED_DATA");
Deno.test({
  name: `mnist() reads the real data set${real ? "" : " (skipped: THINNED_DATA is not set)"}`,
  ignore: !real,
  fn: async () => {
    const { train, test } = await load({});
    assertEquals([train.count, test.count], [60000, 10000]);
    assertEquals(train.labels!.slice(0, 10), Int32Array.of(5, 0, 4, 1, 9, 2, 1, 3, 1, 4));
    assertEquals(test.labels!.slice(0, 5), Int32Array.of(7, 2, 1, 0, 4));
    const counts = new Array(10).fill(0);
    for (const label of train.labels!) counts[label]++;
    assertEquals(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    let sum = 0;
    for (const pixel of train.inputs) sum += pixel;
    assertEquals((sum / train.inputs.length).toFixed(4), "33.3184");
  },
});
