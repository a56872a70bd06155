/** `predict` with passes, formats and new images, and `generate`, as people call them. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { encode } from "fast-png";
import { cli, command, inFolder, small, writeConfig } from "../_run.ts";
import { digits, loadDataset } from "../../../mod.ts";
import { idxBytes } from "../../plugins/datasets/_idx_bytes.ts";

type Json = Record<string, unknown>;

async function json(args: readonly string[]): Promise<Json & { predictions: Json[] }> {
  const { status, out, err } = await cli([...args, "--json"]);
  assertEquals(status, 0, err);
  return JSON.parse(out);
}

Deno.test("predict says how sure it is, of the test part and of new images alike, without their data", () =>
  inFolder(async (folder) => {
    const run = `${folder}/run`;
    const config = await writeConfig(folder, { dataset: { plugin: "digits", train: 200, test: 40 }, epochs: 2 });
    const trained = await cli(["train", "--config", config, "--out", run]);
    assertEquals(trained.status, 0, trained.err);
    const { test } = await loadDataset(digits({ train: 200, test: 40 }));
    const pixels = test.inputs as Uint8Array<ArrayBuffer>;
    await Deno.writeFile(`${folder}/some.idx`, idxBytes([40, 28, 28], [...pixels]));
    await Deno.mkdir(`${folder}/images`);
    for (let i = 0; i < 3; i++) {
      const data = pixels.slice(784 * i, 784 * (i + 1));
      await Deno.writeFile(`${folder}/images/${i}.png`, encode({ width: 28, height: 28, channels: 1, data }));
    }
    const asked = ["predict", "--run", run, "--samples", "8", "--quantiles", "0.1,0.9", "--seed", "3"];
    const found = await json([...asked, "--limit", "40"]);
    assertEquals([found.samples, found.sites, found.examples], [8, ["0", "3"], 40]);
    const errors = found.testErrors as Record<string, number>;
    assertEquals(Object.keys(errors), ["arithmetic", "geometric", "weightScaling"]);
    assertEquals(found.testError, errors.arithmetic);
    const wrong = found.predictions.filter(({ target, prediction }) => target !== prediction).length;
    assertAlmostEquals(errors.arithmetic, wrong / 40, 1e-12);
    for (const row of found.predictions) {
      const sum = (values: unknown) => Object.values(values as Record<string, number>).reduce((a, b) => a + b);
      assertAlmostEquals(sum(row.probabilities), 1, 1e-5);
      const total = Object.values(row.probabilities as Record<string, number>).reduce((all, p) => all + p * (1 - p), 0);
      assertAlmostEquals(sum(row.aleatoric) + sum(row.epistemic), total, 1e-4);
      const [entropy, expected, mutual] = [row.entropy, row.expectedEntropy, row.mutualInformation] as number[];
      assertAlmostEquals(entropy - expected, mutual, 1e-5);
      assert(mutual > 0 && (row.variationRatio as number) < 1);
      const { "0.1": low, "0.9": high } = row.quantiles as Record<string, Record<string, number>>;
      for (const name of Object.keys(low)) assert(low[name] <= high[name]);
    }
    // The same images from a file: the same passes, row by row as lines, and as CSV.
    const lines = await cli([...asked, "--input", `${folder}/some.idx`, "--format", "jsonl"]);
    const rows: Json[] = lines.out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(rows.map(({ index }) => index), Array.from({ length: 40 }, (_, i) => i));
    rows.forEach(({ prediction, ...rest }, i) => {
      const { target: _, prediction: expected, ...others } = found.predictions[i];
      assertEquals(prediction, String(expected));
      assertEquals(rest, others);
    });
    const csv = (await cli([...asked, "--input", `${folder}/images`, "--format", "csv"])).out.split("\r\n");
    assertEquals(csv.length, 5);
    assertStringIncludes(csv[0], "index,file,prediction,probability,deviation,entropy,");
    assertStringIncludes(csv[3], `2,2.png,${rows[2].prediction},${rows[2].probability},`);
    // Only one place draws; the geometric mean; weight scaling beside it.
    const chosen = await json([
      ...asked,
      "--sites",
      "^3$",
      "--average",
      "geometric",
      "--weight-scaling",
      "--limit",
      "2",
    ]);
    assertEquals([chosen.sites, chosen.testError], [["3"], (chosen.testErrors as Json).geometric]);
    assertEquals(Object.keys(chosen.predictions[0].weightScaling as Json).length, 10);
    const once = await json(["predict", "--run", run, "--limit", "2"]);
    chosen.predictions.forEach(({ weightScaling }, i) => {
      const expected = Object.entries(once.predictions[i].probabilities as Record<string, number>);
      for (const [name, p] of expected) assertAlmostEquals((weightScaling as Record<string, number>)[name], p, 1e-5);
    });
    const table = await cli([...asked, "--limit", "2"]);
    assertStringIncludes(table.out, "arithmetic mean of 8 passes with dropout on; geometric ");
    assertStringIncludes(table.out, "mutual information");
    const refused: [string[], string][] = [
      [
        ["--samples", "5", "--sites", "^1$"],
        "sites: expected a pattern that matches a place with dropout: 0, 3, found",
      ],
      [["--precision", "2"], "--precision: expected nothing for a run that predicts classes"],
      [["--input", `${folder}/run`], "run: expected PNG images in the folder, found none."],
    ];
    for (const [args, message] of refused) {
      const { status, out, err } = await cli(["predict", "--run", run, ...args]);
      assertEquals([status, out], [2, ""], err);
      assertStringIncludes(err, message);
    }
    const { status, err } = await cli(["generate", "--run", run]);
    assertEquals(status, 2);
    assertStringIncludes(err, "expected a run that was trained on text, found one of digits.");
  }));

Deno.test("passes of a run without dropout are refused; a precision says the noise of a regression", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 10},${3 * (i % 10)}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b", ...rows].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/t.csv`, target: "b" },
      model: [{ plugin: "dense", units: 4 }, "relu", { plugin: "dense", units: 1 }],
      epochs: 1,
      batchSize: 16,
    });
    assertEquals((await cli(["train", "--config", config, "--out", `${folder}/run`])).status, 0);
    await Deno.writeTextFile(`${folder}/new.csv`, "a\n1\n2\n");
    for (const more of [[], ["--input", `${folder}/new.csv`]]) {
      const { status, err } = await cli(["predict", "--run", `${folder}/run`, "--samples", "5", ...more]);
      assertEquals(status, 2);
      assertStringIncludes(
        err,
        "--samples: expected 0, since the model has no dropout and all passes would agree, found 5.",
      );
    }
    const input = ["predict", "--run", `${folder}/run`, "--input", `${folder}/new.csv`];
    const found = await json([...input, "--precision", "0.25", "--quantiles", "0.5"]);
    const [row] = found.predictions as Record<string, number[]>[];
    assertEquals([row.aleatoric, row.epistemic, row.variance], [[4], [0], [4]]);
    const { out } = await cli([...input, "--format", "csv", "--precision", "0.25"]);
    assertEquals(out.split("\r\n")[0], "index,prediction,deviation,epistemic,aleatoric,variance");
    // The first rows of a stream are answered before it ends.
    const lines = ["predict", "--run", `${folder}/run`, "--input", "-", "--format", "jsonl"];
    const child = command(lines, undefined, undefined, { stdin: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("a\n" + "1\n".repeat(300)));
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assertEquals(JSON.parse(new TextDecoder().decode(value).split("\n")[0]).index, 0);
    await writer.write(new TextEncoder().encode("x\n"));
    await writer.close();
    while (!(await reader.read()).done);
    await child.stderr.cancel();
    assertEquals((await child.status).code, 2);
    const wrong = await cli([...input, "--average", "geometric"]);
    assertEquals([wrong.status, wrong.out], [2, ""]);
    assertStringIncludes(wrong.err, '--average: expected "arithmetic" for numbers, found "geometric".');
  }));

Deno.test("generate goes on with a text, predict says what is expected at each place of one", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.txt`, "abcd ".repeat(400));
    const config = await writeConfig(folder, {
      dataset: { plugin: "text", path: `${folder}/t.txt`, length: 10, order: "lanes" },
      model: [
        { plugin: "embedding", vocabulary: 6, features: 8 },
        { plugin: "lstm", units: 16, stateful: 8 },
        { plugin: "dropout", rate: 0.2 },
        { plugin: "dense", units: 6 },
      ],
      optimizer: { plugin: "adam", learningRate: 0.03 },
      epochs: 8,
      batchSize: 8,
      seed: small.seed,
    });
    const run = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--out", run])).status, 0);
    const greedy = ["generate", "--run", run, "--temperature", "0", "--length", "12"];
    assertEquals((await cli([...greedy, "--prompt", "bc"])).out, "bcd abcd abcd \n");
    const found = await json([...greedy, "--prompt", "bc", "--samples", "3", "--top-k", "2"]);
    assertEquals([found.text, found.prompt, found.topK, found.samples], ["d abcd abcd ", "bc", 2, 3]);
    const child = command([...greedy, "--prompt", "-"], undefined, undefined, { stdin: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("abcd a"));
    await writer.close();
    assertEquals(new TextDecoder().decode((await child.output()).stdout), "abcd abcd abcd abc\n");
    await Deno.writeTextFile(`${folder}/new.txt`, "cd abcd abcd a");
    const rows = await json(["predict", "--run", run, "--input", `${folder}/new.txt`, "--samples", "2"]);
    assertEquals(rows.predictions.map(({ token }) => token).join(""), "cd abcd abcd a");
    assertEquals(rows.predictions.slice(0, -1).map(({ next }) => next).join(""), "d abcd abcd a");
    assertEquals(rows.predictions.slice(1).map(({ prediction }) => prediction).join(""), " abcd abcd ab");
    assertEquals(rows.predictions[13].next, undefined);
    assert((rows.predictions[5].nextProbability as number) > 0.8);
    const refused: [string[], string][] = [
      [
        ["generate", "--prompt", "a€b"],
        '--prompt: expected characters of the text that the model was trained on, found "€"',
      ],
      [["generate", "--temperature=-1"], '--temperature: expected a number of at least 0, found "-1".'],
      [["generate", "--top-k", "0"], "--top-k: expected a whole number of at least 1"],
    ];
    for (const [[name, ...args], message] of refused) {
      const { status, out, err } = await cli([name, "--run", run, ...args]);
      assertEquals([status, out], [2, ""]);
      assertStringIncludes(err, message);
    }
  }));
