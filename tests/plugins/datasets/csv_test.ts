import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, type Dataset, loadDataset, OptionError, PermissionError } from "../../../core/mod.ts";
import { type CsvRecord, csvRecords } from "../../../plugins/datasets/_csv_records.ts";
import { csv, type CsvOptions } from "../../../plugins/datasets/csv.ts";
import { gzip, inFolder } from "./_idx_bytes.ts";

/** Loads text as a file, and a second text as the test file if given. */
async function load(text: string, options: Omit<CsvOptions, "path">, test?: string): Promise<Dataset> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/data.csv`, text);
    if (test !== undefined) await Deno.writeTextFile(`${folder}/test.csv`, test);
    const testPath = test === undefined ? undefined : `${folder}/test.csv`;
    return await loadDataset(csv({ path: `${folder}/data.csv`, testPath, ...options }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Expects a DataError whose message, after the folder, is this. */
async function refuses(text: string, options: Omit<CsvOptions, "path">, message: string, test?: string): Promise<void> {
  const error = await assertRejects(() => load(text, options, test), DataError);
  assertEquals(error.message.replaceAll(/\S*\/(data|test).csv/g, "$1.csv"), message);
}

/** The records of text that arrives in pieces of some bytes. */
async function recordsOf(text: string, delimiter = ",", piece = 3): Promise<CsvRecord[]> {
  const bytes = new TextEncoder().encode(text);
  const pieces = Array.from(
    { length: Math.ceil(bytes.length / piece) },
    (_, i) => bytes.slice(i * piece, (i + 1) * piece),
  );
  return await Array.fromAsync(csvRecords(ReadableStream.from(pieces), delimiter, "f"));
}

const cells = async (text: string, delimiter?: string) => (await recordsOf(text, delimiter)).map((row) => row.cells);

Deno.test("csvRecords() reads quotes, doubled quotes, delimiters and line breaks inside of quotes", async () => {
  assertEquals(await cells('a,"b,c","d ""e""",""\n"x\ny",1,,2\n'), [["a", "b,c", 'd "e"', ""], ["x\ny", "1", "", "2"]]);
  assertEquals(await cells('""""\n"""a"\n'), [['"'], ['"a']]);
});

Deno.test("csvRecords() reads LF and CRLF, a byte order mark, letters cut in two, and no empty lines", async () => {
  for (const text of ["a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n1,2", "\ufeffa,b\n1,2\n\n\r\n", "a,b\n\n1,2\n"]) {
    assertEquals(await cells(text), [["a", "b"], ["1", "2"]]);
  }
  assertEquals(await cells(""), []);
  assertEquals(await cells("1,\n,2\n"), [["1", ""], ["", "2"]]);
  assertEquals(await cells('1;"2;3"', ";"), [["1", "2;3"]]);
  assertEquals(await cells("Köln,東京\n"), [["Köln", "東京"]]);
});

Deno.test("csvRecords() says on which line a record begins, however the text is cut", async () => {
  const text = '"a\nb",1\r\nc,"2 ""or"" 3"\r\n\r\nd,3\n\n"\n\n",4\ne,5';
  for (const piece of [1, 2, 3, 7, 100]) {
    assertEquals((await recordsOf(text, ",", piece)).map((row) => row.line), [1, 3, 5, 7, 10]);
  }
  const many = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("");
  assertEquals((await recordsOf(many, ",", 1000)).at(-1), { line: 20_000, cells: ["19999"] });
});

Deno.test("csvRecords() refuses misplaced quotes with their line, and a quote that is never closed before it fills the memory", async () => {
  const refused: [string, string][] = [
    ['1,2\n\n3,"4\n5', 'f, line 3: expected a closing quote before "," or the line\'s end, found none.'],
    ['1,a"b"\n', "f, line 1: expected quotes around the whole field, found one inside it."],
    ['1\n"a"b\n', 'f, line 2: expected a closing quote before "," or the line\'s end, found none.'],
  ];
  for (const [text, message] of refused) await assertRejects(() => recordsOf(text), DataError, message);
  const piece = new TextEncoder().encode("a".repeat(99) + "\n");
  let given = 0;
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(given++ === 0 ? new TextEncoder().encode('1\n"') : piece);
    },
  });
  await assertRejects(
    () => Array.fromAsync(csvRecords(endless, ",", "f")),
    DataError,
    "expected a record of at most 16777216 characters, found more; perhaps a quote is never closed",
  );
});

Deno.test("csv() maps words to classes in sorted order", async () => {
  const train = "x,kind\n1,pear\n2,apple\n3,quince\n";
  const data = await load(train, { target: "kind", standardize: false }, "x,kind\n4,quince\n5,apple\n");
  assertEquals([data.name, data.classes, data.outputs], ["data.csv", 3, 0]);
  assertEquals([data.train.labels, data.test.labels], [Int32Array.of(1, 0, 2), Int32Array.of(2, 0)]);
  assertEquals([data.train.inputs, data.test.inputs], [Float32Array.of(1, 2, 3), Float32Array.of(4, 5)]);
  assertEquals([data.train.shape, data.train.scale, data.train.targets], [[1], 1, undefined]);
});

Deno.test("csv() predicts numbers, one or several, from the columns that are left", async () => {
  const text = "1,2,3\n4,5,6\n";
  const one = await load(text, { target: -1, standardize: false }, text);
  assertEquals([one.classes, one.outputs, one.train.shape], [0, 1, [2]]);
  assertEquals([one.train.inputs, one.train.targets], [Float32Array.of(1, 2, 4, 5), Float32Array.of(3, 6)]);
  const two = await load(text, { target: [2, 0], standardize: false }, text);
  assertEquals([two.outputs, two.train.shape, two.train.inputs], [2, [1], Float32Array.of(2, 5)]);
  assertEquals(two.train.targets, Float32Array.of(3, 1, 6, 4));
});

Deno.test("csv() takes whole numbers as classes when their number is given", async () => {
  const data = await load("1,0\n2,2\n", { target: 1, classes: 3 }, "3,1\n");
  assertEquals([data.classes, data.train.labels, data.test.labels], [3, Int32Array.of(0, 2), Int32Array.of(1)]);
  await refuses(
    "1,0\n2,3\n",
    { target: 1, classes: 3 },
    'data.csv, line 2, column 2: expected a class, a whole number in [0, 3), found "3".',
    "1,1",
  );
  const words = await load("1,a\n2,7\n", { target: 1, classes: 2 }, "3,a\n");
  assertEquals(words.train.labels, Int32Array.of(1, 0));
  await assertRejects(
    () => load("1,a\n2,b\n3,c\n", { target: 1, classes: 2 }),
    OptionError,
    "csv.classes: expected at least 3",
  );
});

Deno.test("csv() tells a header by its having no number, or is told", async () => {
  assertEquals((await load("a,b\n1,2\n3,4\n", { target: 0 })).train.count, 1);
  assertEquals((await load("1,2\n3,4\n5,6\n", { target: 0, testFraction: 0.3 })).train.count, 2);
  assertEquals((await load("1,2\n3,4\n5,6\n", { target: "2", header: true })).train.count, 1);
  await refuses(
    "a,b\n1,2\n3,4\n",
    { target: 0, header: false, classes: false },
    'data.csv, line 1, column 1: expected a number, found "a".',
    "1,2",
  );
});

Deno.test("csv() holds back the same rows for the same seed, and every row lands in one part", async () => {
  const text = Array.from({ length: 50 }, (_, i) => `${i},${i}`).join("\n");
  const options = { target: 1, standardize: false, testFraction: 0.3 };
  const a = await load(text, { ...options, seed: 4 });
  assertEquals([a.train.count, a.test.count], [35, 15]);
  assertEquals(a, await load(text, { ...options, seed: 4 }));
  assertNotEquals(a.test.inputs, (await load(text, { ...options, seed: 5 })).test.inputs);
  const all = [...a.train.inputs, ...a.test.inputs].sort((x, y) => x - y);
  assertEquals(all, Array.from({ length: 50 }, (_, i) => i));
});

Deno.test("csv() standardizes by the training rows alone, and a constant column becomes 0", async () => {
  const data = await load("1,0.1,7\n3,0.1,8\n5,0.1,9\n", { target: 2 }, "7,0.1,7\n3,0.1,8\n");
  const deviation = Math.sqrt(8 / 3);
  const expected = [-2, 0, 0, 0, 2, 0].map((x) => x / deviation);
  data.train.inputs.forEach((x, i) => assertAlmostEquals(x, expected[i], 1e-6));
  assertAlmostEquals(data.test.inputs[0], 4 / deviation, 1e-6);
  assertEquals(data.test.inputs.slice(1), Float32Array.of(0, 0, 0));
  // Targets, too, and the error is in their units.
  const units = { mean: [8], deviation: [Math.sqrt(2 / 3)] };
  assertEquals([data.targetUnits, data.train.targets![1], data.test.targets![1]], [units, 0, 0]);
  assertAlmostEquals(data.train.targets![2], 1 / units.deviation[0], 1e-6);
  const text = "1,7,0.25\n3,8,1\n5,9,0\n";
  const part = async (standardize: boolean | "inputs" | "targets") => {
    const { inputUnits, targetUnits, train } = await load(text, { target: 1, standardize }, text);
    return [inputUnits !== undefined, targetUnits !== undefined, train.inputs[1] === 0.25, train.targets![0] === 7];
  };
  assertEquals(await part("inputs"), [true, false, false, true]);
  assertEquals(await part("targets"), [false, true, true, false]);
  assertEquals(await part(false), [false, false, true, true]);
  // What may be a probability, and a constant target, keep their units.
  const kept = await load(text, { target: [2, 0] }, text);
  assertEquals([kept.targetUnits!.mean, kept.targetUnits!.deviation[0]], [[0, 3], 1]);
  assertEquals((await load(text, { target: 2 }, text)).targetUnits, undefined);
  assertEquals((await load("1,7\n2,7\n", { target: 1 }, "1,9\n")).targetUnits, { mean: [7], deviation: [1] });
});

Deno.test("csv() refuses ragged rows, cells that are no numbers, and empty data, and says where", async () => {
  const target = 0;
  await refuses("1,2\n3\n", { target }, "data.csv, line 2: expected 2 columns as in line 1, found 1.");
  await refuses("1,2\n\n3,4,5\n", { target }, "data.csv, line 3: expected 2 columns as in line 1, found 3.");
  await refuses(
    "y,age\n1,2\n3,\n",
    { target },
    'data.csv, line 3, column 2 ("age"): expected a value (or the option missing to say what takes its place), found "".',
    "y,age\n1,1",
  );
  for (const cell of ["Infinity", "NaN", "0x10", "1e999", "1e39", "1 2", "--1"]) {
    const reading = "as in other rows (or the option encodings to say what column 1 becomes)";
    await refuses(
      `1,2\n1,${cell}\n`,
      { target },
      `data.csv, line 2, column 2: expected a number ${reading}, found "${cell}".`,
      "1,1",
    );
  }
  const hint = "(or the option classes to be the number of labels)";
  await refuses(
    "1,2\n2,2\nthree,2\n",
    { target },
    `data.csv, line 3, column 1: expected a number as in other rows ${hint}, found "three".`,
  );
  await refuses(
    "a,2\nb,2\n3,2\n",
    { target },
    `data.csv, line 3, column 1: expected a word as in other rows ${hint}, found "3".`,
  );
  await refuses("a,2\n,2\n", { target }, 'data.csv, line 2, column 1: expected a value, found "".', "a,1");
  const reading = "(or the option encodings to say what column 1 becomes)";
  await refuses("1,NaN\n", { target }, `data.csv, line 1, column 2: expected a number ${reading}, found "NaN".`, "1,1");
  await refuses("", { target }, "data.csv: expected at least one row of data, found none.");
  await refuses("a,b\n", { target }, "data.csv: expected at least one row of data, found none.");
  await refuses("1,2\n", { target }, "data.csv: expected a row for training and one for testing, found 1 in all.");
  await refuses("1\n2\n", { target }, "data.csv: expected a column beside the targets, found none.");
  await refuses("1,2\n", { target }, "test.csv: expected 2 columns as in data.csv, found 3 columns.", "1,2,3");
  await refuses("a,b\n1,2\n", { target }, "test.csv: expected a, b as in data.csv, found b, a.", "b,a\n1,2");
});

Deno.test("csv() refuses a target that is no column, by name", async () => {
  const text = "a,b,b\n1,2,3\n4,5,6\n";
  await assertRejects(
    () => load(text, { target: "c" }),
    OptionError,
    'csv.target: expected one of the columns "a", "b", "b", found "c"',
  );
  await assertRejects(() => load(text, { target: "b" }), OptionError, "the index of one of the columns");
  await assertRejects(() => load(text, { target: 3 }), OptionError, "a column index in [-3, 3)");
  await assertRejects(() => load(text, { target: [0, -3] }), OptionError, "csv.target.1: expected each column once");
  await assertRejects(() => load("1,2\n3,4\n", { target: "a" }), OptionError, "has no header");
  await assertRejects(
    () => load(text, { target: [0, 1], classes: 2 }),
    OptionError,
    "csv.classes: expected auto or false",
  );
});

Deno.test("csv() refuses options out of range", () => {
  const options = { path: "a.csv", target: 0 };
  assertThrows(
    () => csv({ ...options, testFraction: 1 }),
    OptionError,
    "csv.testFraction: expected a number between 0 and 1",
  );
  assertThrows(() => csv({ ...options, delimiter: ",," }), OptionError, "csv.delimiter: expected one character");
  assertThrows(() => csv({ ...options, classes: 1 }), OptionError, "csv.classes: expected a whole number in [2, 2^31)");
  assertThrows(() => csv({ ...options, target: [] }), OptionError, "csv.target: expected a column name");
  assertThrows(() => csv({ target: 0 } as unknown as CsvOptions), OptionError, "csv.path: expected the path of a file");
});

Deno.test("csv() reads a file packed by gzip, and refuses a missing one and one that is no text", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/data.csv.gz`;
    await Deno.writeFile(path, await gzip(new TextEncoder().encode("1,2\n3,4\n")));
    const data = await loadDataset(csv({ path, target: 0 }));
    assertEquals([data.train.count, data.test.count], [1, 1]);
    await Deno.writeFile(path, Uint8Array.of(0x31, 0xff, 0xfe));
    await assertRejects(() => loadDataset(csv({ path, target: 0 })), DataError, "expected text in UTF-8");
    await assertRejects(
      () => loadDataset(csv({ path: `${folder}/none`, target: 0 })),
      DataError,
      "expected a file, found none",
    );
    await assertRejects(() => loadDataset(csv({ path: folder, target: 0 })), DataError, "cannot be read");
  });
});

