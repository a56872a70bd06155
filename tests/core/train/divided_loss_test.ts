/** Losses are sums with weights, and only the driver divides: whatever a batch is split into, the step is the same. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  type Dataset,
  definePlugin,
  evaluate,
  type Factory,
  type LayerPlugin,
  lossOf,
  type Plugin,
  Tensor,
} from "../../../core/mod.ts";
import { Learner } from "../../../core/train/learner.ts";
import { rDrop } from "../../../plugins/dropout/r_drop.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { embedding } from "../../../plugins/layers/embedding.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { binaryCrossEntropy } from "../../../plugins/losses/binary_cross_entropy.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { gaussianNll } from "../../../plugins/losses/gaussian_nll.ts";
import { huber } from "../../../plugins/losses/huber.ts";
import { klDivergence } from "../../../plugins/losses/kl_divergence.ts";
import { meanAbsoluteError } from "../../../plugins/losses/mean_absolute_error.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { corners, line } from "../_runs.ts";

/** 11 examples of the triangle's corners, with labels in an uneven order. */
function few(): Dataset {
  const data = corners(11);
  const labels = Int32Array.of(0, 0, 0, 0, 1, 2, 1, 0, 2, 2, 1);
  return { ...data, train: { ...data.train, labels }, test: { ...data.train, labels } };
}

function probabilities(): Dataset {
  const data = corners(11);
  const targets = Float32Array.from({ length: 33 }, (_, i) => [0.5, 0.25, 0.25][(i + Math.floor(i / 3)) % 3]);
  const part = { count: 11, shape: [6], inputs: data.train.inputs, scale: 1, targets };
  return { name: "probabilities", classes: 0, outputs: 3, train: part, test: part };
}

function sequences(): Dataset {
  const inputs = Uint8Array.from({ length: 44 }, (_, i) => i * 3 % 5);
  const labels = Int32Array.from({ length: 44 }, (_, i) => i * i % 5);
  const part = { count: 11, shape: [4], inputs, scale: 1, labels, labelsPerExample: 4 };
  return { name: "sequences", classes: 5, outputs: 0, train: part, test: part };
}

/** Adds 3 w^2 to the loss for each weight w, beside whatever the loss is divided by. */
const squares: Factory<"weight", Record<never, never>> = definePlugin({
  name: "squares",
  options: z.object({}),
  weight: (weight) => weight,
  penalty: (_context, { weight }) => weight!.square().sum().mul(3),
});

const thin = (...layers: LayerPlugin[]) => sequential([dropout({ rate: 0.3 }), ...layers]);

const cases: Record<string, [Plugin<"loss">, Dataset, LayerPlugin]> = {
  "cross-entropy": [crossEntropy(), few(), thin(dense(3))],
  "cross-entropy with class weights": [crossEntropy({ classWeights: [0.1, 3, 1] }), few(), thin(dense(3))],
  "cross-entropy that ignores a label": [crossEntropy({ ignoreIndex: 0 }), few(), thin(dense(3))],
  "cross-entropy that is added up": [crossEntropy({ reduction: "sum" }), few(), thin(dense(3))],
  "cross-entropy of sequences": [
    crossEntropy({ ignoreIndex: 4 }),
    sequences(),
    sequential([embedding(5, 3), dense(5)]),
  ],
  "R-Drop": [rDrop({ alpha: 2 }), few(), thin(dense(3))],
  "mean squared error": [meanSquaredError(), line(11), thin(dense(1))],
  "squared error that is added up": [meanSquaredError({ reduction: "sum" }), line(11), thin(dense(1))],
  "squared error and a penalty": [meanSquaredError(), line(11), thin(dense(1, { weight: squares() }))],
  "squared error that is added up, and a penalty": [
    meanSquaredError({ reduction: "sum" }),
    line(11),
    thin(dense(1, { weight: squares() })),
  ],
  "weighted cross-entropy and a penalty": [
    crossEntropy({ classWeights: [0.1, 3, 1] }),
    few(),
    thin(dense(3, { weight: squares() })),
  ],
  "mean absolute error": [meanAbsoluteError(), line(11), thin(dense(1))],
  "Huber's loss": [huber(), line(11), thin(dense(1))],
  "Gaussian likelihood": [gaussianNll(), line(11), thin(dense(2))],
  "binary cross-entropy": [binaryCrossEntropy({ positiveWeight: 2 }), probabilities(), thin(dense(3))],
  "Kullback-Leibler divergence": [klDivergence(), probabilities(), thin(dense(3))],
};

