/** A saved model that says how sure it is of new rows, and answers while they are read. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as t from "../../../mod.ts";
import { inFolder } from "../../plugins/datasets/_idx_bytes.ts";

const rows = Array.from({ length: 60 }, (_, i) => [i % 10, ["red", "blue"][i % 2], 100 * (i % 10) + 50 * (i % 2)]);
const kinds = rows.map(([size, colour], i) => [size, colour, "abc"[i % 3]]);

/** A net on a table, saved and read back. */
async function saved(
  layers: t.LayerPlugin[],
  table: readonly (readonly unknown[])[],
  body: (loaded: t.LoadedModel, folder: string) => Promise<void>,
  loss?: t.Plugin<"loss">,
): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.csv`, ["size,colour,target", ...table].join("\n"));
    const data = t.csv({ path: `${folder}/t.csv`, target: "target" });
    const run = await t.fit(t.sequential(layers), {
      data,
      loss,
      optimizer: t.adam(),
      epochs: 2,
      batchSize: 10,
      seed: 1,
    });
    await run.save(`${folder}/m.safetensors`);
    await body(await t.loadModel(`${folder}/m.safetensors`), folder);
  });
}

const net = (outputs: number) => [t.dense(8), t.relu(), t.dropout({ rate: 0.3 }), t.dense(outputs)];
const some = [{ size: 3, colour: "red" }, { size: 9, colour: "blue" }];

Deno.test("a classifier's rows have every kind of uncertainty, by the names of the classes", () =>
  saved(net(3), kinds, async ({ predictRows, predictInputs, readRows, model, progress }) => {
    const options = { samples: 12, quantiles: [0.05, 0.5], weightScaling: true, seed: 3 };
    const found = await predictRows(some, options) as t.ClassPrediction[];
    const inputs = await readRows(some);
    const expected = t.predict(model, inputs, { ...options, softmax: true, progress });
    found.forEach((row, i) => {
      const named = (tensor: t.Tensor) =>
        Object.fromEntries(["a", "b", "c"].map((n, k) => [n, tensor.floats[3 * i + k]]));
      assertEquals(row.probabilities, named(expected.mean));
      assertEquals(row.aleatoric, named(expected.aleatoric));
      assertEquals(row.epistemic, named(expected.epistemic));
      assertEquals(row.weightScaling, named(expected.weightScaling!));
      assertEquals(row.quantiles, { "0.05": named(expected.quantiles[0]), "0.5": named(expected.quantiles[1]) });
      assertEquals(row.entropy, expected.entropy.floats[i]);
      assertEquals(row.mutualInformation, expected.mutualInformation.floats[i]);
      assertAlmostEquals(row.expectedEntropy!, row.entropy - row.mutualInformation!, 1e-6);
      assertEquals(row.variationRatio, expected.variationRatio.floats[i]);
    });
    assertEquals(predictInputs(inputs, options), found);
    const geometric = await predictRows(some, { ...options, average: "geometric" }) as t.ClassPrediction[];
    assertEquals(geometric[1].probabilities.b, expected.geometricMean.floats[4]);
    assertEquals(geometric[1].entropy, found[1].entropy);
    const [once] = await predictRows(some) as t.ClassPrediction[];
    assertEquals(Object.keys(once), ["index", "prediction", "probability", "deviation", "entropy", "probabilities"]);
    // A row's masks belong to its place.
    assertEquals(predictInputs(inputs.slice([1], [2]), { ...options, first: 1 }), found.slice(1));
    const [wrong] = [{ average: "median" as "geometric" }, "predict: average"] as const;
    await assertRejects(() => predictRows(some, wrong), t.OptionError, 'expected "arithmetic" or "geometric"');
    await assertRejects(
      () => predictRows(some, { precision: 1 }),
      t.OptionError,
      "precision: expected none for classes",
    );
  }));

Deno.test("a regression splits its variance, in the units of the targets: the loss says the noise, or a precision", () =>
  saved(net(2), rows, async ({ predictRows, model, readRows, preprocessing, progress }) => {
    const found = await predictRows(some, { samples: 9, quantiles: [0.1] }) as t.NumberPrediction[];
    const { mean: [shift], deviation: [scale] } = preprocessing!.targetUnits!;
    const passes = t.samplesOf(model, await readRows(some), { samples: 9, progress }).floats;
    found.forEach((row, i) => {
      const means = Array.from({ length: 9 }, (_, k) => passes[(k * 2 + i) * 2] * scale + shift);
      const noises = Array.from({ length: 9 }, (_, k) => Math.exp(passes[(k * 2 + i) * 2 + 1]) * scale ** 2);
      const average = (numbers: number[]) => numbers.reduce((a, b) => a + b) / 9;
      const near = (value: number, wanted: number) => assertAlmostEquals(value, wanted, 1e-4 * Math.abs(wanted));
      near(row.prediction[0], average(means));
      near(row.epistemic![0], average(means.map((m) => (m - average(means)) ** 2)));
      near(row.aleatoric![0], average(noises));
      near(row.variance![0], row.epistemic![0] + row.aleatoric![0]);
      near(row.deviation[0] ** 2, row.epistemic![0]);
      near(row.quantiles!["0.1"][0], t.quantile(means.sort((a, b) => a - b), 0.1));
      assert(row.predictiveQuantiles!["0.1"][0] < row.quantiles!["0.1"][0]);
    });
    const [tau] = await predictRows(some, { samples: 9, precision: 1 / 400 }) as t.NumberPrediction[];
    assertAlmostEquals(tau.aleatoric![0], 400, 1e-4);
    for (const precision of [0, -1, NaN, Infinity]) {
      await assertRejects(
        () => predictRows(some, { precision }),
        t.OptionError,
        "precision: expected a number above 0",
      );
    }
    await assertRejects(() => predictRows(some, { average: "geometric" }), t.OptionError, '"arithmetic" for numbers');
  }, t.gaussianNll()));

Deno.test("passes of a model without dropout are refused; where its rates have come to 0 they agree", async () => {
  await saved([t.dense(4), t.relu(), t.dense(1)], rows, async ({ predictRows }) => {
    await assertRejects(
      () => predictRows(some, { samples: 5 }),
      t.OptionError,
      "predict: samples: expected 0, since the model has no dropout and all passes would agree, found 5.",
    );
  });
  const faded = t.dropout({ rate: t.linear({ from: 0.5, to: 0 }) });
  await saved([faded, t.dense(1)], rows, async ({ predictRows }) => {
    const found = await predictRows(some, { samples: 5 }) as t.NumberPrediction[];
    assertEquals(found.map(({ deviation }) => deviation), [[0], [0]]);
    await assertRejects(
      () => predictRows(some, { samples: 5, sites: ["^1$"] }),
      t.OptionError,
      "a place with dropout: 0",
    );
  });
});

Deno.test("rows are answered while they are read; a wrong one is refused when it is reached", () =>
  saved(net(1), rows, async ({ predictEach, predictRows, readRows }, folder) => {
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i % 10},${["red", "blue"][i % 2]}`);
    const path = `${folder}/new.csv`;
    await Deno.writeTextFile(path, ["size,colour", ...lines(9000), "x,red"].join("\n"));
    const found: t.RowPrediction[] = [];
    const message = 'new.csv, line 9002, column 1 ("size"): expected a number, found "x".';
    await assertRejects(
      async () => {
        for await (const row of predictEach(path, { samples: 2 })) found.push(row);
      },
      t.DataError,
      message,
    );
    assert(found.length >= 8000 && found.length <= 9000, `${found.length} rows`);
    assertEquals(found.map(({ index }) => index), Array.from(found, (_, i) => i));
    await Deno.writeTextFile(path, ["size,colour", ...lines(9000)].join("\n"));
    const whole = await predictRows(path, { samples: 2 });
    assertEquals(whole.slice(0, found.length), found);
    assertEquals((await readRows(path)).shape[0], 9000);
    // Masks belong to rows: row 5000 has others than row 0, whose values it has.
    assert(JSON.stringify(whole[5000]) !== JSON.stringify({ ...whole[0], index: 5000 }));
    // Whoever has seen enough leaves; the file is closed then, which the test would tell otherwise.
    for await (const row of predictEach(path)) if (row.index === 2) break;
  }));

Deno.test("a model saved without its preprocessing has no words for what it says", async () => {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  await t.buildModel(t.dense(1), { inputShape: [2] }).save(path);
  const { predictInputs } = await t.loadModel(path);
  assertThrows(() => predictInputs(t.Tensor.ones([1, 2])), t.PluginError, "found one without");
  await Deno.remove(path);
});
