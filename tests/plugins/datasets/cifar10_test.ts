/** CIFAR-10 from small files made here, and what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { DataError, type Dataset, loadDataset, makeBatch, OptionError, PermissionError } from "../../../core/mod.ts";
import { cifar10, type Cifar10Options } from "../../../plugins/datasets/cifar10.ts";
import { mean, variance } from "../../core/_statistics.ts";
import { gzip, inFolder } from "./_idx_bytes.ts";

const load = (options: Cifar10Options): Promise<Dataset> => loadDataset(cifar10(options));

/** Records with the given labels; pixel p of channel c of image i of a file is a mix of all of them. */
function records(labels: readonly number[], file = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(labels.length * 3073);
  labels.forEach((label, image) => {
    bytes[image * 3073] = label;
    for (let i = 0; i < 3072; i++) {
      const channel = Math.floor(i / 1024);
      bytes[image * 3073 + 1 + i] = (7 * i + 31 * image + 53 * file) % (64 << channel);
    }
  });
  return bytes;
}

async function writeFiles(folder: string, change: Record<string, Uint8Array<ArrayBuffer>> = {}): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const files: Record<string, Uint8Array<ArrayBuffer>> = { "test_batch.bin": records([9, 0], 6) };
  for (let i = 1; i <= 5; i++) files[`data_batch_${i}.bin`] = records([i, i + 4], i);
  for (const [name, bytes] of Object.entries({ ...files, ...change })) await Deno.writeFile(`${folder}/${name}`, bytes);
}

Deno.test("cifar10() reads the records of all batches, in the folder and in the folders it is unpacked to", async () => {
  for (const inner of ["", "/cifar-10-batches-bin", "/cifar10"]) {
    await inFolder(async (folder) => {
      await writeFiles(folder + inner);
      const { name, classes, classNames, train, test } = await load({ data: folder });
      assertEquals([name, classes, classNames!.length, classNames![9]], ["cifar10", 10, 10, "truck"]);
      assertEquals([train.count, train.shape, train.scale], [10, [3, 32, 32], 1 / 255]);
      assertEquals([...train.labels!], [1, 5, 2, 6, 3, 7, 4, 8, 5, 9]);
      assertEquals([...test.labels!], [9, 0]);
      // Image 1 of file 2, the first pixel of the blue plane: its place is kept.
      const expected = (7 * 2048 + 31 + 53 * 2) % 256;
      assertEquals(train.inputs[3 * 3072 + 2048], expected);
      const { inputs } = makeBatch(train, 0, 3, 4);
      assertEquals(inputs.shape, [1, 3, 32, 32]);
      assertEquals(inputs.floats[2048], Math.fround(expected / 255));
    });
  }
});

Deno.test("cifar10() with standardize gives each channel mean 0 and variance 1 over the training part", async () => {
  await inFolder(async (folder) => {
    await writeFiles(folder);
    const { train, test } = await load({ data: folder, standardize: true });
    assertEquals(test.normalize, train.normalize);
    const inputs = makeBatch(train, 0, 0, train.count).inputs.floats;
    for (let channel = 0; channel < 3; channel++) {
      const values = inputs.filter((_, i) => Math.floor(i / 1024) % 3 === channel);
      assert(Math.abs(mean(values)) < 1e-5, `mean of channel ${channel}: ${mean(values)}`);
      assertAlmostEquals(variance(values), 1, 1e-4);
    }
  });
});

Deno.test("cifar10() with validation holds back the last training images, and standardizes by the others", async () => {
  await inFolder(async (folder) => {
    await writeFiles(folder);
    const { train, validation, test } = await load({ data: folder, validation: 2, standardize: true });
    assertEquals([train.count, validation!.count, [...validation!.labels!]], [8, 2, [5, 9]]);
    assertEquals([validation!.normalize, test.normalize], [train.normalize, train.normalize]);
    const inputs = makeBatch(train, 0, 0, 8).inputs.floats.filter((_, i) => Math.floor(i / 1024) % 3 === 0);
    assert(Math.abs(mean(inputs)) < 1e-5);
    await assertRejects(() => load({ data: folder, validation: 10 }), OptionError, "a number below 10, found 10");
  });
});

Deno.test("cifar10() reads files packed by gzip", async () => {
  await inFolder(async (folder) => {
    await writeFiles(folder);
    for (const name of ["data_batch_1.bin", "test_batch.bin"]) {
      await Deno.writeFile(`${folder}/${name}.gz`, await gzip(await Deno.readFile(`${folder}/${name}`)));
      await Deno.remove(`${folder}/${name}`);
    }
    assertEquals((await load({ data: folder })).train.count, 10);
  });
});

Deno.test("cifar10() refuses files that are cut short or empty, labels above 9, and missing files", async () => {
  const cases: [Record<string, Uint8Array<ArrayBuffer>>, string][] = [
    [{ "data_batch_3.bin": records([1, 2]).subarray(0, 6000) }, "whole records of 3073 bytes, found 6000 bytes"],
    [{ "data_batch_5.bin": new Uint8Array(0) }, "found 0 bytes: the file is empty"],
    [{ "data_batch_2.bin": records([1, 10]) }, "expected labels from 0 to 9, found 10 for image 1"],
    [{ "test_batch.bin": records([255]) }, "expected labels from 0 to 9, found 255 for image 0"],
  ];
  for (const [change, message] of cases) {
    await inFolder(async (folder) => {
      await writeFiles(folder, change);
      const error = await assertRejects(() => load({ data: folder }), DataError, message);
      assert(error.message.includes(Object.keys(change)[0]), error.message);
    });
  }
  await inFolder(async (folder) => {
    await assertRejects(() => load({ data: folder }), DataError, "expected data_batch_1.bin in");
    await writeFiles(folder);
    await Deno.remove(`${folder}/data_batch_4.bin`);
    await assertRejects(() => load({ data: folder }), DataError, "data_batch_4.bin: expected a file, found none");
  });
});

Deno.test({
  name: "cifar10() names the flag when it may not read the files",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(() => load({ data: "some" }), PermissionError);
    assert(error.message.includes("--allow-read=some"), error.message);
  },
});