/** One step on all examples: loss, errors and the weights after it. */
function step([loss, dataset, root]: [Plugin<"loss">, Dataset, LayerPlugin], accumulate: number) {
  const { train } = dataset;
  const model = buildModel(root, { inputShape: train.shape, seed: 3, dtype: "float64" });
  const learner = new Learner(model, dataset, { loss, optimizer: sgd({ learningRate: 0.1 }), accumulate });
  const inputs = Tensor.from(Float64Array.from(train.inputs), [train.count, ...train.shape]);
  const targets = train.labels !== undefined
    ? Tensor.from(train.labels.slice(), train.labelsPerExample === undefined ? [train.count] : [train.count, 4])
    : Tensor.from(Float64Array.from(train.targets!), [train.count, dataset.outputs]);
  const [value, errors] = learner.learn({ inputs, targets }, { step: 5, stepsPerEpoch: 1, totalSteps: 9 });
  return { value, errors, weights: model.parameters().flatMap(({ tensor }) => [...tensor.floats]) };
}

for (const [name, parts] of Object.entries(cases)) {
  Deno.test(`a step with ${name} is the same in any number of parts`, () => {
    const whole = step(parts, 1);
    for (const accumulate of [2, 3, 11]) {
      const split = step(parts, accumulate);
      const where = `in ${accumulate} parts`;
      assertAlmostEquals(split.value, whole.value, 1e-12 * Math.max(1, Math.abs(whole.value)), where);
      assertAlmostEquals(split.errors, whole.errors, 1e-12, where);
      split.weights.forEach((weight, i) => assertAlmostEquals(weight, whole.weights[i], 1e-12, where));
    }
  });
}

for (const [name, [loss, dataset, root]] of Object.entries(cases)) {
  Deno.test(`evaluation with ${name} is the same for any size of batches, and that of all examples at once`, () => {
    const model = buildModel(root, { inputShape: dataset.train.shape, seed: 3 });
    const { test } = dataset;
    const all = evaluate(model, dataset, loss);
    for (const batchSize of [1, 2, 5]) {
      const found = evaluate(model, dataset, loss, { batchSize });
      assertAlmostEquals(found.loss, all.loss, 2e-6 * Math.max(1, Math.abs(all.loss)), `batches of ${batchSize}`);
      assertAlmostEquals(found.error, all.error, 1e-6, `batches of ${batchSize}`);
    }
    const inputs = Tensor.from(Float32Array.from(test.inputs), [test.count, ...test.shape]);
    const targets = test.labels !== undefined
      ? Tensor.from(test.labels.slice(), test.labelsPerExample === undefined ? [test.count] : [test.count, 4])
      : Tensor.from(test.targets!.slice(), [test.count, dataset.outputs]);
    const once = lossOf(loss, model.forward(inputs), targets).item();
    assertAlmostEquals(all.loss, once, 2e-6 * Math.max(1, Math.abs(once)));
  });
}

Deno.test("a batch of which nothing counts has a loss of 0 and leaves the weights as they are", () => {
  const data = few();
  const labels = new Int32Array(11);
  const nothing = { ...data, train: { ...data.train, labels } };
  for (const accumulate of [1, 3]) {
    const before = buildModel(dense(3), { inputShape: [6], seed: 3, dtype: "float64" });
    const { value, weights } = step([crossEntropy({ ignoreIndex: 0 }), nothing, dense(3)], accumulate);
    assertEquals(value, 0);
    assertEquals(weights, before.parameters().flatMap(({ tensor }) => [...tensor.floats]));
  }
});

Deno.test("a loss that is added up has the gradient of the sum: the mean's times the examples", () => {
  const mean = step([meanSquaredError(), line(11), dense(1)], 1);
  const sum = step([meanSquaredError({ reduction: "sum" }), line(11), dense(1)], 1);
  const before = buildModel(dense(1), { inputShape: [2], seed: 3, dtype: "float64" }).parameters()
    .flatMap(({ tensor }) => [...tensor.floats]);
  assertAlmostEquals(sum.value, 11 * mean.value, 1e-12);
  before.forEach((weight, i) => {
    assertAlmostEquals(sum.weights[i] - weight, 11 * (mean.weights[i] - weight), 1e-12);
    assert(mean.weights[i] !== weight);
  });
});
