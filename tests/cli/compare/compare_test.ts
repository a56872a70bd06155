/** Whole comparisons, small ones. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli, command, inFolder, writeConfig } from "../_run.ts";

const quick = ["--variants", "dropout,dropout:rate=0.95,gaussian-dropout", "--settings", "2", "--finalists", "2"];

const json = async (path: string) => JSON.parse(await Deno.readTextFile(path));
const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);

Deno.test("a hopeless variant is left behind first, and the others end with figures of all seeds and runs of their own", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 8, dataset: { plugin: "digits", train: 400, test: 200 } });
    const out = `${folder}/out`;
    const ran = await cli(["compare", "--config", config, ...quick, "--seeds", "2", "--out", out, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const told = JSON.parse(ran.out);
    assertEquals([told.complete, told.epochs, told.seeds, told.validationExamples], [true, 8, [1, 2], 80]);
    const [none, first, second, left] = told.variants;
    assertEquals(told.variants.length, 4);
    assertEquals([none.name, none.options, none.againstNone], ["none", {}, null]);
    assertEquals([first.name, second.name].sort(), ["dropout", "gaussian-dropout"]);
    assertEquals([left.name, left.afterRound, left.epochs], ["dropout:rate=0.95", 1, 4]);
    assert(left.validationError > left.bestValidationError);
    assert(!("testError" in left)); // it had no part in any decision, and is not told

    // The figures are those of the runs, and the runs are those that train makes.
    const metrics = async (run: string) =>
      JSON.parse((await Deno.readTextFile(`${out}/${run}/metrics.jsonl`)).trim().split("\n").at(-1)!);
    for (const variant of [none, first, second]) {
      const runs = await Promise.all(variant.runs.map(metrics));
      const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      assertEquals(variant.testError.mean, mean(runs.map(({ testError }) => testError)));
      assertEquals(variant.gap.mean, mean(runs.map(({ testError, trainError }) => testError - trainError)));
      assert(Math.abs(variant.negativeLogLikelihood.mean - mean(runs.map(({ testLoss }) => testLoss))) < 1e-5);
      assert(variant.step.stepMs > 0 && variant.step.ratio > 0 && variant.step.keptBytes > 4 * 784 * 24);
    }
    // Parameters and velocity, to the byte.
    assertEquals(none.step.keptBytes, 2 * 4 * (784 * 24 + 24 + 24 * 10 + 10));
    const again = await cli(["train", "--config", `${out}/config.json`, "--out", `${folder}/again`]);
    assertEquals(again.status, 0, again.err);
    for (const run of [...none.runs, ...first.runs]) {
      assertEquals(
        await Deno.readFile(`${out}/${run}/model.safetensors`),
        await Deno.readFile(`${folder}/again/${run}/model.safetensors`),
      );
    }
    assert(!await exists(`${out}/rounds/dropout-rate_0_95-0/checkpoint-28`)); // its space is given back
    assert(await exists(`${out}/rounds/dropout-rate_0_95-0/metrics.jsonl`));
    assert(!await exists(`${out}/rounds/none-0`)); // what went on was not begun anew
    assert(await exists(`${out}/report.html`) && await exists(`${out}/${first.runs[1]}/observations.jsonl`), ran.err);
    const predicted = await cli(["evaluate", "--run", out, "--name", first.runs[0], "--json"]);
    assertEquals(predicted.status, 0, predicted.err);
    const scores = JSON.parse(predicted.out).scores;
    const { results } = await json(`${out}/compare.json`);
    const result = results.find((one: { variant: string; seed: number; round: number }) =>
      one.variant === first.name && one.seed === 1 && one.round === 2
    );
    assertEquals(scores.negativeLogLikelihood, result.negativeLogLikelihood);
  }));

Deno.test("a comparison stopped by Ctrl-C repeats no training, and comes to the same bits as one that was not", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 60 });
    const args = ["compare", "--config", config, ...quick, "--seeds", "1"];
    const whole = await cli([...args, "--out", `${folder}/whole`]);
    assertEquals(whole.status, 0, whole.err);
    for (
      const word of ["variant", "best options", "test error", "gap", "NLL", "memory", "left behind", "seed by seed"]
    ) {
      assertStringIncludes(whole.out, word);
    }

    const out = `${folder}/stopped`;
    const process = command([...args, "--out", out]).spawn();
    // Stops inside of a training: as soon as that has measured some epochs.
    for (;;) {
      const lines = await Deno.readTextFile(`${out}/rounds/gaussian-dropout-0/metrics.jsonl`).catch(() => "");
      if (lines.split("\n").length > 3) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    process.kill("SIGINT");
    const { code, stderr } = await process.output();
    const err = new TextDecoder().decode(stderr);
    assertEquals(code, 130, err);
    assertStringIncludes(err, `compare --resume ${out}`);
    const before = (await json(`${out}/compare.json`)).results;
    assert(before.length >= 4, err);

    const refused = await cli(["compare", "--resume", out, "--seeds", "2"]);
    assertEquals(refused.status, 2, refused.err);
    assertMatch(refused.err, /--seeds: expected nothing beside --resume/);
    const resumed = await cli(["compare", "--resume", out]);
    assertEquals(resumed.status, 0, resumed.err);
    const trained = (text: string) => text.match(/validation error .* after/g)?.length ?? 0;
    assertEquals(trained(err) + trained(resumed.err), trained(whole.err));
    const [ours, theirs] = [await json(`${out}/compare.json`), await json(`${folder}/whole/compare.json`)];
    assertEquals(ours.results, theirs.results);
    assertEquals(ours.results.slice(0, before.length), before);
    for (const run of ["none-seed-1", "dropout-seed-1", "gaussian-dropout-seed-1"]) {
      assertEquals(
        await Deno.readFile(`${out}/${run}/model.safetensors`),
        await Deno.readFile(`${folder}/whole/${run}/model.safetensors`),
        run,
      );
    }
    // What is finished is told again, and nothing trained.
    const told = await cli(["compare", "--resume", out]);
    assertEquals([told.status, trained(told.err)], [0, 0]);
    assertEquals(told.out, resumed.out);
  }));

Deno.test("trainings that diverge end a comparison no sooner, and have no figures", () =>
  inFolder(async (folder) => {
    const learningRate = { plugin: "step", from: 0.1, factor: 1e15, every: 2 };
    const config = await writeConfig(folder, { optimizer: { plugin: "sgd", learningRate }, epochs: 4 });
    const args = ["--variants", "dropout", "--settings", "2", "--seeds", "1", "--budget", "1h"];
    const ran = await cli(["compare", "--config", config, ...args, "--out", `${folder}/out`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const { complete, variants } = JSON.parse(ran.out);
    const figures = variants.map((one: Record<string, unknown>) => [one.name, one.diverged, one.testError]);
    assertEquals([complete, figures], [true, [["none", 1, null], ["dropout", 1, null]]]);
  }));

Deno.test("what is wrong with a comparison is told in a sentence, with status 2, and nothing is written", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    const out = `${folder}/out`;
    const wrong: [string[], RegExp][] = [
      [["--variants", "dropot"], /--variants: .*did you mean "dropout"\?/],
      [["--variants", "spatial-dropout"], /--variants: spatial-dropout does not fit the model: model\.0 .*expected/],
      [["--budget", "0.001s"], /--budget: expected at least .* for 3 epochs of a full training/],
    ];
    for (const [args, expected] of wrong) {
      const ran = await cli(["compare", "--config", config, ...args, "--out", out]);
      assertEquals(ran.status, 2, ran.err);
      assertMatch(ran.err.trim().split("\n").at(-1)!, expected);
      assert(!await exists(out));
    }
    await Deno.mkdir(out);
    await Deno.writeTextFile(`${out}/compare.json`, "{}");
    const none = await cli(["compare", "--resume", folder]);
    assertEquals(none.status, 2, none.err);
    assertMatch(none.err, /--resume: expected the folder of a comparison/);
    const other = await cli(["compare", "--resume", out]);
    assertEquals(other.status, 2, other.err);
    assertMatch(other.err, /compare\.json: expected a comparison, found something else/);
    for (const name of ["train", "compare"]) {
      const taken = await cli([name, "--config", config, "--out", out]);
      assertEquals(taken.status, 2, taken.err);
      assertMatch(taken.err, /--out: expected a folder without a run/);
    }
  }));
