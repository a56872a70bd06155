/** What several passes say together, worked out by hand. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { classPredictions } from "../../../core/uncertainty/class_predictions.ts";
import { classScores, foreignScores, tempered } from "../../../core/uncertainty/class_scores.ts";
import { fitNoise, goldenSection, logMeanExp, numberScores } from "../../../core/uncertainty/number_scores.ts";
import { normalCdf } from "../../../core/mod.ts";

const near = (found: number, expected: number, tolerance = 1e-12) => assertAlmostEquals(found, expected, tolerance);
const logit = (p: number) => [Math.log(p), Math.log(1 - p)];

/** Predictions from the probabilities of the first of two classes, a list for each pass. */
function gathered(passes: readonly (readonly number[])[]) {
  const gathering = classPredictions(passes[0].length, 2, passes.length);
  for (const pass of passes) pass.forEach((p, row) => gathering.add(row, logit(p), 0));
  return gathering.done();
}

Deno.test("passes give the logarithm of their mean, its entropy, and the mutual information", () => {
  const { logProbabilities, entropy, mutualInformation } = gathered([[0.9, 0.5], [0.5, 0.5]]);
  [0.7, 0.3, 0.5, 0.5].forEach((p, i) => near(logProbabilities[i], Math.log(p)));
  const h = (p: number) => -p * Math.log(p) - (1 - p) * Math.log(1 - p);
  near(entropy[0], h(0.7));
  near(mutualInformation[0], h(0.7) - (h(0.9) + h(0.5)) / 2);
  near(entropy[1], Math.log(2));
  near(mutualInformation[1], 0); // both passes say the same
});

Deno.test("logits that no exponential can hold keep their logarithms, and certainty has no entropy", () => {
  const far = classPredictions(1, 2, 2);
  far.add(0, [2000, 0], 0);
  far.add(0, [9, 9, 3000, 0], 2);
  const { logProbabilities, entropy } = far.done();
  near(logProbabilities[0], 0);
  near(logProbabilities[1], -2000 + Math.log(0.5), 1e-9); // (e^-2000 + e^-3000) / 2
  assertEquals(entropy[0], 0);
  near(classScores(far.done(), [1], 15).negativeLogLikelihood, 2000 - Math.log(0.5), 1e-9);
  const never = classPredictions(1, 2, 1);
  never.add(0, [0, -Infinity], 0);
  assertEquals([...never.done().logProbabilities], [0, -Infinity]);
  assertEquals(classScores(never.done(), [1], 15).negativeLogLikelihood, Infinity);
});

Deno.test("classScores() joins the scores, and tempered ones are those of the powers", () => {
  const predictions = gathered([[0.9, 0.8, 0.4]]);
  const scores = classScores(predictions, [0, 1, 1], 10);
  near(scores.error, 1 / 3);
  near(scores.negativeLogLikelihood, -(Math.log(0.9) + Math.log(0.2) + Math.log(0.6)) / 3);
  near(scores.brierScore, 2 * (0.01 + 0.64 + 0.16) / 3);
  near(scores.calibration.width.expectedError, (0.1 + 0.8 + 0.4) / 3);
  assertEquals(scores.calibration.mass.bins.filter(({ count }) => count > 0).map(({ from, to }) => from === to), [
    true,
    true,
    true,
  ]);
  // By confidence: 0.9 right, 0.8 wrong, 0.6 right; of ten shares 0.4 leaves two, 0.9 one.
  near(scores.selective.area, (0 + 1 / 2 + 1 / 3) / 3);
  assertEquals(
    scores.selective.curve.map(({ risk }) => risk),
    [1 / 3, 1 / 3, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0]
      .map((risk, i) => [0, 1].includes(i) ? 1 / 3 : i < 5 ? 0.5 : risk),
  );
  const roots = tempered(predictions, 2);
  near(Math.exp(roots.logProbabilities[0]), 3 / 4); // 9 to 1 become 3 to 1
  near(Math.exp(roots.logProbabilities[2]), 2 / 3); // 4 to 1 become 2 to 1
  near(roots.entropy[0], -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25));
});

