/** Calibration errors, worked out by hand. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { calibration, DataError, OptionError, Tensor } from "../../../core/mod.ts";

const near = (found: number, expected: number) => assertAlmostEquals(found, expected, 1e-12);

/** Two classes, of which the first is predicted with a confidence, right or wrong. */
function said(pairs: readonly (readonly [confidence: number, right: boolean])[]) {
  return [pairs.map(([p]) => [p, 1 - p]), pairs.map(([, right]) => right ? 0 : 1)] as const;
}

Deno.test("calibration() gives the published example of TorchMetrics, worked out by hand", () => {
  const probabilities = [[0.25, 0.20, 0.55], [0.55, 0.05, 0.40], [0.10, 0.30, 0.60], [0.90, 0.05, 0.05]];
  const found = calibration(probabilities, [0, 1, 2, 0], { bins: 3 });
  // Thirds: 0.55 (wrong), 0.55 (wrong), 0.6 (right) in the second, mean 1.7 / 3, accuracy 1 / 3, gap 0.7 / 3;
  // 0.9 (right) in the third, gap 0.1.
  assertEquals(found.bins.map(({ count }) => count), [0, 3, 1]);
  near(found.bins[1].confidence, 1.7 / 3);
  near(found.bins[1].accuracy, 1 / 3);
  near(found.expectedError, 0.75 * 0.7 / 3 + 0.25 * 0.1); // 0.2
  near(found.rootMeanSquareError, Math.sqrt(0.75 * (0.7 / 3) ** 2 + 0.25 * 0.01)); // 0.2082
  near(found.maximumError, 0.7 / 3); // 0.2333
  near(found.overconfidence, 0.75 * 0.7 / 3 - 0.25 * 0.1); // (0.55 + 0.55 + 0.6 + 0.9) / 4 - 1 / 2
  near(found.overconfidence, 2.6 / 4 - 2 / 4);
});

Deno.test("bins of equal width are closed above: an edge belongs to the bin below it, 1 to the last one", () => {
  const [probabilities, labels] = said([[0.5, true], [0.6, true], [0.7, false], [0.8, true], [1, true]]);
  const { bins } = calibration(probabilities, labels, { bins: 10 });
  assertEquals(bins.map(({ count }) => count), [0, 0, 0, 0, 1, 1, 1, 1, 0, 1]);
  assertEquals([bins[4].from, bins[4].to], [0.4, 0.5]);
  assertEquals([bins[0].confidence, bins[0].accuracy], [NaN, NaN]); // empty
});

Deno.test("bins of equal mass: as many examples each, the same whatever their order", () => {
  const pairs = [[0.95, true], [0.6, false], [0.9, true], [0.8, false], [0.7, true], [0.99, true]] as const;
  const [probabilities, labels] = said(pairs);
  const found = calibration(probabilities, labels, { bins: 3, binning: "mass" });
  // 0.6 (wrong) and 0.7 (right), 0.8 (wrong) and 0.9 (right), 0.95 and 0.99 (both right).
  assertEquals(found.bins.map(({ count, from, to }) => [count, from, to]), [[2, 0.6, 0.7], [2, 0.8, 0.9], [
    2,
    0.95,
    0.99,
  ]]);
  near(found.bins[1].confidence, 0.85);
  // |0.65 - 0.5|, |0.85 - 0.5| and |0.97 - 1|, a third each.
  near(found.expectedError, (0.15 + 0.35 + 0.03) / 3);
  const [turned, labelsTurned] = said(pairs.toReversed());
  assertEquals(calibration(turned, labelsTurned, { bins: 3, binning: "mass" }).bins, found.bins);
});

Deno.test("bins of equal mass keep equal confidences together, in the bin of their middle rank", () => {
  // Ranks 0 to 3 have 0.6: their middle 2 of 6 falls into the second of three bins; 0.9 and 1 into the third.
  const [probabilities, labels] = said([[0.6, true], [0.6, false], [0.6, true], [0.6, true], [0.9, true], [1, true]]);
  const { bins, expectedError } = calibration(probabilities, labels, { bins: 3, binning: "mass" });
  assertEquals(bins.map(({ count }) => count), [0, 4, 2]);
  assertEquals([bins[0].from, bins[0].to], [NaN, NaN]);
  near(bins[1].accuracy, 0.75);
  near(expectedError, 4 / 6 * 0.15 + 2 / 6 * 0.05);
});

Deno.test("one example, certainty and few bins have calibration errors, too", () => {
  const wrong = calibration([[1, 0]], [1]);
  assertEquals([wrong.expectedError, wrong.maximumError, wrong.overconfidence], [1, 1, 1]);
  const right = calibration([[1, 0]], [0], { binning: "mass" });
  assertEquals([right.expectedError, right.rootMeanSquareError], [0, 0]);
  assertEquals(right.bins.filter(({ count }) => count > 0).length, 1);
  // Equal probabilities predict the first class.
  near(calibration([[0.5, 0.5], [0.5, 0.5]], [0, 1], { bins: 1 }).expectedError, 0);
  // A single class is predicted with certainty.
  assertEquals(calibration([[1], [1]], [0, 0]).expectedError, 0);
});

Deno.test("calibration() takes tensors and typed arrays, and refuses what are no probabilities, labels or options", () => {
  const flat = Float32Array.of(0.75, 0.25, 0.5, 0.5);
  near(calibration(flat, [0, 1]).expectedError, (0.25 + 0.5) / 2);
  assertEquals(calibration(Tensor.of([[0.75, 0.25], [0.5, 0.5]]), [0, 1]), calibration(flat, [0, 1]));
  const refuses = (of: () => unknown, text: string) => assertThrows(of, DataError, text);
  refuses(() => calibration([[0.5, 0.6]], [0]), "sum to 1, found the sum 1.1 in row 0");
  refuses(() => calibration([[1, 0], [-0.5, 1.5]], [0, 0]), "expected probabilities in [0, 1], found -0.5 in row 1");
  refuses(() => calibration([[NaN, 1]], [0]), "found NaN");
  refuses(() => calibration([[0.5, 0.5]], [2]), "labels that are whole numbers in [0, 2), found 2 at 0");
  refuses(() => calibration([[0.5, 0.5]], [0, 1, 0]), "a row of numbers for each of 3 labels, found the shape [1, 2]");
  refuses(() => calibration([], []), "at least one example");
  assertThrows(() => calibration([[1, 0]], [0], { bins: 0 }), OptionError, "calibration.bins");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => calibration([[1, 0]], [0], { binning: "equal" as any }), OptionError, "calibration.binning");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => calibration([[1, 0]], [0], { bin: 3 } as any), OptionError, "calibration.bin: expected one of");
});
