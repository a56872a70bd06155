import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli, command, inFolder, small, writeConfig } from "./_run.ts";

Deno.test("train --json prints exactly one object, with the documented fields", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    const ran = await cli(["train", "--config", config, "--out", `${folder}/run`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const json = JSON.parse(ran.out);
    // There is a warning, too, where nothing is compiled.
    const fields = Object.keys(json).filter((field) => field !== "warning");
    assertEquals(fields, ["dataset", "backend", "blas", "threads", "seed", "out", "runs"]);
    assertEquals(json.dataset, "digits");
    assertEquals(json.seed, 1);
    assertEquals(json.runs.length, 1);
    const run = json.runs[0];
    assertEquals(Object.keys(run), [
      "name",
      "parameters",
      "epochs",
      "trainError",
      "testError",
      "trainLoss",
      "testLoss",
      "secondsPerEpoch",
      "stepMs",
    ]);
    assertEquals(run.parameters, 784 * 24 + 24 + 24 * 10 + 10);
    assertEquals(run.epochs, 3);
    assert(run.testError > 0 && run.testError < 1);
    const lines = (await Deno.readTextFile(`${folder}/run/metrics.jsonl`)).trim().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).epoch), [1, 2, 3]);
    assertEquals(JSON.parse(lines[2]).testError, run.testError);
    assert((await Deno.stat(`${folder}/run/model.safetensors`)).isFile);
  }));

Deno.test("train without --json ends with a table of all runs and their curves", () =>
  inFolder(async (folder) => {
    const runs = [{ name: "plain", set: { "model.0.rate": 0, "model.3.rate": 0 } }, { name: "dropout" }];
    const config = await writeConfig(folder, { runs });
    const ran = await cli(["train", "--config", config, "--out", `${folder}/run`]);
    assertEquals(ran.status, 0, ran.err);
    for (const word of ["train error", "test error", "gap", "time a step", "plain", "dropout"]) {
      assertStringIncludes(ran.out, word);
    }
    assert((await Deno.stat(`${folder}/run/plain/metrics.jsonl`)).isFile);
    assert((await Deno.stat(`${folder}/run/dropout/metrics.jsonl`)).isFile);
  }));

Deno.test("train says how many weights are left where a variant zeroes them for good", () =>
  inFolder(async (folder) => {
    const weight = { plugin: "sparse-variational-dropout", logVariance: 30 };
    const model = [{ plugin: "dense", units: 5, weight }, { plugin: "relu" }, { plugin: "dense", units: 10 }];
    const config = await writeConfig(folder, { model, epochs: 1 });
    const json = await cli(["train", "--config", config, "--out", `${folder}/a`, "--json"]);
    assertEquals(json.status, 0, json.err);
    // What is infinite has no number in JSON.
    assertEquals(JSON.parse(json.out).runs[0].sparsity, {
      weights: 3920,
      kept: 0,
      sparsity: 1,
      compression: null,
      layers: [{ path: "0.weight", weights: 3920, kept: 0, sparsity: 1 }],
    });
    const set = ["--set", "model.0.weight.logVariance=-30"];
    const text = await cli(["train", "--config", config, ...set, "--out", `${folder}/b`]);
    assertEquals(text.status, 0, text.err);
    assertMatch(text.out, /0\.weight +3,920 +3,920 +0\.00 %/);
    assertMatch(text.out, /1\.0 times fewer weights/);
  }));

