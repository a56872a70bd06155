/** Models judged on data whose scores are known. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  assessClassification,
  assessRegression,
  buildModel,
  type Dataset,
  evaluate,
  fit,
  holdBack,
  type KnownNoise,
  type LayerPlugin,
  type Model,
  OptionError,
  predictorOf,
  ShapeError,
  type TemperatureScores,
  Tensor,
} from "../../../core/mod.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { gaussianNll } from "../../../plugins/losses/gaussian_nll.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { corners, line, network, options } from "../_runs.ts";

const near = (found: number, expected: number, tolerance = 1e-6) => assertAlmostEquals(found, expected, tolerance);

/** A model whose outputs are its inputs, times a factor. */
function identity(width: number, factor = 1): Model {
  const model = buildModel(dense(width), { inputShape: [width], dtype: "float32" });
  const weight = Tensor.from(Array.from({ length: width * width }, (_, i) => i % (width + 1) ? 0 : factor), [
    width,
    width,
  ]);
  model.load(new Map([["model/weight", weight], ["model/bias", Tensor.zeros([width])]]));
  return model;
}

/** Examples that are logits themselves. */
function logits(rows: readonly (readonly number[])[], labels: readonly number[]) {
  return {
    count: rows.length,
    shape: [rows[0].length],
    inputs: Float32Array.from(rows.flat()),
    scale: 1,
    labels: Int32Array.from(labels),
  };
}

const nine = Math.log(9);
const test = logits([[nine, 0], [0, nine], [nine, 0], [0, 0]], [0, 1, 1, 0]);
const given: Dataset = { name: "logits", classes: 2, outputs: 0, train: test, test };

Deno.test("assessClassification() scores a model whose probabilities are known, and says why there is no temperature", () => {
  const found = assessClassification(identity(2), given);
  assertEquals([found.examples, found.passes, found.foreign], [4, 1, undefined]);
  // 0.9 right twice, 0.9 wrong, 0.5 right.
  near(found.scores.error, 1 / 4);
  near(found.scores.negativeLogLikelihood, -(2 * Math.log(0.9) + Math.log(0.1) + Math.log(0.5)) / 4);
  near(found.scores.brierScore, (2 * 0.02 + 1.62 + 0.5) / 4);
  near(found.scores.calibration.width.expectedError, (3 * Math.abs(0.9 - 2 / 3) + 0.5) / 4);
  assert("reason" in found.temperature && found.temperature.reason.includes("no validation part"));
});

Deno.test("assessClassification() fits a temperature on the validation part, and gives the scores of the test part at it", () => {
  // As sure as 9 to 1, right in three of four cases: the square root of the odds is right.
  const validation = logits(Array.from({ length: 4 }, () => [nine, 0]), [0, 0, 1, 0]);
  const found = assessClassification(identity(2), { ...given, validation });
  const { temperature, validationExamples, scores, before, negativeLogLikelihood } = found
    .temperature as TemperatureScores;
  near(temperature, 2);
  assertEquals(validationExamples, 4);
  near(before, -(3 * Math.log(0.9) + Math.log(0.1)) / 4);
  near(negativeLogLikelihood, -(3 * Math.log(0.75) + Math.log(0.25)) / 4);
  near(scores.negativeLogLikelihood, -(2 * Math.log(0.75) + Math.log(0.25) + Math.log(0.5)) / 4);
  near(scores.error, found.scores.error);
});

Deno.test("assessClassification() averages the probabilities of several models, and finds foreign examples by their disagreement", () => {
  // The second model turns every choice round, where inputs are not 0.
  const models = [identity(2), identity(2, -1)];
  const own = logits([[0, 0], [0, 0]], [0, 1]);
  const foreign = logits([[nine, 0], [5, 0]], [0, 0]);
  const found = assessClassification(models, { ...given, test: own }, { foreign });
  assertEquals(found.passes, 2);
  near(found.scores.negativeLogLikelihood, Math.log(2));
  // Means are 0.5 everywhere; only the mutual information tells them apart.
  assertEquals([found.foreign!.examples, found.foreign!.mutualInformation], [2, 1]);
  const mixed = assessClassification(models, given);
  near(mixed.scores.entropy, Math.log(2));
  const h = -0.9 * Math.log(0.9) - 0.1 * Math.log(0.1);
  near(mixed.scores.mutualInformation, 3 / 4 * (Math.log(2) - h));
  near(found.scores.mutualInformation, 0);
});

Deno.test("assessClassification() agrees with evaluate(), in one pass and in any batches, and its passes are those of any number", async () => {
  const data = holdBack(corners(), 0.2, 5);
  const { model } = await fit(network(), { ...options(), data });
  const once = assessClassification(model, data);
  const measured = evaluate(model, data);
  near(once.scores.error, measured.error);
  near(once.scores.negativeLogLikelihood, measured.loss);
  const many = assessClassification(model, data, { samples: 5, seed: 3 });
  assert(many.scores.mutualInformation > 0.001);
  const pieces = assessClassification(model, data, { samples: 5, seed: 3, batchSize: 7 });
  near(pieces.scores.negativeLogLikelihood, many.scores.negativeLogLikelihood);
  const other = assessClassification(model, data, { samples: 5, seed: 4 });
  assert(other.scores.negativeLogLikelihood !== many.scores.negativeLogLikelihood);
});

