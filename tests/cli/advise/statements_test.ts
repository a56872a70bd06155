/** What is said of short trainings, in each of the three cases. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Measured } from "../../../cli/advise/advice.ts";
import { uncertain } from "../../../cli/advise/measure.ts";
import { dropoutStatements, overfits, plainStatements, verdictOf } from "../../../cli/advise/statements.ts";

const net = (
  name: string,
  train: number,
  validation: number,
  noise: number,
  againstPlain?: [number, number],
): Measured => ({
  name,
  epochs: 10,
  trainLoss: { mean: train, standardError: noise },
  validationLoss: { mean: validation, standardError: noise },
  trainError: train / 4,
  validationError: validation / 4,
  gap: { mean: validation - train, standardError: Math.hypot(noise, noise) },
  bestEpoch: 4,
  bestLoss: validation - 0.01,
  ...(againstPlain && { againstPlain: { mean: againstPlain[0], standardError: againstPlain[1] } }),
});

const known = {
  classification: true,
  examples: 1000,
  labels: 1,
  validationExamples: 200,
  parameters: 5000,
  planned: 40,
};

Deno.test("a gap above the noise that dropout closes: needed", () => {
  const trained = [net("plain", 0.1, 0.6, 0.02), net("usual", 0.2, 0.4, 0.02, [-0.2, 0.03])];
  assertEquals(verdictOf(trained, 40), "needed");
  const [gap, size, early] = plainStatements(trained[0], known);
  assertStringIncludes(gap.said, "overfits");
  assertEquals(gap.measured.gap, 0.5);
  assertEquals(size.measured, { parameters: 5000, examples: 1000, labels: 1000, parametersPerLabel: 5 });
  assertStringIncludes(early.said, "after epoch 4 of 10");
  const [usual, best] = dropoutStatements(trained, known);
  assertStringIncludes(usual.said, "better");
  assertEquals(usual.measured.againstPlain, -0.2);
  assertMatch(best.said, /rates of the literature.*10 of the 40 epochs/);
  for (const { source } of [gap, size, early, best]) assert(source!.url.startsWith("https://"));
});

Deno.test("a gap, and what dropout does to it within the noise: unclear, and said so", () => {
  const trained = [net("plain", 0.1, 0.6, 0.02), net("usual", 0.2, 0.57, 0.02, [-0.03, 0.03])];
  assertEquals(verdictOf(trained, 40), "unclear");
  const [usual, last] = dropoutStatements(trained, known);
  assertStringIncludes(usual.said, "within the noise");
  assertStringIncludes(last.said, "cannot be told");
  const worse = [trained[0], net("usual", 0.7, 0.9, 0.02, [0.3, 0.03])];
  assertEquals(verdictOf(worse, 40), "unclear");
  assertStringIncludes(dropoutStatements(worse, known)[0].said, "worse");
  assertStringIncludes(dropoutStatements(worse, known)[1].said, "no rate did better than none");
});

Deno.test("no gap, or one within the noise, or one of no account: not needed", () => {
  const none = net("plain", 0.5, 0.49, 0.02);
  const noisy = net("plain", 0.5, 0.7, 0.2);
  const little = net("plain", 0.5, 0.51, 0.0001);
  for (const plain of [none, noisy, little]) {
    assert(!overfits(plain));
    assertEquals(verdictOf([plain], 40), "not-needed");
    assertStringIncludes(plainStatements(plain, known)[0].said, "underfitting");
  }
  assertStringIncludes(plainStatements(noisy, known)[0].said, "within the noise of 200 validation examples");
  assertStringIncludes(plainStatements(little, known)[0].said, "less than 5 % of the loss");
});

Deno.test("no gap while the net still learns, before its last epoch: too early to tell", () => {
  const learning = { ...net("plain", 0.5, 0.49, 0.02), bestEpoch: 10 };
  assertEquals(verdictOf([learning], 40), "too-early");
  assertStringIncludes(plainStatements(learning, known)[0].said, "10 of the 40 epochs");
  assertEquals(verdictOf([learning], 10), "not-needed", "all epochs are done");
});

Deno.test("parameters are counted against labels, where each position has one", () => {
  const [, size] = plainStatements(net("plain", 0.1, 0.6, 0.02), { ...known, labels: 20 });
  assertEquals(size.measured.parametersPerLabel, 0.25);
  assertStringIncludes(size.said, "20,000 labels");
});

Deno.test("few examples, and more examples than parameters, are said to be so", () => {
  const plain = net("plain", 0.1, 0.6, 0.02);
  const said = (examples: number) => plainStatements(plain, { ...known, examples })[1].said;
  assertStringIncludes(said(100), "gained nothing");
  assertStringIncludes(said(50_000), "mostly little");
});

Deno.test("standard errors are those of the mean, and infinite for one part", () => {
  assertEquals(uncertain([1, 3]), { mean: 2, standardError: 1 });
  assertEquals(uncertain([5]).standardError, Infinity);
});