Deno.test("the written config.json trains the same bits again", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    const first = await cli(["train", "--config", config, "--set", "model.3.rate=0.25", "--out", `${folder}/a`]);
    assertEquals(first.status, 0, first.err);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/a/config.json`));
    assertEquals(written.model[3].rate, 0.25);
    const second = await cli(["train", "--config", `${folder}/a/config.json`, "--out", `${folder}/b`]);
    assertEquals(second.status, 0, second.err);
    assertEquals(
      await Deno.readFile(`${folder}/a/model.safetensors`),
      await Deno.readFile(`${folder}/b/model.safetensors`),
    );
  }));

Deno.test("a run stopped by Ctrl-C ends with a checkpoint, says how to resume, and resumes to the same bits", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 60 });
    const whole = await cli(["train", "--config", config, "--out", `${folder}/whole`]);
    assertEquals(whole.status, 0, whole.err);

    const process = command(["train", "--config", config, "--out", `${folder}/stopped`]).spawn();
    const metrics = `${folder}/stopped/metrics.jsonl`;
    // Stops as soon as some epochs are done; the step at which it does is up to the machine.
    for (;;) {
      const lines = (await Deno.readTextFile(metrics).catch(() => "")).split("\n").length;
      if (lines > 3) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    process.kill("SIGINT");
    const { code, stderr } = await process.output();
    const err = new TextDecoder().decode(stderr);
    assertEquals(code, 130, err);
    assertStringIncludes(err, `--resume ${folder}/stopped`);
    const report = () => Deno.readTextFile(`${folder}/stopped/report.html`);
    assertStringIncludes(await report(), '"interrupted":true');

    const resumed = await cli(["train", "--resume", `${folder}/stopped`]);
    assertEquals(resumed.status, 0, resumed.err);
    assertEquals(
      await Deno.readFile(`${folder}/stopped/model.safetensors`),
      await Deno.readFile(`${folder}/whole/model.safetensors`),
    );
    assertStringIncludes(await report(), '"epochs":{"done":60,"of":60},"interrupted":false');
    const errors = async (run: string) =>
      (await Deno.readTextFile(`${folder}/${run}/metrics.jsonl`)).trim().split("\n")
        .map((line) => JSON.parse(line)).map(({ epoch, testLoss, runningLoss }) => [epoch, testLoss, runningLoss]);
    assertEquals(await errors("stopped"), await errors("whole"));
  }));

Deno.test("predict agrees with the run's own test error, and averages passes with --samples", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    const trained = await cli(["train", "--config", config, "--out", `${folder}/run`, "--json"]);
    const { testError } = JSON.parse(trained.out).runs[0];
    const plain = JSON.parse((await cli(["predict", "--run", `${folder}/run`, "--json"])).out);
    assertEquals(plain.testError, testError);
    assertEquals(plain.predictions.length, 10);
    assert(plain.predictions.every((p: { deviation: number }) => p.deviation === 0));
    const sampled = JSON.parse(
      (await cli(["predict", "--run", `${folder}/run`, "--samples", "8", "--limit", "3", "--json"])).out,
    );
    assertEquals(sampled.samples, 8);
    assertEquals(sampled.predictions.length, 3);
    assert(sampled.predictions.some((p: { deviation: number }) => p.deviation > 0));
  }));

Deno.test("predict reads a text's pieces, with a prediction for each of their places", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/text.txt`, "to be or not to be, ".repeat(40));
    for (const order of ["lanes", "shuffled"]) {
      const config = await writeConfig(folder, {
        dataset: { plugin: "text", path: `${folder}/text.txt`, length: 4, testFraction: 0.3, order },
        model: [
          { plugin: "embedding", vocabulary: 9, features: 4 },
          { plugin: "lstm", units: 5, ...(order === "lanes" ? { stateful: 16 } : {}) },
          { plugin: "dropout", rate: 0.3 },
          { plugin: "dense", units: 9 },
        ],
        batchSize: 16,
        epochs: 1,
      });
      const trained = await cli(["train", "--config", config, "--out", `${folder}/${order}`, "--json"]);
      assertEquals(trained.status, 0, trained.err);
      const { testError } = JSON.parse(trained.out).runs[0];
      const plain = await cli(["predict", "--run", `${folder}/${order}`, "--json"]);
      assertEquals(plain.status, 0, plain.err);
      assert(Math.abs(JSON.parse(plain.out).testError - testError) < 1e-12);
      const sampled = await cli(["predict", "--run", `${folder}/${order}`, "--samples", "3", "--limit", "6", "--json"]);
      const { predictions } = JSON.parse(sampled.out);
      assertEquals(predictions.map((p: { position: number }) => p.position), [0, 1, 2, 3, 0, 1]);
      assert(predictions.every((p: { deviation: number }) => p.deviation > 0));
    }
  }));

