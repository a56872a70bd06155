/** Calibration of quantiles and intervals, worked out by hand. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  DataError,
  intervalCoverage,
  normalCdf,
  normalLogDensity,
  OptionError,
  quantileCalibration,
} from "../../../core/mod.ts";

Deno.test("normalCdf() and normalLogDensity() have the tabulated values", () => {
  assertEquals(normalCdf(0), 0.5);
  assertAlmostEquals(normalCdf(1), 0.8413447460685429, 1e-14);
  assertAlmostEquals(normalCdf(-1.96), 0.024997895148220435, 1e-14);
  assertEquals([normalCdf(-Infinity), normalCdf(Infinity)], [0, 1]);
  assertAlmostEquals(normalLogDensity(0, 0, 1), -0.9189385332046727, 1e-14);
  assertAlmostEquals(normalLogDensity(5, 2, 4), Math.log(Math.exp(-9 / 8) / Math.sqrt(8 * Math.PI)), 1e-14);
});

Deno.test("quantileCalibration() counts the targets at or below each quantile", () => {
  const { quantiles, expectedError } = quantileCalibration([0.1, 0.25, 0.6, 0.9], [0.25, 0.5, 0.75]);
  assertEquals(quantiles, [{ level: 0.25, found: 0.5 }, { level: 0.5, found: 0.5 }, { level: 0.75, found: 0.75 }]);
  assertAlmostEquals(expectedError, 0.25 / 3, 1e-15);
  // Numbers spread evenly are calibrated as well as their number allows.
  const even = Array.from({ length: 1000 }, (_, i) => (i + 0.5) / 1000);
  assertAlmostEquals(quantileCalibration(even).expectedError, 0, 1e-12);
  assertEquals(quantileCalibration(even).quantiles.length, 19);
  // All targets above their predictions: the mean of the levels 0.05 ... 0.95.
  assertAlmostEquals(quantileCalibration([1]).expectedError, 0.5, 1e-12);
});

Deno.test("intervalCoverage() counts the targets in central intervals", () => {
  // Those of 0.5 go from 0.25 to 0.75, those of 0.8 from 0.1 to 0.9.
  assertEquals(intervalCoverage([0, 0.05, 0.25, 0.5, 0.76, 1], [0.5, 0.8]), [
    { level: 0.5, found: 2 / 6 },
    { level: 0.8, found: 3 / 6 },
  ]);
  assertEquals(intervalCoverage([0.5]).map(({ found }) => found), [1, 1, 1, 1]);
  assertThrows(() => intervalCoverage([0.5], [1]), OptionError, "intervalCoverage.levels");
  assertThrows(() => quantileCalibration([0.5], []), OptionError, "quantileCalibration.levels");
  assertThrows(() => intervalCoverage([1.2]), DataError, "found 1.2 at 0");
  assertThrows(() => quantileCalibration([]), DataError, "at least one number");
});
