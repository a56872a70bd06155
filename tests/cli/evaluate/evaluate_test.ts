/** `evaluate` judges a run as it was measured. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { reliability } from "../../../cli/evaluate/_reliability.ts";
import { calibration } from "../../../mod.ts";
import { cli, inFolder, writeConfig } from "../_run.ts";

Deno.test("evaluate gives the error and the loss that train measured, and keeps the temperature", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { validation: 0.2, epochs: 2 });
    const out = `${folder}/run`;
    const [trained] = JSON.parse((await cli(["train", "--config", config, "--out", out, "--json"])).out).runs;
    const ran = await cli(["evaluate", "--run", out, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const once = JSON.parse(ran.out);
    assertEquals([once.samples, once.passes, once.members, once.examples, once.part], [0, 1, 1, 200, "test"]);
    assertAlmostEquals(once.scores.error, trained.testError, 1e-12);
    assertAlmostEquals(once.scores.negativeLogLikelihood, trained.testLoss, 1e-5);
    assertEquals(once.scores.calibration.width.bins.length, 15);
    assertEquals(once.temperature.validationExamples, 40);
    assert(once.temperature.negativeLogLikelihood <= once.temperature.before);
    assertAlmostEquals(once.temperature.before, trained.validationLoss, 1e-5);
    assertAlmostEquals(once.temperature.scores.error, trained.testError, 1e-12);
    const foreign = ["--foreign", "shuffled", "--samples", "5"];
    const many = JSON.parse((await cli(["evaluate", "--run", out, ...foreign, "--json"])).out);
    assert(many.scores.mutualInformation > 0 && many.foreign.examples === 200);
    assert(many.foreign.entropy > 0.6, `AUROC ${many.foreign.entropy}`);
    const kept = JSON.parse(await Deno.readTextFile(`${out}/temperatures.json`)).temperatures;
    assertEquals(
      kept.map((entry: { samples: number; temperature: number }) => [entry.samples, entry.temperature]),
      [[0, once.temperature.temperature], [5, many.temperature.temperature]],
    );
    const told = await cli(["evaluate", "--run", out, "--part", "validation", "--bins", "4"]);
    assertMatch(told.out, /40 validation examples, one pass, dropout off/);
    for (
      const text of ["calibration error, bins of equal mass", "at temperature", "0.00 to 0.25", "accuracy of the rest"]
    ) {
      assertStringIncludes(told.out, text);
    }
  }));

Deno.test("evaluate says why there is no temperature, and refuses what it cannot do in a sentence", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    const out = `${folder}/run`;
    await cli(["train", "--config", config, "--out", out]);
    const { temperature } = JSON.parse((await cli(["evaluate", "--run", out, "--json"])).out);
    assertStringIncludes(temperature.reason, "no validation part");
    for (
      const [args, message] of [
        [["--part", "validation"], "--part"],
        [["--foreign", "digts"], 'did you mean "digits"'],
        [["--foreign", "{}"], "a data set in JSON"],
        [["--foreign", '{"plugin":"uci","data":"/nowhere"}'], "nowhere"],
        [["--noise", "2"], "--noise: expected nothing for a run that predicts classes"],
        [["--samples", "x"], "--samples: expected a whole number"],
        [["--name", "other"], "--name: expected one of the runs run"],
      ] as const
    ) {
      const ran = await cli(["evaluate", "--run", out, ...args]);
      assertEquals([ran.status, ran.out], [2, ""], ran.err);
      assertStringIncludes(ran.err, message);
    }
    const names = [...Deno.readDirSync(out)].map(({ name }) => name);
    assert(!names.includes("temperatures.json"));
  }));

Deno.test("evaluate judges predicted numbers in the targets' units", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 200 }, (_, i) => [i % 20, 1000 * (i % 20) + 100 * (i * 37 % 11)]);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,y", ...rows.map((row) => row.join(","))].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/t.csv`, target: "y" },
      model: [{ plugin: "dense", units: 16 }, { plugin: "relu" }, { plugin: "dropout", rate: 0.1 }, {
        plugin: "dense",
        units: 1,
      }],
      validation: 0.2,
      epochs: 20,
    });
    const out = `${folder}/run`;
    const [trained] = JSON.parse((await cli(["train", "--config", config, "--out", out, "--json"])).out).runs;
    const once = JSON.parse((await cli(["evaluate", "--run", out, "--json"])).out);
    assertAlmostEquals(once.error, trained.testError, 1e-3);
    assertEquals(once.noise.from, "validation");
    const many = JSON.parse((await cli(["evaluate", "--run", out, "--samples", "20", "--json"])).out);
    assert(many.scores.deviation ** 2 > many.noise.variance[0]);
    assertEquals(many.scores.coverage.length, 4);
    const laplace = JSON.parse(
      (await cli(["evaluate", "--run", out, "--laplace", "full", "--samples", "9", "--json"])).out,
    );
    assert(laplace.noise.from === "given" && laplace.scores.deviation ** 2 > laplace.noise.variance[0]);
    // In one pass, the weights' variance stands beside that of the noise: as that of many draws does.
    const closed = JSON.parse((await cli(["evaluate", "--run", out, "--laplace", "full", "--json"])).out);
    assert(closed.scores.deviation ** 2 > closed.noise.variance[0]);
    assertAlmostEquals(closed.scores.deviation / laplace.scores.deviation, 1, 0.05);
    const told = await cli(["evaluate", "--run", out, "--noise", "160000"]);
    assertStringIncludes(told.out, "Variance of the noise: 160,000, as given.");
  }));

Deno.test("evaluate --laplace predicts by the last layer's approximation, in one pass and by draws", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { validation: 0.2, epochs: 4 });
    const out = `${folder}/run`;
    await cli(["train", "--config", config, "--out", out]);
    const ask = async (...more: string[]) => JSON.parse((await cli(["evaluate", "--run", out, ...more, "--json"])).out);
    const plain = await ask();
    const probit = await ask("--laplace", "kronecker");
    assert(probit.laplace.priorPrecision > 0 && probit.passes === 1);
    assert(probit.scores.entropy > plain.scores.entropy);
    const drawn = await ask("--laplace", "full", "--samples", "10");
    assert(drawn.passes === 10 && drawn.scores.mutualInformation > 0);
    // The temperature that is kept is that of the run itself.
    const { temperatures } = JSON.parse(await Deno.readTextFile(`${out}/temperatures.json`));
    assertEquals(temperatures.map(({ temperature }: { temperature: number }) => temperature), [
      plain.temperature.temperature,
    ]);
    const wrong = await cli(["evaluate", "--run", out, "--laplace", "ful"]);
    assertEquals([wrong.status, wrong.out], [2, ""]);
    assertStringIncludes(wrong.err, 'did you mean "full"');
  }));

Deno.test("evaluate --mixability says how the error grows as units are removed, and which depend on each other", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 2 });
    const out = `${folder}/run`;
    const [trained] = JSON.parse((await cli(["train", "--config", config, "--out", out, "--json"])).out).runs;
    const ran = await cli(["evaluate", "--run", out, "--mixability", "2", "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const { mixability, examples } = JSON.parse(ran.out);
    assertEquals([examples, mixability.draws, mixability.curve.length], [200, 2, 10]);
    assertAlmostEquals(mixability.whole.error, trained.testError, 1e-12);
    assert(mixability.curve[9].loss.mean > mixability.whole.loss && mixability.pairs.length > 0);
    const told = await cli(["evaluate", "--run", out, "--mixability", "2"]);
    for (const text of ["removed", "hidden units:", "interaction"]) assertStringIncludes(told.out, text);
    for (const other of [["--mixability", "1"], ["--mixability", "2", "--samples", "5"]]) {
      const refused = await cli(["evaluate", "--run", out, ...other]);
      assertEquals([refused.status, refused.out], [2, ""], refused.err);
    }
  }));

Deno.test("a reliability diagram has a bar as long as the accuracy, and a mark at the confidence", () => {
  const probabilities = [[0.8, 0.2], [0.8, 0.2], [0.6, 0.4], [0.6, 0.4]];
  const drawn = reliability(calibration(probabilities, [0, 1, 0, 0], { bins: 2 })).split("\n");
  assertEquals(drawn.length, 3);
  assertStringIncludes(drawn[1], `0.50 to 1.00 ${"█".repeat(35)}|${"█".repeat(2)}`);
  const [low] = reliability(calibration(probabilities, [1, 1, 1, 0], { bins: 2 })).split("\n").slice(1);
  assertStringIncludes(low, `${"█".repeat(13)}${"·".repeat(22)}|`);
  assertStringIncludes(low, "0.250");
});
