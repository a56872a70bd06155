/** Uncertainty of numbers, against cases worked by hand. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { mixtureQuantile, NumberPasses, quantile } from "../../../core/mod.ts";

Deno.test("mean, variance over passes and mean noise, worked by hand", () => {
  const passes = new NumberPasses(2);
  passes.add([1, 1e8], [0.1, 2]);
  passes.add([2, 1e8 + 1], [0.2, 2]);
  passes.add([6, 1e8 + 2], [0.6, 2]);
  assertEquals([...passes.mean], [3, 1e8 + 1]);
  assertAlmostEquals(passes.epistemic(0), 14 / 3, 1e-14); // (4 + 1 + 9) / 3
  assertAlmostEquals(passes.epistemic(1), 2 / 3, 1e-12); // not lost beside a mean of 10^8
  assertAlmostEquals(passes.aleatoric(0), 0.3, 1e-15);
  assertEquals(passes.aleatoric(1), 2);
});

Deno.test("one number is the noise around all; without one there is none", () => {
  const passes = new NumberPasses(1);
  passes.add([1], 4);
  passes.add([1], 4);
  assertEquals([passes.epistemic(0), passes.aleatoric(0)], [0, 4]);
  const still = new NumberPasses(1);
  still.add([1]);
  assertEquals(still.aleatoric(0), 0);
});

Deno.test("quantiles interpolate as NumPy's do", () => {
  // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.25, 0.5, 0.9, 1]): places 0, 0.3, 0.75, 1.5, 2.7, 3
  const numbers = [1, 2, 4, 8];
  [[0, 1], [0.1, 1.3], [0.25, 1.75], [0.5, 3], [0.9, 6.8], [1, 8]].forEach(([level, expected]) =>
    assertAlmostEquals(quantile(numbers, level), expected, 1e-14)
  );
  for (const level of [0, 0.3, 1]) assertEquals(quantile([7], level), 7);
  assertEquals(quantile([-Infinity, -Infinity, 1], 0.5), -Infinity);
});

Deno.test("a mixture's quantiles: those of its one part, the middle of two mirrored ones, steps where nothing is noisy", () => {
  assertAlmostEquals(mixtureQuantile([10], 9, 0.975), 10 + 3 * 1.959963984540054, 1e-7);
  assertAlmostEquals(mixtureQuantile([10, 10], [9, 9], 0.025), 10 - 3 * 1.959963984540054, 1e-7);
  assertAlmostEquals(mixtureQuantile([-4, 6], 1, 0.5), 1, 1e-6);
  // Far apart, a quarter of all is half of the left part: its median.
  assertAlmostEquals(mixtureQuantile([-100, 100], [1, 4], 0.25), -100, 1e-6);
  assertEquals(mixtureQuantile([1, 2, 4], 0, 0.75), 3);
  // One part has no noise: 90 % lie above it or at it.
  assertAlmostEquals(mixtureQuantile([0, 50], [0, 1], 0.3), 0, 1e-6);
  assertEquals([mixtureQuantile([1], 1, 0), mixtureQuantile([1], 1, 1)], [-Infinity, Infinity]);
});
