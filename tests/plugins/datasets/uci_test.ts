/** Tables with given splits: columns, rows, units, and what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import {
  buildModel,
  DataError,
  type Dataset,
  evaluate,
  fit,
  loadDataset,
  OptionError,
  Tensor,
} from "../../../core/mod.ts";
import { uci, type UciOptions } from "../../../plugins/datasets/uci.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { adam } from "../../../plugins/optimizers/adam/adam.ts";
import { mean, variance } from "../../core/_statistics.ts";
import { inFolder } from "./_idx_bytes.ts";

const load = (options: UciOptions): Promise<Dataset> => loadDataset(uci(options));

/** Six rows: a column that is not used, two inputs, of which the second is constant in split 0, and the target. */
const files: Record<string, string> = {
  "data.txt": "9 1.5 7 10\n9\t2.5 7\t20 \n\n9 3.5 7 40\n9 4.5 7 80\n 9 5.5 8 -1e1\n9 6.5 9 0\n",
  "index_features.txt": "1\n2\n",
  "index_target.txt": "3\n",
  "n_splits.txt": "2\n",
  "index_train_0.txt": "3\n0\n1\n2\n",
  "index_test_0.txt": "5\n4\n",
  "index_train_1.txt": "4\n5\n",
  "index_test_1.txt": "0\n",
};

