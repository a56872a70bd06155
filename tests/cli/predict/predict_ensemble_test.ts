/** `predict --input` and `generate` of an ensemble: what its members say in the mean. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { cli, inFolder, writeConfig } from "../_run.ts";

type Row = Record<string, unknown> & { probabilities: Record<string, number> };

async function json(args: readonly string[]): Promise<Record<string, unknown> & { predictions: Row[] }> {
  const { status, out, err } = await cli([...args, "--json"]);
  assertEquals(status, 0, err);
  return JSON.parse(out);
}

/** What the ensemble of a folder says, and each of its two members. */
async function asked(run: string, args: readonly string[]) {
  const of = (name: readonly string[]) => json(["predict", "--run", run, ...args, ...name]);
  return [await of([]), await of(["--name", "member-0"]), await of(["--name", "member-1"])];
}

function assertMeans([all, ...members]: { predictions: Row[] }[]): void {
  all.predictions.forEach(({ probabilities }, row) =>
    Object.keys(probabilities).forEach((name) => {
      const mean = members.reduce((sum, { predictions }) => sum + predictions[row].probabilities[name] / 2, 0);
      assertAlmostEquals(probabilities[name], mean, 1e-6);
    })
  );
}

Deno.test("predict --input of an ensemble is the mean of its members, with and without passes, and how far they disagree", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 120 }, (_, i) => `${Math.cos(i)},${Math.sin(2 * i)},${i % 3 ? "in" : "out"}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,kind", ...rows].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/t.csv`, target: "kind" },
      model: [{ plugin: "dense", units: 8 }, "relu", { plugin: "dropout", rate: 0.3 }, { plugin: "dense", units: 2 }],
      validation: 0.3,
    });
    const run = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--ensemble", "2", "--out", run])).status, 0);
    await Deno.writeTextFile(`${folder}/new.csv`, "a,b\n0.1,0.9\n2,0.1\n-1,0\n");
    const input = ["--input", `${folder}/new.csv`];
    const once = await asked(run, input);
    assertMeans(once);
    assertEquals(once.map(({ run, members }) => [run, members]), [["run", 2], ["member-0", 1], ["member-1", 1]]);
    assert(once[0].predictions.every((row) => Number(row.mutualInformation) > 0 && Number(row.deviation) > 0));
    assertMeans(await asked(run, [...input, "--samples", "4", "--seed", "3"]));
    const judged = JSON.parse((await cli(["evaluate", "--run", run, "--json"])).out);
    const fitted = await json(["predict", "--run", run, ...input, "--temperature", "fitted"]);
    assertEquals(fitted.temperature, judged.temperature.temperature);
    const refused = await cli(["predict", "--run", run, ...input, "--weight-scaling"]);
    assertEquals([refused.status, refused.out], [2, ""]);
    assertStringIncludes(refused.err, "--weight-scaling: expected a single run, found");
  }));

Deno.test("generate goes on with a text by all members of an ensemble, predict reads a text by all", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.txt`, "abcd ".repeat(100));
    const config = await writeConfig(folder, {
      dataset: { plugin: "text", path: `${folder}/t.txt`, length: 10, order: "lanes" },
      model: [
        { plugin: "embedding", vocabulary: 6, features: 4 },
        { plugin: "lstm", units: 8, stateful: 5 },
        { plugin: "dropout", rate: 0.2 },
        { plugin: "dense", units: 6 },
      ],
      optimizer: { plugin: "adam", learningRate: 0.03 },
      epochs: 1,
      batchSize: 5,
    });
    const run = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--ensemble", "2", "--out", run])).status, 0);
    await Deno.writeTextFile(`${folder}/new.txt`, "cd abcd abcd ab");
    const read = await asked(run, ["--input", `${folder}/new.txt`]);
    assertMeans(read);
    assertMeans(await asked(run, ["--input", `${folder}/new.txt`, "--samples", "2"]));
    const prompt = ["--prompt", "cd abcd abcd ab", "--length", "1", "--temperature", "0"];
    const next = await json(["generate", "--run", run, ...prompt]);
    assertEquals([next.members, next.text], [2, read[0].predictions.at(-1)!.prediction]);
  }));