Deno.test({
  name: "csv() names the flag when it may not read the file",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(() => loadDataset(csv({ path: "a.csv", target: 0 })), PermissionError);
    assert(error.message.includes("--allow-read=a.csv"), error.message);
  },
});

Deno.test("csv() asks what a column of zeros and ones is, and takes either answer", async () => {
  const [rows, more] = ["x,y\n5,1\n6,0\n7,1\n", "x,y\n8,0\n"];
  const error = await assertRejects(() => load(rows, { target: "y" }, more), OptionError);
  assertEquals(
    error.message,
    'csv.classes: expected 2 for classes or false for numbers, because the target is 0 or 1 in every row, found "auto".',
  );
  const classes = await load(rows, { target: "y", classes: 2 }, more);
  assertEquals([classes.classes, classes.train.labels], [2, Int32Array.of(1, 0, 1)]);
  const numbers = await load(rows, { target: "y", classes: false }, more);
  assertEquals([numbers.classes, numbers.outputs, numbers.train.targets], [0, 1, Float32Array.of(1, 0, 1)]);
  // Nothing is asked where another number is among them, in either part, or of several targets.
  assertEquals((await load(rows, { target: "y" }, "x,y\n8,2\n")).classes, 0);
  assertEquals((await load("1,1,0\n2,0,1\n", { target: [1, 2] }, "3,1,1\n")).outputs, 2);
});