async function inTable(change: Record<string, string>, body: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/uci/small`, { recursive: true });
    for (const [name, content] of Object.entries({ ...files, ...change })) {
      await Deno.writeTextFile(`${folder}/uci/small/${name}`, content);
    }
    await body(folder);
  });
}

Deno.test("uci() takes columns and rows from the index files, in their order", async () => {
  await inTable({}, async (folder) => {
    const data = await load({ data: `${folder}/uci/small/`, standardize: false });
    assertEquals([data.name, data.classes, data.outputs, data.targetUnits], ["small", 0, 1, undefined]);
    assertEquals([data.train.count, data.train.shape], [4, [2]]);
    assertEquals([...data.train.inputs], [4.5, 7, 1.5, 7, 2.5, 7, 3.5, 7]);
    assertEquals([...data.train.targets!], [80, 10, 20, 40]);
    assertEquals([[...data.test.inputs], [...data.test.targets!]], [[6.5, 9, 5.5, 8], [0, -10]]);
    const other = await load({ data: folder, table: "small", split: 1, standardize: false });
    assertEquals([other.train.count, other.test.count, [...other.test.targets!]], [2, 1, [10]]);
    assertEquals((await load({ data: `${folder}/uci`, table: "small" })).name, "small");
  });
});

Deno.test("uci() standardizes by the training rows alone, and keeps the target's units", async () => {
  await inTable({}, async (folder) => {
    const { train, test, targetUnits } = await load({ data: folder, table: "small" });
    const first = train.inputs.filter((_, i) => i % 2 === 0);
    assertAlmostEquals(mean(first), 0, 1e-6);
    assertAlmostEquals(variance(first), 1, 1e-6);
    // A column that is constant in the training rows says nothing, not even where it differs in the test rows.
    assertEquals([train.inputs[1], test.inputs[1], test.inputs[3]], [0, 0, 0]);
    assertAlmostEquals(mean(train.targets!), 0, 1e-6);
    assertAlmostEquals(variance(train.targets!), 1, 1e-6);
    const { mean: [center], deviation: [deviation] } = targetUnits!;
    assertAlmostEquals(center, 37.5, 1e-12);
    assertAlmostEquals(deviation, Math.sqrt((27.5 ** 2 + 17.5 ** 2 + 2.5 ** 2 + 42.5 ** 2) / 4), 1e-12);
    assertAlmostEquals(test.targets![1] * deviation + center, -10, 1e-5);
  });
});

Deno.test("the error of a model on standardized targets is in the table's units, its loss is not", async () => {
  await inTable({}, async (folder) => {
    const data = await load({ data: folder, table: "small" });
    const model = buildModel(dense(1), { inputShape: [2], seed: 3 });
    const { loss, error } = evaluate(model, data, meanSquaredError());
    const { mean: [center], deviation: [deviation] } = data.targetUnits!;
    const inputs = Tensor.from(data.test.inputs as Float32Array<ArrayBuffer>, [2, 2]);
    const predicted = [...model.forward(inputs).floats].map((value) => value * deviation + center);
    const squares = [0, -10].map((target, i) => (predicted[i] - target) ** 2);
    assertAlmostEquals(error, Math.sqrt((squares[0] + squares[1]) / 2), 1e-4 * error);
    assertAlmostEquals(error, Math.sqrt(loss) * deviation, 1e-4 * error);
    const settings = { loss: meanSquaredError(), optimizer: adam(), epochs: 1, batchSize: 2 };
    const run = await fit(dense(1), { data, ...settings });
    assertAlmostEquals(run.testError, Math.sqrt(run.testLoss) * deviation, 1e-4 * run.testError);
  });
});

Deno.test("uci() keeps the units of a target that is constant in the training rows", async () => {
  await inTable({ "index_train_0.txt": "0\n" }, async (folder) => {
    const { train, test, targetUnits } = await load({ data: folder, table: "small" });
    assertEquals(targetUnits, { mean: [10], deviation: [1] });
    assertEquals([[...train.targets!], [...test.targets!]], [[0], [-10, -20]]);
  });
});

Deno.test("uci() refuses damaged tables with file and line, and splits that there are not", async () => {
  const cases: [Record<string, string>, string][] = [
    [{ "data.txt": "1 2 3 4\n\n1 2 x 4\n" }, 'data.txt, line 3: expected a number, found "x"'],
    [{ "data.txt": "1 2 3 4\n\n1 2 3\n" }, "data.txt, line 3: expected 4 numbers as in line 1, found 3"],
    [{ "data.txt": "\n" }, "data.txt: expected at least one row"],
    [{ "index_features.txt": "1\n4\n" }, "index_features.txt, line 2: expected whole numbers in [0, 4), found 4"],
    [{ "index_test_0.txt": "6\n" }, "index_test_0.txt, line 1: expected whole numbers in [0, 6), found 6"],
    [{ "index_test_0.txt": "0.5\n" }, "found 0.5"],
    [{ "index_train_0.txt": "" }, "index_train_0.txt: expected at least one index, found none"],
    [{ "n_splits.txt": "2 3\n" }, "n_splits.txt: expected one number, found 2"],
  ];
  for (const [change, message] of cases) {
    await inTable(change, async (folder) => {
      await assertRejects(() => load({ data: folder, table: "small" }), DataError, message);
    });
  }
  await inTable({}, async (folder) => {
    const beyond = () => load({ data: folder, table: "small", split: 2 });
    await assertRejects(beyond, OptionError, "uci.split: expected a number below 2, found 2.");
    await assertRejects(() => load({ data: folder, table: "large" }), DataError, "uci/large");
    await Deno.remove(`${folder}/uci/small/index_test_1.txt`);
    const missing = () => load({ data: folder, table: "small", split: 1 });
    await assertRejects(missing, DataError, "index_test_1.txt: expected a file, found none.");
  });
});

const real = Deno.env.get("THINNED_DATA");
Deno.test({
  name: `uci() reads the tables concrete and yacht${real ? "" : " (skipped: THINNED_DATA is not set)"}`,
  ignore: !real,
  fn: async () => {
    for (const [table, width, train, test] of [["concrete", 8, 927, 103], ["yacht", 6, 277, 31]] as const) {
      for (const split of [0, 19]) {
        const data = await load({ table, split });
        assertEquals([data.train.count, data.test.count, data.train.shape], [train, test, [width]]);
        assert(Math.abs(mean(data.train.targets!)) < 1e-6);
      }
      await assertRejects(() => load({ table, split: 20 }), OptionError, "a number below 20");
    }
    // The first training row of the first split of yacht is row 73 of the table.
    const yacht = await load({ table: "yacht", standardize: false });
    const rows = (await Deno.readTextFile(`${real}/uci/yacht/data.txt`)).trim().split("\n");
    assertEquals([...yacht.train.targets!.subarray(0, 1)], [Math.fround(Number(rows[73].trim().split(/\s+/)[6]))]);
  },
});

Deno.test("uci() asks what a target of zeros and ones is, and takes either answer", async () => {
  const table = "9 1.5 7 1\n9 2.5 7 0\n9 3.5 7 1\n9 4.5 7 1\n9 5.5 8 0\n9 6.5 9 0\n";
  await inTable({ "data.txt": table }, async (folder) => {
    const given = { data: folder, table: "small" };
    const error = await assertRejects(() => load(given), OptionError);
    assertEquals(
      error.message,
      "uci.classes: expected 2 for classes or false for numbers, because the target is 0 or 1 in every row, " +
        "found undefined.",
    );
    const classes = await load({ ...given, classes: 2 });
    assertEquals([classes.classes, classes.outputs, classes.targetUnits], [2, 0, undefined]);
    assertEquals([classes.train.labels, classes.test.labels], [Int32Array.of(1, 1, 0, 1), Int32Array.of(0, 0)]);
    assertEquals([classes.train.targets, classes.inputUnits?.mean[0]], [undefined, 3]);
    assertEquals((await load({ ...given, classes: false })).targetUnits?.mean, [0.75]);
    const plain = await load({ ...given, classes: 2, standardize: false });
    assertEquals([[...plain.train.inputs.slice(0, 2)], plain.inputUnits], [[4.5, 7], undefined]);
  });
});

Deno.test("uci() keeps by what its inputs were standardized, and refuses targets that are no class", async () => {
  await inTable({}, async (folder) => {
    const data = await load({ data: folder, table: "small" });
    assertEquals([data.inputUnits!.mean, data.inputUnits!.deviation[1]], [[3, 7], Infinity]);
    await assertRejects(
      () => load({ data: folder, table: "small", classes: 3 }),
      DataError,
      "whole numbers in [0, 3), found 80",
    );
  });
});
