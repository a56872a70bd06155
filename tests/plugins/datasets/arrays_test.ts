/** Data of one's own: every form that is taken, and every mistake that is told with its place. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DataError,
  encodeSafetensors,
  loadDataset,
  makeBatch,
  type NumberData,
  OptionError,
  prepareInputs,
  preprocessingOf,
  Registry,
  Tensor,
} from "../../../core/mod.ts";
import { arrays, type ArraysOptions } from "../../../plugins/datasets/arrays.ts";
import { inFolder } from "../../cli/_run.ts";

const load = (options: ArraysOptions) => loadDataset(arrays(options));
const x = [[1, 2], [3, 4], [5, 6]];

Deno.test("arrays() takes nested arrays, rows of typed arrays, tensors, and flat arrays with a shape, all alike", async () => {
  const forms: [NumberData, number[]?][] = [
    [x],
    [x.map((row) => Float32Array.from(row))],
    [x.map((row) => Int16Array.from(row))],
    [Tensor.of(x)],
    [Tensor.of(x, "float64")],
    [Float64Array.of(1, 2, 3, 4, 5, 6), [2]],
    [[1, 2, 3, 4, 5, 6], [2]],
  ];
  for (const [form, shape] of forms) {
    const data = await load({ train: [form, [0.5, 1.5, 2.5]], test: [form, [1, 2, 3]], shape });
    assertEquals([data.classes, data.outputs, data.train.count, data.train.shape], [0, 1, 3, [2]]);
    assertEquals(data.train.inputs, Float32Array.of(1, 2, 3, 4, 5, 6));
    assertEquals([data.train.targets, data.test.targets], [Float32Array.of(0.5, 1.5, 2.5), Float32Array.of(1, 2, 3)]);
  }
});

Deno.test("arrays() copies what it is given, and keeps bytes as bytes with their scale", async () => {
  const mine = Float32Array.of(1, 2);
  const bytes = Uint8Array.of(0, 51, 102, 255);
  const data = await load({ train: [mine, [0.5, 1]], test: [mine, [1, 2]] });
  mine.fill(9);
  assertEquals([data.train.inputs, data.train.shape], [Float32Array.of(1, 2), [1]]);
  const scaled = await load({ train: [bytes, [0, 1]], test: [bytes, [0, 1]], classes: 2, shape: [2], scale: 1 / 255 });
  bytes.fill(7);
  assertEquals(scaled.train.inputs, Uint8Array.of(0, 51, 102, 255));
  assertEquals(makeBatch(scaled.train, 0, 0, 2).inputs.toArray(), Tensor.of([[0, 0.2], [0.4, 1]]).toArray());
  const floats = await load({ train: [[10, 20], [0, 1]], test: [[10, 20], [0, 1]], classes: 2, scale: 0.5 });
  assertEquals(makeBatch(floats.train, 0, 0, 2).inputs.toArray(), [[5], [10]]);
});

Deno.test("arrays() turns channels-last images, gives images without channels one, and a saved model turns alike", async () => {
  // Pixel value: 100 row + 10 column + channel.
  const pixel = (r: number, c: number, k: number) => 100 * r + 10 * c + k;
  const image = [0, 1].map((r) => [0, 1, 2].map((c) => [0, 1].map((k) => pixel(r, c, k))));
  const y = ["a", "b"];
  const last = [image, image.map((rows) => rows.map((pixels) => pixels.map((value) => -value)))];
  for (const type of [(data: NumberData) => data, (data: NumberData) => Tensor.of(data as number[][])]) {
    const data = await load({ train: [type(last), y], test: [type(last), y], layout: "channels-last" });
    assertEquals(data.train.shape, [2, 2, 3]);
    const first = [0, 1].flatMap((k) => [0, 1].flatMap((r) => [0, 1, 2].map((c) => pixel(r, c, k))));
    assertEquals([...data.train.inputs.slice(0, 12)], first);
    assertEquals(prepareInputs(preprocessingOf(data), last).toArray(), makeBatch(data.train, 0, 0, 2).inputs.toArray());
  }
  const bytes = Uint8Array.from(image.flat(2), (value) => value % 256);
  const options = { shape: [2, 3, 2], layout: "channels-last" } as const;
  const data = await load({ train: [bytes, ["a"]], test: [bytes, ["a"]], classes: y, ...options });
  assert(data.train.inputs instanceof Uint8Array);
  assertEquals([...data.train.inputs.slice(0, 6)], [0, 10, 20, 100, 110, 120]);
  const grey = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [0, 1, 2]]];
  const single = await load({ train: [grey, y], test: [grey, y], layout: "no-channels" });
  assertEquals([single.train.shape, [...single.train.inputs]], [[1, 2, 3], grey.flat(2)]);
});

Deno.test("arrays() takes classes as words, as whole-number arrays, and as numbers where it is told so", async () => {
  const both = (y: ArraysOptions["train"][1], classes?: ArraysOptions["classes"]) => {
    return load({ train: [x, y as number[]], test: [x, y as number[]], ...(classes !== undefined && { classes }) });
  };
  const words = await both(["pear", "apple", "pear"]);
  assertEquals([words.classNames, words.train.labels], [["apple", "pear"], Int32Array.of(1, 0, 1)]);
  const named = await both(["pear", "apple", "pear"], ["pear", "apple", "plum"]);
  assertEquals([named.classes, named.train.labels], [3, Int32Array.of(0, 1, 0)]);
  assertEquals((await both(Uint8Array.of(0, 4, 2) as never)).classes, 5);
  assertEquals((await both(Tensor.of([0, 1, 1], "int32") as never)).train.labels, Int32Array.of(0, 1, 1));
  assertEquals((await both([0, 1, 1] as never, 2)).train.labels, Int32Array.of(0, 1, 1));
  assertEquals((await both([0, 1, 1] as never, ["no", "yes"])).classNames, ["no", "yes"]);
  assertEquals((await both([[0], [1], [1]] as never, 2)).train.labelsPerExample, undefined);
  const positions = await both([[0, 1], [1, 1], [2, 0]] as never, 3);
  assertEquals([positions.train.labelsPerExample, positions.train.labels], [2, Int32Array.of(0, 1, 1, 1, 2, 0)]);
  const numbers = await both([[0, 1], [1, 1], [2, 0]] as never, false);
  assertEquals([numbers.outputs, numbers.train.targets], [2, Float32Array.of(0, 1, 1, 1, 2, 0)]);
  await assertRejects(() => both([0, 1, 1] as never), OptionError, "arrays.classes: expected the number of classes");
});

Deno.test("arrays() parts a test part off by the seed, each example with its own target", async () => {
  const many = Array.from({ length: 50 }, (_, i) => [i, -i]);
  const part = (seed: number, test = 0.2) => load({ train: [many, many.map(([i]) => i + 0.5)], test, seed });
  const { train, test } = await part(1);
  assertEquals([train.count, test.count], [40, 10]);
  for (const { count, inputs, targets } of [train, test]) {
    for (let i = 0; i < count; i++) {
      assertEquals([inputs[2 * i + 1], targets![i]], [-inputs[2 * i], inputs[2 * i] + 0.5]);
    }
  }
  const all = [...train.targets!, ...test.targets!].sort((a, b) => a - b);
  assertEquals(all, many.map(([i]) => i + 0.5));
  assertEquals((await part(1)).test, test);
  assertNotEquals((await part(2)).test, test);
  await assertRejects(() => part(1, 0.999), OptionError, "arrays.test: expected a part that leaves some");
  const labelled = await load({ train: [many, many.map(([i]) => i % 2)], test: 0.5, classes: 2 });
  assertEquals([...labelled.test.labels!], [...labelled.test.inputs].filter((_, i) => i % 2 === 0).map((i) => i % 2));
});

Deno.test("arrays() standardizes by the training part, before large numbers lose their digits", async () => {
  const large = [[1e9 + 1, 5], [1e9 + 2, 5], [1e9 + 3, 5]];
  const y = [0.5, 1, 1.5];
  const data = await load({ train: [large, y], test: [[[1e9 + 4, 6]], [1]], standardize: true });
  const deviation = Math.sqrt(2 / 3);
  [-1 / deviation, 0, 0, 0, 1 / deviation, 0].forEach((value, i) =>
    assertAlmostEquals(data.train.inputs[i], value, 1e-6)
  );
  assertAlmostEquals(data.test.inputs[0], 2 / deviation, 1e-6);
  assertEquals(prepareInputs(preprocessingOf(data), large).toArray(), makeBatch(data.train, 1, 0, 3).inputs.toArray());
  // Channels of images: bytes stay bytes, and are shifted when a batch is made.
  const images = [[[[0, 2]], [[10, 10]]], [[[4, 6]], [[30, 10]]]];
  for (const type of [(data: number[][][][]) => data, (data: number[][][][]) => Uint8Array.from(data.flat(3))]) {
    const shape = [2, 1, 2];
    const data = await load({
      train: [type(images), y.slice(1)],
      test: [type(images), [1, 2]],
      shape,
      standardize: true,
    });
    const { floats } = makeBatch(data.train, 1, 0, 2).inputs;
    const first = [0, 1, 4, 5].map((i) => floats[i]);
    [-3, -1, 1, 3].forEach((value, i) => assertAlmostEquals(first[i], value / Math.sqrt(5), 1e-6));
    assertAlmostEquals([...floats].reduce((sum, value) => sum + value), 0, 1e-5);
  }
  await assertRejects(
    () => load({ train: [large, y], test: 0.5, standardize: true, scale: 2 }),
    OptionError,
    "arrays.scale: expected 1",
  );
});

Deno.test("arrays() reads files of JSON and safetensors, and its options come back from JSON", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/train.json`, JSON.stringify([x, [0.5, 1.5, 2.5]]));
    const tensors = new Map([["x", Tensor.of(x)], ["y", Tensor.of([1, 2, 3.5])]]);
    await Deno.writeFile(`${folder}/test.safetensors`, encodeSafetensors(tensors));
    const data = await load({ train: `${folder}/train.json`, test: `${folder}/test.safetensors` });
    assertEquals([data.train.targets, data.test.targets], [Float32Array.of(0.5, 1.5, 2.5), Float32Array.of(1, 2, 3.5)]);
    assertEquals(data.test.inputs, data.train.inputs);
    const bad = async (text: string, part: string) => {
      await Deno.writeTextFile(`${folder}/bad.json`, text);
      await assertRejects(() => load({ train: `${folder}/bad.json`, test: 0.5 }), DataError, part);
    };
    await bad("[1, 2", "expected JSON");
    await bad('{"x": 1}', "as [x, y]");
    await Deno.writeFile(`${folder}/z.safetensors`, encodeSafetensors(new Map([["z", Tensor.of(x)]])));
    await assertRejects(() => load({ train: `${folder}/z.safetensors`, test: 0.5 }), DataError, "x and y, found z");
    await assertRejects(() => load({ train: `${folder}/none.json`, test: 0.5 }), DataError, "expected a file");
  });
  const plugin = arrays({ train: [x, ["a", "b", "a"]], test: 0.4, classes: ["a", "b"] });
  const again = new Registry([arrays]).create(JSON.parse(JSON.stringify(plugin)), "dataset");
  assertEquals(await again.definition.load!({ options: again.options as never }), await loadDataset(plugin));
});

/** Mistakes: what is changed in good options, and what the message says. */
const y = [0.5, 1.5, 2.5];
const mistakes: [string, Record<string, unknown>, string][] = [
  [
    "NaN",
    { train: [[[1, 2], [3, NaN], [5, 6]], y] },
    "arrays.train: inputs: expected a finite number in row 1, column 1, found NaN",
  ],
  [
    "infinity in the test part",
    { test: [[[1, Infinity]], [1]] },
    "arrays.test: inputs: expected a finite number in row 0, column 1",
  ],
  ["too large for float32", { train: [[[1, 2], [3, 4], [1e300, 6]], y] }, "row 2, column 0, found 1e+300"],
  ["NaN in a typed array", {
    validation: [Float32Array.of(1, NaN), [1]],
    shape: [2],
    train: [x.flat(), y],
    test: [x.flat(), y],
  }, "arrays.validation: inputs: expected a finite number in row 1"],
  [
    "NaN in an image",
    { train: [[[[1, 2], [3, NaN]]], [1]], test: [[[[1, 2], [3, 4]]], [1]] },
    "row 0, place [1, 1], found NaN",
  ],
  ["a text", { train: [[[1, 2], ["3", 4], [5, 6]], y] }, 'expected a number in row 1, column 0, found "3"'],
  ["a hole", { train: [[[1, 2], [3, undefined], [5, 6]], y] }, "expected a number in row 1, column 1, found undefined"],
  [
    "a short row",
    { train: [[[1, 2], [3], [5, 6]], y] },
    "arrays.train: inputs: expected 2 entries in row 1 as in the first one, found 1",
  ],
  [
    "a number in place of a row",
    { test: [[[1, 2], 3], [1, 2]] },
    "arrays.test: inputs: expected 2 entries in row 1 as in the first one, found 3",
  ],
  ["no array", { train: ["x", y] }, 'expected numbers in arrays, a typed array or a tensor, found "x"'],
  [
    "too few targets",
    { train: [x, [1, 2.5]] },
    "arrays.train: expected a target for each input, found 3 inputs of shape [2] and 2 targets",
  ],
  [
    "other columns in the test part",
    { test: [[[1, 2, 3]], [1]] },
    "arrays.test: expected inputs of shape [2] as in arrays.train, found [3]",
  ],
  [
    "other outputs in the test part",
    { test: [[[1, 2]], [[1, 2]]] },
    "arrays.test: targets: expected 1 for each example",
  ],
  ["a NaN target", { test: [[[1, 2]], [NaN]] }, "arrays.test: targets: expected a finite number in row 0, found NaN"],
  [
    "a label outside",
    { classes: 2, train: [x, [0, 1, 1]], test: [x, [0, 2, 1]] },
    "arrays.test: targets: expected a class, a whole number in [0, 2), in row 1, found 2",
  ],
  ["a negative label", { train: [x, Int32Array.of(0, -1, 1)], test: 0.4 }, "in row 1, found -1"],
  [
    "a label that training has not",
    { train: [x, Int32Array.of(0, 2, 1)], test: [x, Int32Array.of(0, 1, 3)] },
    "a whole number in [0, 3), in row 2, found 3",
  ],
  ["a fraction as a label", { classes: 3, train: [x, [0, 1, 1]], test: [x, [0, 0.5, 1]] }, "in row 1, found 0.5"],
  [
    "a label of a position",
    { classes: 2, train: [x, [[0, 1], [1, 1], [1, 3]]], test: 0.4 },
    "in row 2, column 1, found 3",
  ],
  [
    "an unknown word",
    { train: [x, ["a", "b", "a"]], test: [x, ["a", "b", "c"]] },
    'arrays.test: targets: expected one of "a", "b" in row 2, found "c"',
  ],
  [
    "a number among words",
    { train: [x, ["a", 1, "a"]], test: 0.4 },
    "expected a word as in other rows in row 1, found 1",
  ],
  [
    "numbers beside words",
    { train: [x, ["a", "b", "a"]], test: [x, [0, 1, 0]] },
    "arrays.test: targets: expected a word",
  ],
  ["targets of many axes", { train: [x, [[[1]], [[2]], [[3]]]] }, "expected one number or one row of numbers"],
  ["no examples", { train: [[], []] }, "arrays.train: expected at least one example, found none"],
  [
    "a shape that does not fit",
    { shape: [4], train: [x.flat(), y] },
    "expected examples of shape [4], found [6] in all",
  ],
];
for (const [what, changes, text] of mistakes) {
  Deno.test(`arrays() tells the place of ${what}`, async () => {
    const options = { train: [x, y], test: [x, y], ...changes } as unknown as ArraysOptions;
    const error = await assertRejects(() => load(options), DataError);
    assert(error.message.includes(text), error.message);
  });
}

Deno.test("arrays() refuses options that are none", () => {
  const make = (changes: Record<string, unknown>) => () =>
    arrays({ train: [x, y], test: 0.2, ...changes } as ArraysOptions);
  assertThrows(make({ test: undefined }), OptionError, "arrays.test: expected inputs and targets, [x, y]");
  assertThrows(make({ test: 1.5 }), OptionError, "a fraction of the training examples in (0, 1)");
  assertThrows(make({ train: x }), OptionError, "arrays.train: expected inputs and targets, [x, y]");
  assertThrows(make({ validation: 0.1 }), OptionError, "the option validation of fit");
  assertThrows(make({ classes: 1 }), OptionError, "arrays.classes: expected a whole number in [2");
  assertThrows(make({ classes: ["a", "a"] }), OptionError, "two different names");
  assertThrows(make({ layout: "NHWC" }), OptionError, "channels-first, channels-last or no-channels");
  assertThrows(make({ scale: 0 }), OptionError, "arrays.scale: expected a number above 0");
});

Deno.test("an array that holds itself is refused", async () => {
  const loop: unknown[] = [];
  loop.push(loop);
  await assertRejects(() => load({ train: [loop as number[], [1]], test: 0.5 }), DataError, "nested at most 8 deep");
});