Deno.test("assessRegression() scores numbers by the noise of the validation part, or one that is given, in the targets' units", () => {
  const part = (rows: readonly number[], targets: readonly number[]) => ({
    count: rows.length,
    shape: [1],
    inputs: Float32Array.from(rows),
    scale: 1,
    targets: Float32Array.from(targets),
  });
  const train = part([0, 1], [0, 1]);
  const test = part([0, 1, 2, 3], [1, 1, 1, 3]);
  const data: Dataset = {
    name: "numbers",
    classes: 0,
    outputs: 1,
    targetUnits: { mean: [100], deviation: [10] },
    train,
    test,
  };
  const without = assessRegression(identity(1), data);
  near(without.error, 10 * Math.sqrt(2 / 4));
  assert(without.scores === undefined && "reason" in without.noise);
  // Distances of 0 and 2 units: a variance of 2, which is 200 in the targets' units.
  const fitted = assessRegression(identity(1), { ...data, validation: part([1, 2], [1, 4]) });
  const { noise } = fitted;
  assert("from" in noise && noise.from === "validation");
  near((noise as { variance: readonly number[] }).variance[0], 200);
  const nll = (variance: number) => 0.5 * Math.log(2 * Math.PI * variance) + 50 / variance / 2;
  near(fitted.scores!.negativeLogLikelihood, nll(200));
  const known = assessRegression(identity(1), data, { noise: 50 });
  near(known.scores!.negativeLogLikelihood, nll(50));
  near(known.scores!.deviation, Math.sqrt(50));
  assertThrows(
    () => assessRegression(identity(1), data, { noise: 0 }),
    OptionError,
    "noise: expected a variance above 0",
  );
  // deno-lint-ignore no-explicit-any
  assertThrows(() => assessRegression(identity(1), data, { foreign: test } as any), OptionError, "foreign");
});

Deno.test("assessRegression() takes the noise that a model says itself", () => {
  // Outputs are the mean and the logarithm of the variance: 1 and 9 around 0 and 2.
  const inputs = Float32Array.of(0, 0, 2, Math.log(9));
  const test = { count: 2, shape: [2], inputs, scale: 1, targets: Float32Array.of(1, -1) };
  const units = { mean: [0], deviation: [10] };
  const data: Dataset = { name: "numbers", classes: 0, outputs: 1, targetUnits: units, train: test, test };
  const found = assessRegression(identity(2), data, { loss: gaussianNll() });
  const { from, variance } = found.noise as KnownNoise;
  assertEquals(from, "model");
  near(variance[0], 500, 1e-3); // (1 + 9) / 2, times 10^2
  near(found.scores!.negativeLogLikelihood, 0.5 * Math.log(2 * Math.PI) + (0.5 + Math.log(3) + 0.5) / 2 + Math.log(10));
  near(found.error, 10 * Math.sqrt((1 + 9) / 2));
});

Deno.test("assessRegression() sees the spread of passes over numbers", async () => {
  const net: LayerPlugin = sequential([dropout({ rate: 0.3 }), dense(1)]);
  const data = holdBack(line(), 0.2, 1);
  const { model } = await fit(net, { ...options(), loss: undefined, data });
  const found = assessRegression(model, data, { samples: 20 });
  assert(found.scores!.deviation > Math.sqrt((found.noise as { variance: readonly number[] }).variance[0]));
  const { curve } = found.scores!.selective;
  near(curve[0].risk, found.error ** 2);
});

Deno.test("assessClassification() and predictorOf() refuse what they cannot judge", () => {
  const model = identity(2);
  const refuses = (of: () => unknown, text: string) => assertThrows(of, OptionError, text);
  refuses(() => assessClassification(model, given, { bins: 0 }), "bins: expected a whole number");
  refuses(() => assessClassification(model, given, { samples: -1 }), "samples: expected a whole number of at least 0");
  refuses(() => assessRegression(model, given), "dataset: expected one with numbers to predict");
  // deno-lint-ignore no-explicit-any
  refuses(() => assessClassification(model, given, { sample: 3 } as any), 'did you mean "samples"');
  refuses(() => assessClassification([], given), "models: expected at least one");
  refuses(() => predictorOf([identity(2), identity(3)]), "models: expected models for inputs of the same shape");
  const wide = logits([[1, 2, 3]], [0]);
  assertThrows(() => assessClassification(model, given, { foreign: wide }), ShapeError, "examples of shape [2]");
  assertThrows(
    () => assessClassification(buildModel(dense(3), { inputShape: [2] }), given),
    ShapeError,
    "expected 2 outputs for each example",
  );
});