Deno.test("foreignScores() finds foreign examples by entropy, mutual information and confidence", () => {
  const own = gathered([[0.99, 0.9], [0.99, 0.8]]);
  const foreign = gathered([[0.5, 0.9], [0.5, 0.1], [0.5, 0.5]].slice(0, 2));
  const found = foreignScores(own, foreign);
  // Foreign means are 0.5 and 0.5: less sure than 0.99 and 0.85. Only the second foreign example has passes that differ more
  // than those of the second own one; the first has passes that agree, like the first own one.
  assertEquals([found.examples, found.entropy, found.maxProbability], [2, 1, 1]);
  near(found.mutualInformation, (0.5 + 0 + 1 + 1) / 4);
});

Deno.test("numberScores() scores an even mixture of normal distributions in the targets' units", () => {
  // Passes say 0 and 2 with a variance of 1, the target is 1, one unit is 10 of the targets'.
  const found = numberScores({ outputs: 1, means: [[0], [2]], noise: [1], targets: [1], deviations: [10] });
  assertEquals(found.error, 0);
  near(found.negativeLogLikelihood, 0.5 * Math.log(2 * Math.PI) + 0.5 + Math.log(10)); // both densities are that of 1
  near(found.deviation, 10 * Math.sqrt(1 + 1)); // variance between passes, and noise
  assert(found.coverage.every(({ found }) => found === 1)); // half of the mixture lies below
  // Two outputs, one pass: densities multiply, variances differ.
  const two = numberScores({ outputs: 2, means: [[0, 0]], noise: [1, 4], targets: [1, 6], deviations: [1, 1] });
  near(two.negativeLogLikelihood, Math.log(2 * Math.PI) + 0.5 + Math.log(2) + 4.5);
  near(two.error, Math.sqrt(37 / 2));
  // One target lies one deviation above its mean, the other three.
  assertEquals(two.quantiles.quantiles.find(({ level }) => level === 0.85)?.found, normalCdf(1) <= 0.85 ? 0.5 : 0);
  assertEquals(two.coverage.map(({ found }) => found), [0, 0.5, 0.5, 0.5]);
  // Noise that each pass says itself.
  const own = numberScores({ outputs: 1, means: [[0], [0]], noise: [[1], [9]], targets: [3], deviations: [1] });
  const density = (z: number, deviation: number) => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) / deviation;
  near(own.negativeLogLikelihood, -Math.log((density(3, 1) + density(1, 3)) / 2));
  near(own.deviation, Math.sqrt(5));
});

Deno.test("fitNoise() finds the likeliest variance", () => {
  // One pass: the mean squared distance.
  assertEquals(fitNoise({ outputs: 2, means: [[0, 0, 0, 0]], targets: [1, 2, 3, 2] }), [5, 4]);
  // Passes that say the same are one.
  near(fitNoise({ outputs: 1, means: [[0, 0], [0, 0]], targets: [1, 3] })[0], 5, 1e-4);
  // Passes at -a and a around the target: the likelihood is that of a distance of a, whichever it is.
  near(fitNoise({ outputs: 1, means: [[-2], [2]], targets: [0] })[0], 4, 1e-4);
  // Targets that the passes spread around: less noise than from one pass in their middle.
  const means = [[-1, -1, -1, -1], [1, 1, 1, 1]];
  const [variance] = fitNoise({ outputs: 1, means, targets: [-1.1, -0.9, 1.1, 0.9] });
  near(variance, 0.01, 1e-3);
  assertEquals(fitNoise({ outputs: 1, means: [[1]], targets: [1] }), [1e-8]);
});

Deno.test("logMeanExp() and goldenSection() are right where numbers are extreme", () => {
  near(logMeanExp([Math.log(2), Math.log(4)]), Math.log(3));
  near(logMeanExp([-2000, -2000]), -2000);
  assertEquals(logMeanExp([-Infinity, -Infinity]), -Infinity);
  near(goldenSection((x) => -((x - 0.3) ** 2), -1, 2), 0.3, 1e-5);
  near(goldenSection((x) => x, 0, 1), 1, 1e-5);
});
