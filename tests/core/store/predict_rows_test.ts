/** A saved model that is asked about new rows of a table, from a program. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import * as t from "../../../mod.ts";
import { inFolder } from "../../plugins/datasets/_idx_bytes.ts";

const lines = Array.from({ length: 40 }, (_, i) => `${i},${["Rome", "Oslo"][i % 2]},${1000 * i + 5000 * (i % 2)}`);

/** A run on a table, saved and read back. */
async function saved(
  root: t.LayerPlugin,
  options: Partial<t.FitOptions>,
  body: (loaded: t.LoadedModel, run: t.FitResult) => Promise<void>,
  table: readonly string[] = ["area,city,price", ...lines],
  dataset: Partial<t.CsvOptions> = {},
  plugins: t.AnyFactory[] = [],
): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.csv`, table.join("\n"));
    const data = t.csv({ path: `${folder}/t.csv`, target: -1, ...dataset });
    const run = await t.fit(root, { data, optimizer: t.adam(), epochs: 3, batchSize: 10, seed: 1, ...options });
    await run.save(`${folder}/m.safetensors`);
    await body(await t.loadModel(`${folder}/m.safetensors`, { plugins }), run);
  });
}

const net = (outputs: number) => t.sequential([t.dense(8), t.relu(), t.dropout({ rate: 0.3 }), t.dense(outputs)]);

Deno.test("predictRows() answers in the target's units, for objects as for text", () =>
  saved(net(1), { epochs: 40 }, async ({ predictRows, readRows, model, preprocessing }, run) => {
    const objects = [{ area: 7, city: "Rome", price: "?" }, { city: "Oslo", area: "30" }];
    const found = await predictRows(objects) as t.NumberPrediction[];
    assertEquals(found.map(({ index, deviation }) => [index, deviation]), [[0, [0]], [1, [0]]]);
    const inputs = await readRows(objects);
    assertEquals([inputs.shape, [...inputs.floats.subarray(1, 3)]], [[2, 3], [0, 1]]);
    const outputs = t.restoreOutputs(preprocessing!, t.predict(model, inputs).mean).floats;
    found.forEach(({ prediction }, i) => assertAlmostEquals(prediction[0], outputs[i], 0.01));
    assert(Math.abs(found[1].prediction[0] - 35_000) < 4 * run.testError + 2000, `${found[1].prediction}`);
    const text = ReadableStream.from([new TextEncoder().encode("city,area\nRome,7\nOslo,30\n")]);
    assertEquals(await predictRows(text), found);
    const passes = await predictRows(objects, { samples: 6, seed: 4 }) as t.NumberPrediction[];
    assert(passes.every(({ deviation }) => deviation[0] > 100));
    assertEquals(await predictRows(objects, { samples: 6, seed: 4, batchSize: 1 }), passes);
  }));

Deno.test("predictRows() refuses objects with the place of what is wrong", () =>
  saved(net(1), {}, async ({ predictRows }) => {
    const good = { area: 1, city: "Rome" };
    const refused: [Record<string, unknown>[], string][] = [
      [[good, { area: 1 }], 'rows, row 2: expected the column "city", found "area".'],
      [[{ ...good, area: "x" }], 'rows, row 1, column "area": expected a number, found "x".'],
      [[{ ...good, area: NaN }], 'rows, row 1, column "area": expected a number, found "NaN".'],
      [[{ ...good, area: Infinity }], 'rows, row 1, column "area": expected a number, found "Infinity".'],
      [[{ ...good, area: null }], 'rows, row 1, column "area": expected a value, found "".'],
      [[{ ...good, area: [1] }], 'rows, row 1, column "area": expected a number or a text, found [1].'],
      [[good, { ...good, city: "Bonn" }], 'rows, row 2, column "city": expected one of the 2 categories of training'],
      [[], "rows: expected at least one row of data, found none."],
      [[7 as unknown as Record<string, unknown>], "rows, row 1: expected an object with the columns, found 7."],
    ];
    for (const [rows, message] of refused) await assertRejects(() => predictRows(rows), t.DataError, message);
    await assertRejects(() => predictRows([{}], { name: "houses" }), t.DataError, "houses, row 1: expected the column");
    await assertRejects(() => predictRows([good], { samples: -1 }), t.OptionError, "samples");
    const misspelt = { sample: 3 } as t.PredictRowsOptions;
    await assertRejects(() => predictRows([good], misspelt), t.OptionError, "sample");
  }));

Deno.test("predictRows() names classes, and gives the probability of each", () =>
  saved(
    net(3),
    { epochs: 60, loss: t.crossEntropy() },
    async ({ predictRows }) => {
      const [small, large] = await predictRows(
        [[1], [29]],
      ) as t.ClassPrediction[];
      assertEquals([small.prediction, large.prediction], ["a", "c"]);
      assertEquals(Object.keys(small.probabilities), ["a", "b", "c"]);
      assertAlmostEquals(Object.values(small.probabilities).reduce((x, y) => x + y), 1, 1e-5);
      assertEquals(small.probabilities.a, small.probability);
      // Without a header, rows may have the target or not.
      for (const text of ["1\n29\n", "1,a\n29,\n"]) {
        const found = await predictRows(ReadableStream.from([new TextEncoder().encode(text)]));
        assertEquals(found, [small, large]);
      }
      const mixed = ReadableStream.from([new TextEncoder().encode("1\n".repeat(64) + "1,a\n")]);
      await assertRejects(
        () => predictRows(mixed),
        t.DataError,
        "rows, line 65: expected 1 columns as before, found 2.",
      );
      const wide = ReadableStream.from([new TextEncoder().encode("1,2,3\n")]);
      await assertRejects(
        () => predictRows(wide),
        t.DataError,
        "rows: expected 2 columns as in training, or 1 without",
      );
    },
    Array.from({ length: 60 }, (_, i) => `${i % 30},${"abc"[Math.floor((i % 30) / 10)]}`),
  ));

Deno.test("predictRows() takes of the outputs what the loss says is the prediction, at the moment when the model was saved", async () => {
  /** Adds how far training has come. */
  const clock: t.Factory<"layer", Record<never, never>> = t.definePlugin({
    name: "clock",
    options: z.object({}),
    forward: (x, { progress }) => x.add(progress.step),
  });
  const root = t.sequential([t.dense(2), clock()]);
  await saved(
    root,
    { loss: t.gaussianNll() },
    async ({ predictRows, model, progress, preprocessing, readRows }, run) => {
      assertEquals([progress!.step, progress!.totalSteps], [run.step, run.step]);
      const rows = [{ area: 3, city: "Oslo" }];
      const [{ prediction }] = await predictRows(rows) as t.NumberPrediction[];
      assertEquals(prediction.length, 1);
      const [[mean]] = model.forward(await readRows(rows), { mode: "eval", progress }).toArray() as number[][];
      const { mean: [shift], deviation: [scale] } = preprocessing!.targetUnits!;
      assertAlmostEquals(prediction[0], mean * scale + shift, 1);
    },
    undefined,
    {},
    [clock],
  );
});

Deno.test("predictRows() fills missing values as training did, and gives unknown categories their slot", () =>
  saved(
    net(1),
    {},
    async ({ readRows, preprocessing }) => {
      const { mean: [mean], deviation: [deviation] } = preprocessing!.inputUnits!;
      const inputs = (await readRows([{ area: undefined, city: "NA" }, { area: 5, city: "Bonn" }]))
        .toArray() as number[][];
      assertAlmostEquals(inputs[0][0], (-1 - mean) / deviation, 1e-5);
      assertAlmostEquals(inputs[1][0], (5 - mean) / deviation, 1e-5);
      assertEquals(inputs.map((row) => row.slice(1)), [[0, 1, 0], [0, 0, 1]]);
    },
    ["area,city,price", ...lines, "9,Rome,1", "8,Rome,1", "7,Rome,1", "5,Rome,3"],
    { missing: { area: { constant: -1 }, city: "most-frequent" }, missingValues: ["NA"], unknown: "slot" },
  ));

Deno.test("predictRows() says of a model that was not trained on a table that it reads no rows", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    await t.buildModel(t.dense(1), { inputShape: [1] }).save(path);
    const { predictRows } = await t.loadModel(path);
    await assertRejects(() => predictRows([{ a: 1 }]), t.PluginError, "found one saved without its preprocessing");
    const run = await t.fit(t.dense(10), { data: t.digits({ train: 20, test: 10 }), optimizer: t.sgd(), epochs: 1 });
    await run.save(path);
    const other = await t.loadModel(path);
    await assertRejects(() => other.predictRows([{ a: 1 }]), t.PluginError, "such as csv, found one of digits");
  });
});

Deno.test("loadModel() of several files gives the members of an ensemble, and refuses one that is none", () =>
  inFolder(async (folder) => {
    const x = Array.from({ length: 30 }, (_, i) => [i / 30, 1 - i / 30]);
    const data = (targets: unknown) => t.arrays({ train: [x, targets as number[]], test: 0.2 });
    const own = { optimizer: t.sgd(), epochs: 1, batchSize: 8 };
    const runs = await t.fitEnsemble(t.dense(1), { data: data(x.map(([a]) => a)), members: 2, ...own });
    const other = await t.fit(t.dense(2), { data: data(x.map(([a]) => a > 0.5 ? "high" : "low")), ...own });
    const paths = ["a", "b", "other"].map((name) => `${folder}/${name}.safetensors`);
    for (const [i, run] of [...runs, other].entries()) await run.save(paths[i]);
    const { members, model, predictInputs } = await t.loadModel(paths.slice(0, 2));
    assertEquals([members.length, members[0].model === model], [2, true]);
    const inputs = t.Tensor.of([[0.2, 0.3]]);
    const said = predictInputs(inputs) as t.NumberPrediction[];
    const single = await Promise.all(
      paths.slice(0, 2).map(async (path) => (await t.loadModel(path)).predictInputs(inputs) as t.NumberPrediction[]),
    );
    const [a, b] = single.map(([{ prediction: [value] }]) => value);
    assertAlmostEquals(said[0].prediction[0], (a + b) / 2, 1e-6);
    assertAlmostEquals(said[0].deviation[0], Math.abs(a - b) / 2, 1e-6);
    await assertRejects(
      () => t.loadModel([paths[0], paths[2]]),
      t.CheckpointError,
      `${paths[2]}: expected a member of the ensemble of ${paths[0]}`,
    );
    await assertRejects(() => t.loadModel([]), t.OptionError, "path: expected at least one file");
  }));
