/** The comparison of ways to say how sure a net is. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { summarize } from "../../studies/uncertainty/_summary.ts";
import { cli } from "../cli/_run.ts";

const small = ["--dataset", "digits", "--train", "60", "--test", "40", "--epochs", "1", "--units", "16"];

Deno.test("study uncertainty compares all methods, with their costs", async () => {
  const ran = await cli([
    "study",
    "uncertainty",
    ...small,
    "--members",
    "2",
    "--samples",
    "3",
    "--seeds",
    "2",
    "--json",
  ]);
  assertEquals(ran.status, 0, ran.err);
  const { methods, complete, seeds, dataset } = JSON.parse(ran.out);
  assertEquals([complete, seeds, dataset], [true, 2, "digits"]);
  assertEquals(methods.map(({ name }: { name: string }) => name), [
    "plain net",
    "temperature scaling",
    "dropout, weight scaling",
    "dropout, 3 passes",
    "masksembles, 4 masks",
    "EMA weights",
    "SWA weights",
    "ensemble of 2",
    "last-layer Laplace, probit",
    "last-layer Laplace, 3 draws",
    "distilled from dropout",
  ]);
  for (const { error, negativeLogLikelihood, calibrationError, foreign, cost } of methods) {
    for (const figure of [error, calibrationError, foreign]) assert(figure.mean >= 0 && figure.mean <= 1);
    assert(negativeLogLikelihood.mean > 0 && error.deviation >= 0 && cost.training.mean > 0);
  }
  assertEquals(methods[0].cost.parameters, 1);
  assertEquals(methods[0].cost.training.mean, 1);
  assertEquals(methods[7].cost.parameters, 2);
  assertEquals(methods[1].error, methods[0].error); // a temperature changes no choice
  const table = await cli(["study", "uncertainty", ...small, "--members", "1", "--samples", "2"]);
  assertMatch(table.out, /^digits: 60 images to train on, 40 to test/);
  assertMatch(table.out, /method +error +NLL +ECE/);
});

Deno.test("study uncertainty refuses wrong options in a sentence", async () => {
  for (
    const [args, message] of [
      [["--dataset", "cifar10"], '--dataset: expected "mnist" or "digits"'],
      [["--units", "4"], "--units: expected a whole number of at least 10"],
      [["--dataset", "digits", "--data", "/tmp"], "--data: expected nothing beside drawn digits"],
      [["--dataset", "mnist", "--data", "/nowhere"], "nowhere"],
    ] as const
  ) {
    const ran = await cli(["study", "uncertainty", ...args]);
    assertEquals([ran.status, ran.out], [2, ""], ran.err);
    assertStringIncludes(ran.err, message);
  }
});

Deno.test("figures over seeds are means and deviations; times are multiples of the plain net's with the same seed", () => {
  const measured = (name: string, error: number, trainingSeconds: number) => ({
    name,
    error,
    negativeLogLikelihood: 1,
    brierScore: 1,
    calibrationError: 0,
    riskCoverageArea: 0,
    foreign: 0.5,
    parameters: 10,
    trainingSeconds,
    predictionTimes: 2,
  });
  const [, second] = summarize([
    [measured("plain net", 0.3, 1), measured("other", 0.1, 2)],
    [measured("plain net", 0.3, 2), measured("other", 0.2, 8)],
  ]);
  assertAlmostEquals(second.error.mean, 0.15);
  assertAlmostEquals(second.error.deviation!, 0.05 * Math.SQRT2);
  assertEquals(second.cost.training.mean, 3);
  assertEquals(second.cost.prediction, { mean: 2, deviation: 0 });
});
