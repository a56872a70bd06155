/** Uncertainty of classes, against cases worked by hand. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ClassPasses, entropy } from "../../../core/mod.ts";

const log = Math.log;

Deno.test("the entropy of a distribution: log 2 of a coin, 0 of a certain class, and of a part of a list", () => {
  assertEquals(entropy([0.5, 0.5]), log(2));
  assertEquals(entropy([1, 0, 0]), 0);
  // 1/2 log 2 + 2 (1/4 log 4) = 3/2 log 2
  assertAlmostEquals(entropy([0.5, 0.25, 0.25]), 1.5 * log(2), 1e-15);
  assertEquals(entropy([9, 0.5, 0.5, 9], 1, 3), log(2));
});

Deno.test("three passes over two classes, worked by hand", () => {
  const passes = new ClassPasses(2, 2);
  // Row 0: probabilities of class 0 are 0.9, 0.6 and 0.3; row 1 is a coin in every pass.
  for (const p of [0.9, 0.6, 0.3]) passes.add([log(p), log(1 - p), 5, 5]);
  assertEquals(passes.passes, 3);
  const found = passes.of(0);
  assertAlmostEquals(found.mean[0], 0.6, 1e-15);
  assertAlmostEquals(found.mean[1], 0.4, 1e-15);
  // Variance: (0.3^2 + 0 + 0.3^2) / 3 = 0.06, of both classes, whose probabilities mirror each other.
  for (const value of found.epistemic) assertAlmostEquals(value, 0.06, 1e-15);
  // (0.9 0.1 + 0.6 0.4 + 0.3 0.7) / 3 = (0.09 + 0.24 + 0.21) / 3 = 0.18
  for (const value of found.aleatoric) assertAlmostEquals(value, 0.18, 1e-15);
  for (const value of found.total) assertAlmostEquals(value, 0.24, 1e-15); // 0.6 0.4 = 0.18 + 0.06
  const binary = (p: number) => -p * log(p) - (1 - p) * log(1 - p);
  assertAlmostEquals(found.entropy, binary(0.6), 1e-15);
  const expected = (binary(0.9) + binary(0.6) + binary(0.3)) / 3;
  assertAlmostEquals(found.expectedEntropy, expected, 1e-15);
  assertAlmostEquals(found.mutualInformation, binary(0.6) - expected, 1e-15);
  assertAlmostEquals(found.variationRatio, 1 / 3, 1e-15); // two passes say class 0, one says class 1
  // Geometric means: (0.9 0.6 0.3)^(1/3) = 0.162^(1/3) and (0.1 0.4 0.7)^(1/3) = 0.028^(1/3).
  const [a, b] = [Math.cbrt(0.162), Math.cbrt(0.028)];
  assertAlmostEquals(found.geometricMean[0], a / (a + b), 1e-14);
  assertAlmostEquals(found.geometricMean[1], b / (a + b), 1e-14);
  const coin = passes.of(1);
  assertEquals([coin.entropy, coin.expectedEntropy, coin.mutualInformation], [log(2), log(2), 0]);
  assertEquals([coin.variationRatio, coin.epistemic[0], coin.aleatoric[0]], [0, 0, 0.25]);
});

Deno.test("one pass disagrees with nothing, whatever it says", () => {
  for (const logits of [[0.1, 0.7, -3], [1000, 0, -1000], [0, 0, 0]]) {
    const passes = new ClassPasses(1, 3);
    passes.add(logits);
    const found = passes.of(0);
    assertEquals([found.mutualInformation, found.variationRatio, ...found.epistemic], [0, 0, 0, 0, 0]);
    assertEquals(found.entropy, found.expectedEntropy);
    found.mean.forEach((p, i) => assertAlmostEquals(found.geometricMean[i], p, 1e-15));
  }
});

Deno.test("passes that are certain of different classes know nothing together: all of it is epistemic", () => {
  const passes = new ClassPasses(1, 2);
  passes.add([2000, 0]);
  passes.add([0, 2000]);
  const found = passes.of(0);
  assertEquals([found.entropy, found.expectedEntropy, found.mutualInformation], [log(2), 0, log(2)]);
  assertEquals([found.epistemic[0], found.aleatoric[0], found.variationRatio], [0.25, 0, 0.5]);
  // Both probabilities of 0 are e^-2000, far below what a number holds: their logarithms are added.
  assertEquals(found.geometricMean, [0.5, 0.5]);
});

Deno.test("the law of total variance holds for any passes, and mutual information is never below zero", () => {
  const passes = new ClassPasses(1, 4);
  let state = 1;
  const next = () => (state = state * 16807 % 2147483647) / 2147483647;
  for (let pass = 0; pass < 50; pass++) passes.add([next(), 3 * next(), 5 * next(), -next()]);
  const found = passes.of(0);
  found.total.forEach((total, i) => assertAlmostEquals(found.aleatoric[i] + found.epistemic[i], total, 1e-14));
  assert(found.mutualInformation > 0 && found.expectedEntropy > 0);
});
