/** Tables through the command line: training with a plugin of one's own, and predicting new rows as its users do. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { cli, command, inFolder, writeConfig } from "../_run.ts";

const examples = new URL("../../../examples/", import.meta.url).pathname;

interface Found {
  readonly samples: number;
  readonly predictions: {
    index: number;
    prediction: string | number[];
    target?: number[];
    probability?: number;
    probabilities?: Record<string, number>;
    deviation: number | number[];
  }[];
}

/** Runs the command line with text as its standard input. */
async function withInput(args: readonly string[], text: string) {
  const child = command(args, undefined, undefined, { stdin: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { status: code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("the houses of the examples: a table with words and missing values, prices in dollars, a plugin of one's own", () =>
  inFolder(async (folder) => {
    const run = `${folder}/run`;
    const trained = await cli([
      "train",
      "--config",
      `${examples}houses.json`,
      "--epochs",
      "40",
      "--out",
      run,
      "--json",
    ]);
    assertEquals(trained.status, 0, trained.err);
    const [{ testError }] = JSON.parse(trained.out).runs;
    assert(testError > 10_000 && testError < 60_000, `${testError} dollars`);
    // The whole file as new rows, without its prices and with its columns in another order: the test rows get what they got.
    const lines = (await Deno.readTextFile(`${examples}houses.csv`)).trim().split("\n").map((line) => line.split(","));
    await Deno.writeTextFile(`${folder}/rows.csv`, lines.map((cells) => cells.slice(0, 5).reverse().join()).join("\n"));
    const all: Found = JSON.parse(
      (await cli(["predict", "--run", run, "--input", `${folder}/rows.csv`, "--json"])).out,
    );
    assertEquals(all.predictions.map(({ index }) => index), Array.from({ length: 600 }, (_, i) => i));
    const test: Found = JSON.parse((await cli(["predict", "--run", run, "--limit", "120", "--json"])).out);
    assertEquals(test.predictions.length, 120);
    for (const { target, prediction } of test.predictions) {
      const price = target![0].toFixed(0);
      const rows = all.predictions.filter(({ index }) => Math.abs(Number(lines[index + 1][5]) - Number(price)) < 1);
      assert(rows.some((row) => Math.abs(Number(row.prediction[0]) - Number(prediction[0])) < 1), `${price} dollars`);
    }
    // Standard input, a city that training did not have, passes with dropout on, and a table for people.
    const text = "city,condition,area,bedrooms,year built\nDenver,good,1800,3,\nReno,fair,900,2,1970\n";
    const piped = await withInput(["predict", "--run", run, "--input", "-", "--samples", "5"], text);
    assertEquals(piped.status, 0, piped.err);
    assertStringIncludes(piped.out, "prediction");
    assertEquals(piped.out.trim().split("\n").length, 4);
    // The dropout has faded when training ends, so that the passes agree.
    const five: Found = JSON.parse(
      (await withInput(["predict", "--run", run, "--input", "-", "--samples", "5", "--json"], text)).out,
    );
    assertEquals([five.samples, five.predictions.length, five.predictions[0].deviation], [5, 2, [0]]);
  }));

Deno.test("predict --input gives all class probabilities by name, and refuses rows that are not as in training", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${["low", "high"][i % 2]},${i % 7 > 2 ? "yes" : "no"}`);
    await Deno.writeTextFile(`${folder}/table.csv`, ["size,level,kind", ...rows].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/table.csv`, target: "kind" },
      model: [{ plugin: "dense", units: 16 }, "relu", { plugin: "dropout", rate: 0.3 }, { plugin: "dense", units: 2 }],
      optimizer: "adam",
      epochs: 20,
      batchSize: 10,
    });
    const run = `${folder}/run`;
    const trained = await cli(["train", "--config", config, "--out", run]);
    assertEquals(trained.status, 0, trained.err);
    const input = `${folder}/rows.csv`;
    const given = ["predict", "--run", run, "--input", input, "--json"];
    // Also without the table that it was trained on.
    await Deno.remove(`${folder}/table.csv`);
    await Deno.writeTextFile(input, "level,size\nlow,0\nhigh,6\nlow,1\n");
    const plain: Found = JSON.parse((await cli(given)).out);
    assertEquals(plain.predictions.map(({ prediction }) => prediction), ["no", "yes", "no"]);
    for (const { prediction, probability, probabilities, deviation } of plain.predictions) {
      assertEquals([Object.keys(probabilities!), deviation], [["no", "yes"], 0]);
      assertAlmostEquals(probabilities!.no + probabilities!.yes, 1, 1e-5);
      assertEquals(probabilities![prediction as string], probability);
    }
    const sampled: Found = JSON.parse((await cli([...given, "--samples", "20", "--limit", "2"])).out);
    assertEquals(sampled.predictions.length, 2);
    assert(sampled.predictions.every(({ deviation }) => (deviation as number) > 0));
    assert(sampled.predictions[0].probability !== plain.predictions[0].probability);

    const before = [...Deno.readDirSync(run), ...Deno.readDirSync(folder)].map(({ name }) => name);
    const refused: [string, string][] = [
      ["level\nlow\n", 'rows.csv: expected the column "size", found "level".'],
      ["level,size\nlow,tall\n", 'rows.csv, line 2, column 2 ("size"): expected a number, found "tall".'],
      ["level,size\nlow,1\nlow,NaN\n", 'rows.csv, line 3, column 2 ("size"): expected a number, found "NaN".'],
      ["level,size\nlow,\n", 'rows.csv, line 2, column 2 ("size"): expected a value, found "".'],
      [
        "level,size\nlow,1\nmiddle,2\n",
        'rows.csv, line 3, column 1 ("level"): expected one of the 2 categories of training, "high", "low" (or the option ' +
        'unknown to be slot when training), found "middle".',
      ],
      ["level,size\n", "rows.csv: expected at least one row of data, found none."],
      ["", "rows.csv: expected at least one row of data, found none."],
      ["level,size\nlow,1,2\n", "rows.csv, line 2: expected 2 columns as in line 1, found 3."],
    ];
    for (const [text, message] of refused) {
      await Deno.writeTextFile(input, text);
      const { status, out, err } = await cli(given);
      assertEquals([status, JSON.parse(out).error.message], [2, `${folder}/${message}`]);
      assertStringIncludes(err, message);
    }
    const other: [string[], string][] = [
      [["--input", `${folder}/none.csv`], `${folder}/none.csv: expected a file, found none.`],
      [["--input", input, "--data", folder], "--data: expected nothing beside --input"],
      [["--input", input, "--name", "x"], 'expected one of the runs run, found "x"'],
      [["--input"], "--input: expected a value, found"],
    ];
    for (const [args, message] of other) {
      const { status, err } = await cli(["predict", "--run", run, ...args]);
      assertEquals(status, 2);
      assertStringIncludes(err, message);
    }
    await Deno.remove(`${run}/model.safetensors`);
    const { status, err } = await cli(given);
    assertEquals(status, 2);
    assertStringIncludes(err, "model.safetensors");
    assertEquals(
      [...Deno.readDirSync(run), ...Deno.readDirSync(folder)].map(({ name }) => name).length,
      before.length - 1,
    );
  }));

Deno.test("predict --input reads rows of numbers for a run on another data set, and predict names all classes", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1, dataset: { plugin: "digits", train: 50, test: 20 } });
    assertEquals((await cli(["train", "--config", config, "--out", `${folder}/run`])).status, 0);
    await Deno.writeTextFile(`${folder}/rows.csv`, "a\n1\n");
    const { status, err } = await cli(["predict", "--run", `${folder}/run`, "--input", `${folder}/rows.csv`]);
    assertEquals(status, 2);
    assertStringIncludes(err, "rows.csv, line 2: expected 784 numbers, found 1.");
    const shown: Found = JSON.parse((await cli(["predict", "--run", `${folder}/run`, "--limit", "2", "--json"])).out);
    const { probabilities, probability } = shown.predictions[1];
    assertEquals(Object.keys(probabilities!).length, 10);
    assertEquals(Math.max(...Object.values(probabilities!)), probability);
  }));
