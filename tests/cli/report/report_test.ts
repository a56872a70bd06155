/** Reports that the command line writes: at the end of training, and anew. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import type { ReportData, RunReport } from "../../../cli/report/report_data.ts";
import { cli, inFolder, writeConfig } from "../_run.ts";

/** What stands in a report. */
async function read(path: string): Promise<ReportData> {
  const [, json] = /id="report-data">(.*?)<\/script>/s.exec(await Deno.readTextFile(path))!;
  return JSON.parse(json);
}

const metrics = async (folder: string) =>
  (await Deno.readTextFile(`${folder}/metrics.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));

/** That what a run says of its test examples is what was measured. */
function checkJudgement(run: RunReport): void {
  const { testError, testLoss } = run.history.at(-1)!;
  const counts = run.confusion!.counts;
  const all = counts.flat().reduce((a, b) => a + b);
  const right = counts.reduce((sum, row, i) => sum + row[i], 0);
  assertEquals(all, run.dataset.test);
  assertAlmostEquals(1 - right / all, testError!, 1e-12);
  assertAlmostEquals(run.reliability!.error, testError!, 1e-12);
  assertAlmostEquals(run.reliability!.negativeLogLikelihood!, testLoss!, 1e-4);
  assertEquals(run.reliability!.bins.reduce((sum, { count }) => sum + count, 0), all);
  const losses = run.mistakes!.map(({ loss }) => loss!);
  assertEquals(losses, losses.toSorted((a, b) => b - a));
  assertEquals(losses.length, Math.min(16, all - right));
  for (const { truth, said, image, size, probability, truthProbability } of run.mistakes!) {
    assert(truth !== said && probability! >= truthProbability!);
    assert(image!.startsWith("data:image/png;base64,"));
    assertEquals(size, [28, 28]);
  }
}

Deno.test("train ends with a report of each run and one of all, whose numbers are those of the run's files", () =>
  inFolder(async (folder) => {
    const runs = [{ name: "plain", set: { "model.0.rate": 0, "model.3.rate": 0 } }, { name: "dropout" }];
    const config = await writeConfig(folder, { runs, description: "</script> & more" });
    const out = `${folder}/run`;
    const ran = await cli(["train", "--config", config, "--out", out]);
    assertEquals(ran.status, 0, ran.err);
    assertStringIncludes(ran.err, `Report: ${out}/report.html`);
    const all = await read(`${out}/report.html`);
    assertEquals(all.runs.map(({ name }) => name), ["plain", "dropout"]);
    for (const run of all.runs) {
      assertEquals(run.history, await metrics(`${out}/${run.name}`));
      assertEquals((await read(`${out}/${run.name}/report.html`)).runs, [run]);
      assertEquals([run.description, run.epochs, run.interrupted], ["</script> & more", { done: 3, of: 3 }, false]);
      assertEquals(run.features!.tiles.length, 24);
      assertEquals(run.observed[0], 1);
      assertEquals(run.observed.at(-1), 3);
      for (const { asked, realised } of run.sites) {
        assertEquals(
          [asked.length, realised.length],
          run.observed.map(() => run.observed.length).slice(0, 2),
        );
      }
      assertAlmostEquals(run.time.steps, run.history.reduce((sum, { seconds }) => sum + seconds, 0));
      const parts = run.time.kernels!;
      assert(parts.some(({ kind }) => kind === "products") && parts.every(({ ms }) => ms >= 0));
      assertEquals(parts, parts.toSorted((a, b) => b.ms - a.ms));
      assertEquals(parts.some(({ kind }) => kind === "masks"), run.name === "dropout");
      checkJudgement(run);
    }
    const [plain, dropped] = all.runs;
    assertEquals(plain.uncertainty, undefined);
    assertEquals(dropped.uncertainty!.passes, 20);
    assertEquals(dropped.sites.map(({ path, asked }) => [path, asked.at(-1)]), [["0", 0.2], ["3", 0.5]]);
    assert(dropped.weights[0].maxNorm!.limit.every((limit) => limit === 3));
    assertEquals(dropped.layers.map(({ path, units }) => [path, units]), [["2", 24]]);

    // Anew, from what is in the folder; beside itself, under names that tell them apart.
    await Deno.remove(`${out}/report.html`);
    const anew = await cli(["report", "--run", out, "--json"]);
    assertEquals(anew.status, 0, anew.err);
    const told = JSON.parse(anew.out);
    assertEquals(told.report, `${out}/report.html`);
    assertEquals(
      told.runs.map((run: { testError: number }) => run.testError),
      all.runs.map((run) => run.history[2].testError),
    );
    const { runs: again } = await read(`${out}/report.html`);
    const same = ({ backend: _, time: { kernels: __, ...time }, ...run }: RunReport) => ({ ...run, time });
    assertEquals(again.map(same), all.runs.map(same));
  }));

Deno.test("a run without classes has no confusion, and shows the rows that it predicts worst in the targets' units", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 80 }, (_, i) => `${i % 7},${i % 3 === 0 ? "red" : "blue"},${10 * (i % 7) + 5}`);
    await Deno.writeTextFile(`${folder}/table.csv`, `size,colour,price\n${rows.join("\n")}\n`);
    const config = `${folder}/given.json`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        dataset: { plugin: "csv", path: `${folder}/table.csv`, target: "price", standardize: true },
        model: [{ plugin: "dense", units: 8 }, "relu", { plugin: "dropout", rate: 0.1 }, { plugin: "dense", units: 1 }],
        optimizer: { plugin: "sgd", learningRate: 0.05 },
        epochs: 2,
        batchSize: 20,
      }),
    );
    const out = `${folder}/run`;
    const ran = await cli(["train", "--config", config, "--out", out, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const { runs: [run] } = await read(`${out}/report.html`);
    assertEquals([run.classification, run.confusion, run.reliability, run.uncertainty], [
      false,
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(run.history, await metrics(out));
    assertEquals(run.dataset.classes, []);
    const [worst] = run.mistakes!;
    assertEquals(worst.row!.map(([name]) => name), ["size", "colour"]);
    const [size, colour] = worst.row!.map(([, value]) => value);
    assertEquals(Number(worst.truth), 10 * Number(size) + 5);
    assert(["red", "blue"].includes(colour), colour);
    assertAlmostEquals((Number(worst.said) - Number(worst.truth)) ** 2, worst.loss!, 0.02 * worst.loss! + 0.1);

    // Two folders side by side are called by their names; a page in no folder is a mistake.
    const other = await cli(["train", "--config", config, "--seed", "7", "--out", `${folder}/other`]);
    assertEquals(other.status, 0, other.err);
    const both = await cli(["report", "--run", out, "--run", `${folder}/other`, "--out", `${folder}/both.html`]);
    assertEquals(both.status, 0, both.err);
    assertEquals((await read(`${folder}/both.html`)).runs.map(({ name, seed }) => [name, seed]), [["run", 0], [
      "other",
      7,
    ]]);
    const wrong = await cli(["report", "--run", out, "--out", `${folder}/nowhere/both.html`]);
    assertEquals(wrong.status, 2);
    assertStringIncludes(wrong.err, "--out: expected a file in a folder that exists");
  }));

Deno.test("a run whose report cannot be written is trained all the same, and says so in a line", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    const out = `${folder}/run`;
    await Deno.mkdir(`${out}/report.html/in-the-way`, { recursive: true });
    const ran = await cli(["train", "--config", config, "--out", out]);
    assertEquals(ran.status, 0, ran.err);
    assertStringIncludes(ran.err, "There is no report: ");
    assert((await Deno.stat(`${out}/model.safetensors`)).isFile);
    assertEquals(Array.from(Deno.readDirSync(out)).filter(({ name }) => name.endsWith(".tmp")), []);
  }));