Deno.test("predict of a regression with a variance of its own shows the means", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 5},${(i % 7) - 0.3 * (i % 5)}`);
    await Deno.writeTextFile(`${folder}/table.csv`, ["a,b,target", ...rows].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/table.csv`, target: "target", classes: false, standardize: true },
      model: [{ plugin: "dense", units: 8 }, { plugin: "dropout", rate: 0.1 }, { plugin: "dense", units: 2 }],
      loss: { plugin: "gaussian-nll" },
      optimizer: { plugin: "adam" },
      batchSize: 10,
    });
    const trained = await cli(["train", "--config", config, "--out", `${folder}/run`, "--json"]);
    assertEquals(trained.status, 0, trained.err);
    const { testError } = JSON.parse(trained.out).runs[0];
    const plain = await cli(["predict", "--run", `${folder}/run`, "--json"]);
    assertEquals(plain.status, 0, plain.err);
    const found = JSON.parse(plain.out);
    assert(Math.abs(found.testError - testError) < 1e-4 * testError, `${found.testError}, ${testError}`);
    assertEquals(found.predictions[0].prediction.length, 1);
  }));

Deno.test("a plugin of the user's is loaded from the configuration's folder", () =>
  inFolder(async (folder) => {
    const core = new URL("../../core/mod.ts", import.meta.url).href;
    await Deno.writeTextFile(
      `${folder}/halve.ts`,
      `import { definePlugin } from "${core}";
       import { z } from "${import.meta.resolve("zod")}";
       export const halve = definePlugin({ name: "halve", options: z.object({}), activation: (x) => x.mul(0.5) });`,
    );
    const model = [{ plugin: "halve" }, ...small.model];
    const config = await writeConfig(folder, { model, plugins: ["./halve.ts"], epochs: 1 });
    const ran = await cli(["train", "--config", config, "--out", `${folder}/run`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
  }));

Deno.test("plugins lists every built-in plugin with its options, and shows one", async () => {
  const all = JSON.parse((await cli(["plugins", "--json"])).out);
  const dropout = all.plugins.find((plugin: { name: string }) => plugin.name === "dropout");
  assertEquals(dropout.roles, ["activation"]);
  assertEquals(dropout.options[0].name, "rate");
  assertEquals(dropout.options[0].default, 0.5);
  const one = await cli(["plugins", "dropout"]);
  assertMatch(one.out, /rate +probability of dropping.*\n.*\(default: 0\.5\)/);
});

Deno.test("computing on the slow backend unasked is told before, and below the table, with the reason", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys=hostname"];
    const run = (args: string[]) => cli(["train", "--config", config, ...args], permissions);
    const warning = /Computed in plain TypeScript, many times slower than in C: .*--allow-ffi/;
    const ran = await run(["--out", `${folder}/a`]);
    assertEquals(ran.status, 0, ran.err);
    assertMatch(ran.err, warning);
    assertMatch(ran.out, warning);
    assertMatch(JSON.parse((await run(["--out", `${folder}/b`, "--json"])).out).warning, warning);
    const asked = await run(["--out", `${folder}/c`, "--backend", "reference"]);
    assertEquals([asked.status, warning.test(asked.out + asked.err)], [0, false]);
  }));

Deno.test("a character model is trained with options from --set alone, and goes on to more epochs", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/verse.txt`, "the quick brown fox jumps over the lazy dog. ".repeat(60));
    const sets = ["dataset.length=16", "model.2.units=24", "model.1.rate=0.1", "optimizer.learningRate=0.02"];
    const args = ["train", "--dataset", "text", "--data", `${folder}/verse.txt`, "--epochs", "2", "--seed", "3"];
    const out = `${folder}/run`;
    const ran = await cli([...args, ...sets.flatMap((set) => ["--set", set]), "--out", out, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const written = JSON.parse(await Deno.readTextFile(`${out}/config.json`));
    assertEquals([written.dataset.length, written.model[2].units, written.seed], [16, 24, 3]);
    const resumed = await cli(["train", "--resume", out, "--epochs", "4", "--json"]);
    assertEquals(resumed.status, 0, resumed.err);
    const [before, after] = [ran, resumed].map(({ out }) => JSON.parse(out).runs[0]);
    assertEquals([before.epochs, after.epochs], [2, 4]);
    assert(after.testLoss < before.testLoss, `${before.testLoss}, ${after.testLoss}`);
  }));
