/** Temperatures with closed forms. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  DataError,
  fitTemperature,
  Key,
  negativeLogLikelihood,
  OptionError,
  temper,
  Tensor,
} from "../../../core/mod.ts";

const near = (found: number, expected: number, tolerance = 1e-9) => assertAlmostEquals(found, expected, tolerance);

Deno.test("fitTemperature() finds the temperature at which confidence is accuracy, where all logits are alike", () => {
  // Three classes with logits (a, 0, 0), right in 8 of 10 cases, the others split evenly: e^(a / T) / (e^(a / T) + 2) = 0.8,
  // so a / T = log 8.
  for (const a of [0.1, 1, 5, 30]) {
    const logits = Array.from({ length: 10 }, () => [a, 0, 0]);
    const found = fitTemperature(logits, [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    near(found.temperature, a / Math.log(8), 1e-8 * a);
    near(found.negativeLogLikelihood, -(0.8 * Math.log(0.8) + 0.2 * Math.log(0.1)));
    near(found.before, -(0.8 * a - Math.log(Math.exp(a) + 2)));
    assert(!found.atLimit);
  }
});

Deno.test("fitTemperature() finds again by what logits were multiplied", () => {
  const count = 4000;
  const logits = Tensor.normal([count, 5], Key.seed(3).at("logits"), "float64").mul(2);
  // Labels drawn from the softmax of the logits, by the Gumbel trick.
  const uniform = Tensor.uniform([count, 5], Key.seed(4).at("labels"), "float64");
  const labels = logits.sub(uniform.log().neg().log()).argmax().ints;
  const { temperature } = fitTemperature(logits, labels);
  near(temperature, 1, 0.05);
  near(fitTemperature(logits.mul(3), labels).temperature, 3 * temperature, 1e-6);
  const found = fitTemperature(logits.mul(3), labels);
  const nll = (t: number) => negativeLogLikelihood(logits.mul(3 / t).softmax(), labels);
  near(found.negativeLogLikelihood, nll(found.temperature));
  near(found.before, nll(1));
  for (const factor of [0.97, 1.03]) assert(nll(found.temperature * factor) > found.negativeLogLikelihood);
});

Deno.test("fitTemperature() says when the best temperature lies at an end of its range, or is of no account", () => {
  const right = fitTemperature([[1, 0], [0, 2]], [0, 1]);
  assertEquals([right.temperature, right.atLimit], [0.01, true]);
  const wrong = fitTemperature([[1, 0], [0, 2]], [1, 0]);
  assertEquals([wrong.temperature, wrong.atLimit], [100, true]);
  assertEquals(fitTemperature([[3, 3]], [0]), {
    temperature: 1,
    negativeLogLikelihood: Math.log(2),
    before: Math.log(2),
    atLimit: false,
  });
  // Logits far beyond what an exponential can hold.
  near(fitTemperature(Array.from({ length: 4 }, () => [1e5, 0]), [0, 0, 0, 0]).negativeLogLikelihood, 0);
  const far = fitTemperature(Array.from({ length: 4 }, () => [50, 0]), [0, 0, 0, 1]);
  near(far.temperature, 50 / Math.log(3), 1e-6);
  assertThrows(() => fitTemperature([[NaN, 0]], [0]), DataError, "found NaN");
  assertThrows(() => fitTemperature([[1, 0]], [0.5]), DataError, "found 0.5 at 0");
});

Deno.test("temper() raises probabilities to a power and makes them sum to 1", () => {
  // Square roots of 0.64, 0.32, 0.04 are 0.8, 0.5657, 0.2.
  const total = 0.8 + Math.sqrt(0.32) + 0.2;
  [0.8, Math.sqrt(0.32), 0.2].forEach((root, i) => near(temper([0.64, 0.32, 0.04], 2)[i], root / total));
  assertEquals([...temper([0.5, 0, 0.5], 3)], [0.5, 0, 0.5]);
  assertEquals([...temper([1, 0], 0.01)], [1, 0]);
  const two = temper([0.9, 0.1, 0.2, 0.8], 0.5, 2);
  [81 / 82, 1 / 82, 4 / 68, 64 / 68].forEach((p, i) => near(two[i], p));
  assertThrows(() => temper([1], 0), OptionError, "temperature: expected a number above 0, found 0");
});
