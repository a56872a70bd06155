/** Scores, selective prediction and detection, worked out by hand. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { auroc, brierScore, DataError, negativeLogLikelihood, riskCoverage } from "../../../core/mod.ts";

const near = (found: number, expected: number) => assertAlmostEquals(found, expected, 1e-12);

Deno.test("negativeLogLikelihood() is the mean of -log p of the true class, infinite where that is 0", () => {
  // -log 0.8 - log 0.25 - log 1, over three.
  const probabilities = [[0.8, 0.1, 0.1], [0.25, 0.5, 0.25], [0, 1, 0]];
  near(negativeLogLikelihood(probabilities, [0, 2, 1]), (Math.log(1.25) + Math.log(4)) / 3);
  assertEquals(negativeLogLikelihood(probabilities, [0, 2, 0]), Infinity);
  assertEquals(negativeLogLikelihood([[1, 0]], [0]), 0);
  // Knowing nothing of n classes costs log n.
  near(negativeLogLikelihood([new Array(10).fill(0.1)], [3]), Math.log(10));
  assertThrows(() => negativeLogLikelihood([[0.5, 0.4]], [0]), DataError, "sum to 1");
});

Deno.test("brierScore() sums squares over all classes", () => {
  // (1 - 0.8)^2 + 0.1^2 + 0.1^2 = 0.06; 0.25^2 + 0.5^2 + (1 - 0.25)^2 = 0.0625 + 0.25 + 0.5625 = 0.875
  near(brierScore([[0.8, 0.1, 0.1], [0.25, 0.5, 0.25]], [0, 2]), (0.06 + 0.875) / 2);
  assertEquals(brierScore([[1, 0]], [0]), 0);
  assertEquals(brierScore([[1, 0]], [1]), 2); // the worst
  near(brierScore([new Array(4).fill(0.25)], [0]), 0.75 ** 2 + 3 * 0.25 ** 2);
});

Deno.test("riskCoverage() gives the error among the surest, its area, and what is lost to the best order", () => {
  const { risks, area, excess, riskWithout } = riskCoverage([0.9, 0.8, 0.7, 0.6, 0.5], [0, 1, 0, 0, 1]);
  [0, 1 / 2, 1 / 3, 1 / 4, 2 / 5].forEach((risk, i) => near(risks[i], risk));
  near(area, (1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5);
  // The best order has the two errors last: 0, 0, 0, 1 / 4, 2 / 5.
  near(excess, area - (1 / 4 + 2 / 5) / 5);
  assertEquals([0, 0.2, 0.8, 1].map(riskWithout), [risks[4], risks[3], risks[0], risks[0]]);
  near(riskCoverage([3, 2, 1], [0, 0, 1]).excess, 0);
  assertThrows(() => riskWithout(1.5), DataError, "a share in [0, 1]");
});

Deno.test("riskCoverage() takes the mean over all ways to choose among equally sure examples", () => {
  // One of three equally sure ones is wrong: 1 / 3 whichever number of them is taken; then the right one.
  const { risks } = riskCoverage([0.9, 0.9, 0.9, 0.1], [1, 0, 0, 0]);
  [1 / 3, 1 / 3, 1 / 3, 1 / 4].forEach((risk, i) => near(risks[i], risk));
  assertEquals(riskCoverage([0.9, 0.9, 0.9, 0.1], [0, 0, 1, 0]).risks, risks);
  // After a sure right one: (0 + 1 / 2) / 2.
  [0, 1 / 4, 1 / 3].forEach((risk, i) => near(riskCoverage([1, 0.5, 0.5], [0, 1, 0]).risks[i], risk));
  // Infinite confidences, losses that are any numbers, and a single example.
  assertEquals([...riskCoverage([-Infinity, Infinity, Infinity], [6, 1, 3]).risks], [2, 2, 10 / 3]);
  const one = riskCoverage([0.5], [1]);
  assertEquals([[...one.risks], one.area, one.excess, one.riskWithout(0.9)], [[1], 1, 0, 1]);
  assertThrows(() => riskCoverage([], []), DataError, "at least one number");
  assertThrows(() => riskCoverage([1], [0, 1]), DataError, "a loss for each of 1 confidences, found 2");
  assertThrows(() => riskCoverage([NaN], [0]), DataError, "found NaN at 0");
});

Deno.test("auroc() counts pairs that are in order, equal ones half", () => {
  // Of 3 x 2 pairs: 0.5 beats 0.1 and 0.4 and ties with 0.5; 0.2 beats 0.1: 3.5 of 6.
  near(auroc([0.1, 0.4, 0.5], [0.5, 0.2]), 3.5 / 6);
  assertEquals(auroc([1, 2], [3, 4]), 1);
  assertEquals(auroc([3, 4], [1, 2]), 0);
  assertEquals(auroc([1, 1, 1], [1, 1]), 0.5);
  assertEquals(auroc([-Infinity], [Infinity]), 1);
  const [own, foreign] = [[0.3, 0.3, 0.9, 0.1], [0.3, 0.8, 0.2]];
  let pairs = 0;
  for (const a of own) for (const b of foreign) pairs += b > a ? 1 : b === a ? 0.5 : 0;
  near(auroc(own, foreign), pairs / 12);
  near(auroc(foreign, own), 1 - pairs / 12);
  assertThrows(() => auroc([], [1]), DataError, "auroc: own: expected at least one number");
});
