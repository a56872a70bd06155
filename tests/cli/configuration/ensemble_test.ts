/** Ensembles on the command line. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { namedRuns } from "../../../cli/run/open_run.ts";
import { parseConfig } from "../../../cli/configuration/config.ts";
import { runsOf } from "../../../cli/configuration/runs_of.ts";
import { cli, inFolder, small, writeConfig } from "../_run.ts";

Deno.test("each run of a configuration with an ensemble is its members, with the seeds from its own on", () => {
  const told = (config: Parameters<typeof runsOf>[0]) =>
    runsOf(config).map(({ name, seed, ensemble }) => [name, seed, ensemble?.name]);
  assertEquals(told({ runs: [{ name: "run", set: {} }], seed: 4, ensemble: 2 }), [
    ["member-0", 4, "run"],
    ["member-1", 5, "run"],
  ]);
  // One run of several may be an ensemble, and the others not; each seed of an ensemble begins behind the one before.
  const runs = [{ name: "plain", set: {} }, { name: "deep", set: { ensemble: 2 } }];
  assertEquals(told({ runs, seed: 1 }), [
    ["plain", undefined, undefined],
    ["deep-member-0", 1, "deep"],
    ["deep-member-1", 2, "deep"],
  ]);
  assertEquals(told({ runs: [runs[1]], seed: 1, seeds: 2 }), [
    ["seed-1-member-0", 1, "seed-1"],
    ["seed-1-member-1", 2, "seed-1"],
    ["seed-3-member-0", 3, "seed-3"],
    ["seed-3-member-1", 4, "seed-3"],
  ]);
  const config = parseConfig({ ...small, runs });
  assertEquals(namedRuns(config, undefined), { name: "deep", runs: ["deep-member-0", "deep-member-1"] });
  assertEquals(namedRuns(config, "deep-member-1").runs, ["deep-member-1"]);
  assertEquals(namedRuns(config, "plain").runs, ["plain"]);
});

Deno.test("an ensemble is trained, goes on with more members, and is predicted and judged as one", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1, validation: 0.2 });
    const out = `${folder}/run`;
    const first = await cli(["train", "--config", config, "--ensemble", "2", "--out", out, "--json"]);
    assertEquals(first.status, 0, first.err);
    const { runs, overMembers } = JSON.parse(first.out);
    assertEquals(runs.map((run: { name: string; seed: number }) => [run.name, run.seed]), [["member-0", 1], [
      "member-1",
      2,
    ]]);
    assertEquals([overMembers[0].name, overMembers[0].members], ["run", 2]);
    // The first member is the run of that seed by itself; the second has the first one's validation part.
    const alone = await cli(["train", "--config", config, "--out", `${folder}/alone`, "--json"]);
    assertEquals(JSON.parse(alone.out).runs[0].testError, runs[0].testError);
    const before = await Deno.readFile(`${out}/member-1/model.safetensors`);
    const more = await cli(["train", "--resume", out, "--ensemble", "3"]);
    assertEquals(more.status, 0, more.err);
    assertMatch(more.out, /run +members +parameters/);
    assertStringIncludes(more.out, `What the members say in the mean: deno task evaluate --run ${out}`);
    assertEquals(await Deno.readFile(`${out}/member-1/model.safetensors`), before);
    const judged = JSON.parse((await cli(["evaluate", "--run", out, "--json"])).out);
    assertEquals([judged.run, judged.members, judged.passes], ["run", 3, 3]);
    assert(judged.scores.mutualInformation > 0 && judged.temperature.validationExamples === 40);
    const predicted = await cli(["predict", "--run", out, "--json"]);
    assertEquals(JSON.parse(predicted.out).members, 3);
    assertAlmostEquals(JSON.parse(predicted.out).testError, judged.scores.error, 1e-12);
    const member = await cli(["evaluate", "--run", out, "--name", "member-0", "--json"]);
    assertAlmostEquals(JSON.parse(member.out).scores.error, runs[0].testError, 1e-12);
    for (
      const [args, message] of [
        [["evaluate", "--run", out, "--name", "member-9"], "one of the runs run, member-0, member-1, member-2"],
        [["train", "--config", config, "--ensemble", "0"], "--ensemble: expected a whole number of at least 1"],
        [["train", "--resume", `${folder}/alone`, "--ensemble", "2"], "--ensemble: expected nothing beside --resume"],
        [["evaluate", "--run", out, "--laplace", "full"], "--laplace: expected a single run"],
        [["train", "--config", config, "--set", "ensemble=1.5"], "ensemble: expected a whole number"],
      ] as const
    ) {
      const ran = await cli(args);
      assertEquals(ran.status, 2, ran.err);
      assertStringIncludes(ran.err, message);
    }
  }));
