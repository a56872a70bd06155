/** What columns of words, chosen columns and missing values become. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, type Dataset, loadDataset, OptionError } from "../../../core/mod.ts";
import { csv, type CsvOptions } from "../../../plugins/datasets/csv.ts";
import { inFolder } from "./_idx_bytes.ts";

/** Loads a table, with a test file of its own. */
async function load(text: string, test: string, options: Partial<CsvOptions>): Promise<Dataset> {
  let data: Dataset | undefined;
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/data.csv`, text);
    await Deno.writeTextFile(`${folder}/test.csv`, test);
    const files = { path: `${folder}/data.csv`, testPath: `${folder}/test.csv` };
    data = await loadDataset(csv({ target: "price", standardize: false, ...files, ...options }));
  });
  return data!;
}

/** The rows of a part. */
function rows(data: Dataset, part: "train" | "test" = "train"): number[][] {
  const { inputs, count, shape } = data[part];
  return Array.from({ length: count }, (_, i) => [...inputs.subarray(i * shape[0], (i + 1) * shape[0])]);
}

const table = "area,city,price\n70,Rome,200\n90,Oslo,400\n50,Rome,100\n";

/** Expects a refusal whose message, without the folder, is this. */
async function refuses(text: string, test: string, options: Partial<CsvOptions>, message: string): Promise<void> {
  const error = await assertRejects(() => load(text, test, options), DataError);
  assertEquals(error.message.replaceAll(/\S*\/(data|test).csv/g, "$1.csv"), message);
}

Deno.test("csv() makes one input for each category of a column of words, those of the training rows in sorted order", async () => {
  const data = await load(table, "area,city,price\n60,Oslo,300\n", {});
  assertEquals(data.train.shape, [3]);
  assertEquals(rows(data), [[70, 0, 1], [90, 1, 0], [50, 0, 1]]);
  assertEquals(rows(data, "test"), [[60, 1, 0]]);
  // Only numbers are shifted and scaled.
  const scaled = await load(table, "area,city,price\n70,Oslo,300\n", { standardize: true });
  assertEquals([scaled.inputUnits!.mean, scaled.inputUnits!.deviation.slice(1)], [[70, 0, 0], [1, 1]]);
  assertEquals(rows(scaled, "test"), [[0, 1, 0]]);
});

Deno.test("csv() makes the places of categories on request, and categories of numbers", async () => {
  const index = await load(table, table, { encodings: { city: "index" }, standardize: true });
  assertEquals([index.train.shape, rows(index).map((row) => row[1])], [[2], [1, 0, 1]]);
  const both = await load(table, table, { encodings: { city: "index", area: "one-hot" } });
  assertEquals(rows(both), [[0, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 1]]);
  const bare = { target: 2, header: false, encodings: { 0: "index" } } as const;
  assertEquals(rows(await load("7,x,1\n5,y,2\n", "7,y,3\n", bare)), [[1, 1, 0], [0, 0, 1]]);
  await refuses(
    table,
    table,
    { encodings: { city: "number" } },
    'data.csv, line 2, column 2 ("city"): expected a number, found "Rome".',
  );
});

Deno.test("csv() refuses a category that no training row has, with its place, or gives it a slot", async () => {
  const test = "area,city,price\n60,Oslo,300\n60,Paris,300\n";
  await refuses(
    table,
    test,
    {},
    'test.csv, line 3, column 2 ("city"): expected one of the 2 categories of training, "Oslo", "Rome" ' +
      '(or the option unknown to be slot when training), found "Paris".',
  );
  const slot = await load(table, test, { unknown: "slot" });
  assertEquals([rows(slot)[0], rows(slot, "test")], [[70, 0, 1, 0], [[60, 1, 0, 0], [60, 0, 0, 1]]]);
  const index = await load(table, test, { unknown: "slot", encodings: { city: "index" } });
  assertEquals(rows(index, "test"), [[60, 0], [60, 2]]);
  // A category of the rows that are held back is unknown, too.
  const own = "area,city,price\n" + Array.from({ length: 9 }, (_, i) => `${i},town${i},${i + 2}\n`).join("");
  await assertRejects(() => load(own, own, { testPath: undefined }), DataError, "of the 7 categories of training");
});

Deno.test("csv() takes the columns that it is told, in their order, and refuses others by name", async () => {
  const chosen = await load(table, table, { columns: ["city", "area"] });
  assertEquals(rows(chosen)[0], [0, 1, 70]);
  assertEquals((await load(table, table, { columns: [0] })).train.shape, [1]);
  // What is not chosen is not read: here no numbers.
  const notes = "area,note,price\n1,2,3\n4,none,5\n,x,6\n".replace("\n,x", "\n9,x");
  assertEquals((await load(notes, notes, { columns: ["area"] })).train.count, 3);
  const refused: [Partial<CsvOptions>, string][] = [
    [{ columns: ["town"] }, 'csv.columns.0: expected one of the columns "area", "city", "price", found "town".'],
    [{ columns: ["area", 0] }, "csv.columns.1: expected each column once, found 0."],
    [{ columns: ["area", "price"] }, 'csv.columns.1: expected a column that is no target, found "price".'],
    [
      { encodings: { town: "index" } },
      'csv.encodings.town: expected one of the columns "area", "city", "price", found',
    ],
    [{ encodings: { price: "number" } }, 'csv.encodings.price: expected a column that is an input, found "price".'],
    [{ columns: ["area"], missing: { city: "refuse" } }, "csv.missing.city: expected a column that is an input"],
    [
      { missing: { area: { constant: "none" } } },
      "csv.missing.area.constant: expected a number, as others in the column",
    ],
  ];
  for (const [options, message] of refused) {
    await assertRejects(() => load(table, table, options), OptionError, message);
  }
  const files = { path: "a.csv", target: 0 };
  const wrong = (options: Record<string, unknown>) => () => csv({ ...files, ...options } as CsvOptions);
  assertThrows(wrong({ encodings: { a: "hot" } }), OptionError, "csv.encodings.a: expected number, one-hot or index");
  assertThrows(wrong({ missing: "zero" }), OptionError, "csv.missing: expected refuse, mean, median or most-frequent");
  assertThrows(
    wrong({ missing: { a: 0 } }),
    OptionError,
    "csv.missing: expected refuse, mean, median or most-frequent",
  );
  assertThrows(wrong({ columns: [] }), OptionError, "csv.columns: expected a list of column names or indices");
});

Deno.test("csv() fills missing values with what the training rows say, or refuses them with their place", async () => {
  const holes = "age,city,price\n1,Rome,9\n,Rome,8\n2,,7\n9,Oslo,6\n2,Rome,5\n";
  const test = "age,city,price\n,,1\n";
  const hint = "expected a value (or the option missing to say what takes its place)";
  await refuses(holes, test, {}, `data.csv, line 3, column 1 ("age"): ${hint}, found "".`);
  await refuses(holes, test, { missing: { age: "mean" } }, `data.csv, line 4, column 2 ("city"): ${hint}, found "".`);
  const filled = async (missing: CsvOptions["missing"]) => {
    const data = await load(holes, test, { missing });
    assertEquals([rows(data)[1][0], rows(data)[0][0]], [rows(data, "test")[0][0], 1]);
    return rows(data, "test")[0];
  };
  assertEquals(await filled("mean"), [3.5, 0, 1]);
  assertEquals(await filled("median"), [2, 0, 1]);
  assertEquals(await filled("most-frequent"), [2, 0, 1]);
  assertEquals(await filled({ age: { constant: -1 }, city: { constant: "none" } }), [-1, 0, 0, 1]);
  assertEquals(await filled({ age: "median", city: { constant: "Oslo" } }), [2, 1, 0]);
  // Of equals the first in sorted order.
  const equals = await load("city,price\nRome,9\nOslo,8\n,7\n", "city,price\n,1\n", { missing: "most-frequent" });
  assertEquals(rows(equals, "test"), [[1, 0]]);
  // What the training file's cells are, those of other files must be.
  await refuses(
    "age,price\n1,9\n2,8\n",
    "age,price\nold,1\n",
    {},
    'test.csv, line 2, column 1 ("age"): expected a number (or the option encodings to say what age becomes), found "old".',
  );
  // Other marks of what is missing, and a target that is.
  const marked = holes.replaceAll("\n,", "\nNA,").replaceAll(",,", ",?,");
  const data = await load(marked, "age,city,price\nNA,?,1\n", { missing: "mean", missingValues: ["NA", "?"] });
  assertEquals(rows(data, "test"), [[3.5, 0, 1]]);
  await refuses(
    "age,price\n1,2\n3,\n",
    test,
    { missing: "mean" },
    'data.csv, line 3, column 2 ("price"): expected a value, found "".',
  );
  await refuses(
    "age,price\n,2\n,3\n",
    test,
    { missing: "mean" },
    'data.csv, column 1 ("age"): expected at least one value, found none.',
  );
  await refuses(
    "age,price\n,2\n,3\n",
    "age,price\n5,3\n",
    { missing: "mean", encodings: { age: "number" } },
    'data.csv, column 1 ("age"): expected a value in the training rows to fill missing ones with, found none.',
  );
});

Deno.test("csv() refuses more categories than one-hot inputs can be, and takes them as places", async () => {
  const many = "id,price\n" + Array.from({ length: 10_001 }, (_, i) => `x${i},${i}\n`).join("");
  await refuses(
    many,
    "id,price\nx0,2\n",
    {},
    'data.csv, column 1 ("id"): expected at most 10000 categories for one-hot inputs, found 10001; leave the column out ' +
      "by the option columns, or encode it as index.",
  );
  const places = await load(many, "id,price\nx10000,2\n", { encodings: { id: "index" } });
  assertEquals(rows(places, "test"), [[5]]); // x0, x1, x10, x100, x1000, x10000: sorted as words
  assert(places.train.shape[0] === 1);
});
