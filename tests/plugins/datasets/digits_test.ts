import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type Dataset, loadDataset, OptionError, type Split } from "../../../core/mod.ts";
import { digits, type DigitsOptions } from "../../../plugins/datasets/digits.ts";

const load = (options: DigitsOptions): Promise<Dataset> => loadDataset(digits(options));

/** The part's error under a classifier that picks the class with the nearest mean training image. */
function nearestCentroidError(train: Split, test: Split): number {
  const centroids = Array.from({ length: 10 }, () => new Float64Array(784));
  const counts = new Array(10).fill(0);
  for (let i = 0; i < train.count; i++) counts[train.labels![i]]++;
  for (let i = 0; i < train.count; i++) {
    const label = train.labels![i];
    for (let p = 0; p < 784; p++) centroids[label][p] += train.inputs[i * 784 + p] / counts[label];
  }
  let wrong = 0;
  for (let i = 0; i < test.count; i++) {
    const distances = centroids.map((centroid) => {
      let sum = 0;
      for (let p = 0; p < 784; p++) sum += (test.inputs[i * 784 + p] - centroid[p]) ** 2;
      return sum;
    });
    if (distances.indexOf(Math.min(...distances)) !== test.labels![i]) wrong++;
  }
  return wrong / test.count;
}

Deno.test("digits() draws the same images every time", async () => {
  assertEquals(await load({ train: 30, test: 20, seed: 7 }), await load({ train: 30, test: 20, seed: 7 }));
});

Deno.test("digits() draws an image from its number alone: the first 10 of 100 are the 10 drawn alone", async () => {
  const many = await load({ train: 100, test: 100, seed: 3 });
  const few = await load({ train: 10, test: 13, seed: 3 });
  for (const part of ["train", "test"] as const) {
    assertEquals(few[part].inputs, many[part].inputs.slice(0, few[part].inputs.length));
    assertEquals(few[part].labels, many[part].labels!.slice(0, few[part].count));
  }
});

Deno.test("digits() draws other images for another seed and for the test part", async () => {
  const a = await load({ train: 20, test: 20, seed: 1 });
  const b = await load({ train: 20, test: 20, seed: 2 });
  assertNotEquals(a.train.inputs, b.train.inputs);
  assertNotEquals(a.train.labels, b.train.labels);
  assertNotEquals(a.train.inputs, a.test.inputs);
});

Deno.test("digits() holds every class once in each ten images", async () => {
  const { train } = await load({ train: 200, test: 1 });
  for (let first = 0; first < 200; first += 10) {
    assertEquals(train.labels!.slice(first, first + 10).toSorted(), Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  }
  assertNotEquals(train.labels!.slice(0, 10), train.labels!.slice(10, 20));
});

Deno.test("digits() uses the whole range of a byte, dark in the corners and bright in the strokes", async () => {
  const { train } = await load({ train: 200, test: 1, noise: 0, clutter: 0 });
  assertEquals([train.shape, train.scale, train.inputs instanceof Uint8Array], [[784], 1 / 255, true]);
  for (let i = 0; i < train.count; i++) {
    const image = train.inputs.subarray(i * 784, (i + 1) * 784);
    assert(Math.max(...image) > 128, `image ${i} is faint`);
    assertEquals(image[0] + image[27] + image[756] + image[783], 0, `image ${i} has ink in a corner`);
    let ink = 0;
    for (const pixel of image) ink += pixel / 255;
    assert(ink > 10 && ink < 300, `image ${i} has ${ink} pixels of ink`);
  }
});

Deno.test("digits() adds noise of the given standard deviation", async () => {
  const clean = await load({ train: 50, test: 1, noise: 0 });
  const noisy = await load({ train: 50, test: 1, noise: 0.1 });
  let count = 0, squares = 0;
  for (let i = 0; i < clean.train.inputs.length; i++) {
    const ink = clean.train.inputs[i];
    if (ink < 80 || ink > 175) continue; // where no noise is cut off
    count++;
    squares += ((noisy.train.inputs[i] - ink) / 255) ** 2;
  }
  const deviation = Math.sqrt(squares / count);
  assert(Math.abs(deviation - 0.1) < 0.1 * 4 / Math.sqrt(2 * count), `deviation ${deviation} over ${count} pixels`);
});

Deno.test("digits() is too hard for the nearest mean image, and far easier than guessing", async () => {
  const { train, test } = await load({ train: 1000, test: 1000 });
  const error = nearestCentroidError(train, test);
  assert(error > 0.15 && error < 0.5, `error ${error}`);
});

Deno.test("digits() is easier with less distortion, clutter and noise", async () => {
  const hard = await load({ train: 500, test: 500 });
  const easy = await load({ train: 500, test: 500, distortion: 0.2, clutter: 0, noise: 0 });
  const [hardError, easyError] = [hard, easy].map(({ train, test }) => nearestCentroidError(train, test));
  assert(easyError < hardError / 2, `errors ${easyError} and ${hardError}`);
});

Deno.test("digits() refuses options out of range", () => {
  assertThrows(
    () => digits({ train: 0 }),
    OptionError,
    "digits.train: expected a whole number in [1, 1000000], found 0",
  );
  assertThrows(() => digits({ seed: -1 }), OptionError, "digits.seed: expected a whole number in [0, 2^53)");
  assertThrows(() => digits({ noise: 1.5 }), OptionError, "digits.noise: expected a number in [0, 1], found 1.5");
  assertThrows(() => digits({ clutter: NaN }), OptionError, "digits.clutter: expected a number in [0, 1]");
});

Deno.test("digits() gives the same pixels as images where flatten is false", async () => {
  const rows = await load({ train: 20, test: 10 });
  const images = await load({ train: 20, test: 10, flatten: false });
  assertEquals([images.train.shape, images.test.shape], [[1, 28, 28], [1, 28, 28]]);
  assertEquals([images.train.inputs, images.test.labels], [rows.train.inputs, rows.test.labels]);
});
