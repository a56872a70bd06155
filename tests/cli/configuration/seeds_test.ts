/** Several seeds in one command. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runsOf } from "../../../cli/configuration/runs_of.ts";
import { cli, inFolder, small, writeConfig } from "../_run.ts";

const runs = [{ name: "plain", set: { "model.0.rate": 0, "model.3.rate": 0 } }, { name: "dropout", set: {} }];

interface Told {
  runs: { name: string; seed: number; testError: number; trainError: number }[];
  overSeeds: { name: string; seeds: number; testError: { mean: number; deviation?: number } }[];
}

Deno.test("each run of a configuration is trained with the seeds from its own on", () => {
  const names = (config: Parameters<typeof runsOf>[0]) => runsOf(config).map((run) => [run.name, run.set.seed]);
  assertEquals(names({ runs, seed: 4, seeds: 2 }), [
    ["plain-seed-4", 4],
    ["plain-seed-5", 5],
    ["dropout-seed-4", 4],
    ["dropout-seed-5", 5],
  ]);
  assertEquals(names({ runs: [{ name: "run", set: { seed: 9 } }], seed: 4, seeds: 2 }), [["seed-9", 9], [
    "seed-10",
    10,
  ]]);
  assertEquals(names({ runs, seed: 4 }), [["plain", undefined], ["dropout", undefined]]);
});

Deno.test("--seeds trains every run with each seed, and tells mean and standard deviation", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { runs, epochs: 2 });
    const ran = await cli(["train", "--config", config, "--seeds", "3", "--out", `${folder}/run`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const json: Told = JSON.parse(ran.out);
    assertEquals(json.runs.map((run) => run.seed), [1, 2, 3, 1, 2, 3]);
    for (const [i, { name, seeds, testError }] of json.overSeeds.entries()) {
      assertEquals([name, seeds], [["plain", "dropout"][i], 3]);
      const [a, b, c] = json.runs.slice(3 * i, 3 * i + 3).map((run) => run.testError);
      const mean = (a + b + c) / 3;
      assertAlmostEquals(testError.mean, mean, 1e-12);
      const variance = ((a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2) / 2;
      assertAlmostEquals(testError.deviation!, Math.sqrt(variance), 1e-12);
    }
    // Each is the run of that seed by itself, and is kept.
    const alone = await cli(["train", "--config", config, "--seed", "2", "--out", `${folder}/alone`, "--json"]);
    assertEquals(JSON.parse(alone.out).runs[1].testError, json.runs[4].testError);
    assertEquals(
      await Deno.readFile(`${folder}/run/dropout-seed-2/model.safetensors`),
      await Deno.readFile(`${folder}/alone/dropout/model.safetensors`),
    );
    const predicted = await cli(["predict", "--run", `${folder}/run`, "--name", "plain-seed-3", "--json"]);
    assertEquals(JSON.parse(predicted.out).testError, json.runs[2].testError);
  }));

Deno.test("a run of several seeds goes on, with more seeds if asked, and its table has a line for each variant", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    const out = `${folder}/run`;
    const first = await cli(["train", "--config", config, "--seeds", "2", "--out", out]);
    assertEquals(first.status, 0, first.err);
    assertMatch(first.out, /run +seeds +parameters/);
    assertMatch(first.out, /run +2 .* \d+\.\d\d ± \d+\.\d\d %/);
    const more = await cli(["train", "--resume", out, "--seeds", "3", "--epochs", "2", "--json"]);
    assertEquals(more.status, 0, more.err);
    const whole = await cli([
      "train",
      "--config",
      config,
      "--seeds",
      "3",
      "--epochs",
      "2",
      "--out",
      `${folder}/b`,
      "--json",
    ]);
    const errors = (told: Told) => told.runs.map((run) => [run.name, run.testError, run.trainError]);
    assertEquals(errors(JSON.parse(more.out)), errors(JSON.parse(whole.out)));
    assertEquals(errors(JSON.parse(more.out)).map(([name]) => name), ["seed-1", "seed-2", "seed-3"]);
  }));

Deno.test("--seeds is refused for a run that began without", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    assertEquals((await cli(["train", "--config", config, "--out", `${folder}/run`])).status, 0);
    const ran = await cli(["train", "--resume", `${folder}/run`, "--seeds", "2"]);
    assertEquals(ran.status, 2);
    assertStringIncludes(ran.err, "--seeds: expected nothing beside --resume, unless the run began with it");
  }));

Deno.test("a configuration may ask for early stopping, by a part held back with --validation, and resumes alike", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, {
      epochs: 40,
      observers: [{ plugin: "early-stopping", patience: 2 }],
      optimizer: { plugin: "adam", learningRate: 0.02 },
      dataset: { ...small.dataset, train: 60 },
    });
    const refused = await cli(["train", "--config", config, "--out", `${folder}/none`]);
    assertEquals(refused.status, 2);
    assertStringIncludes(refused.err, "early-stopping.metric: expected a metric that is measured");
    await Deno.lstat(`${folder}/none`).then(() => assert(false, "a folder was left"), () => {});

    const ran = await cli(["train", "--config", config, "--validation", "0.3", "--out", `${folder}/run`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const [run] = JSON.parse(ran.out).runs;
    assert(run.epochs < 40 && run.bestEpoch === run.epochs - 2, JSON.stringify(run));
    const predicted = JSON.parse((await cli(["predict", "--run", `${folder}/run`, "--json"])).out);
    assertEquals(predicted.testError, run.testError);

    const part = ["train", "--config", config, "--validation", "0.3", "--out", `${folder}/part`, "--json"];
    assertEquals((await cli([...part, "--epochs", "2"])).status, 0);
    const resumed = await cli(["train", "--resume", `${folder}/part`, "--epochs", "40", "--json"]);
    assertEquals([JSON.parse(resumed.out).runs[0].bestEpoch, JSON.parse(resumed.out).runs[0].testError], [
      run.bestEpoch,
      run.testError,
    ]);
  }));