Deno.test("csv() names the classes of words, and keeps by what its inputs were standardized", async () => {
  const words = await load("x,z,kind\n1,7,pear\n3,7,apple\n", { target: "kind" }, "x,z,kind\n5,8,pear\n");
  assertEquals([words.classNames, words.inputUnits], [["apple", "pear"], { mean: [2, 7], deviation: [1, Infinity] }]);
  assertEquals(words.test.inputs, Float32Array.of(3, 0));
  const plain = await load("1,5\n3,6\n", { target: 1, standardize: false }, "5,7\n");
  assertEquals([plain.classNames, plain.inputUnits], [undefined, undefined]);
});

Deno.test("csv() reads a validation part from a file of its own, in the units of the training part", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/train.csv`, "x,kind\n1,b\n3,a\n");
    await Deno.writeTextFile(`${folder}/test.csv`, "x,kind\n5,a\n");
    await Deno.writeTextFile(`${folder}/more.csv`, "x,kind\n7,b\n1,a\n4,b\n");
    await Deno.writeTextFile(`${folder}/other.csv`, "y,kind\n7,b\n");
    const options = { path: `${folder}/train.csv`, testPath: `${folder}/test.csv`, target: "kind" };
    const { validation } = await loadDataset(csv({ ...options, validationPath: `${folder}/more.csv` }));
    assertEquals([validation!.count, validation!.labels], [3, Int32Array.of(1, 0, 1)]);
    assertEquals(validation!.inputs, Float32Array.of(5, -1, 2));
    assertEquals((await loadDataset(csv(options))).validation, undefined);
    const other = csv({ ...options, validationPath: `${folder}/other.csv` });
    await assertRejects(() => loadDataset(other), DataError, "other.csv: expected x, kind as in");
  });
});
