/** Losses against hand-computed values and central differences: options, reductions, predictions, refusals. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError, type Dataset, fit, gradients, OptionError, ShapeError, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { binaryCrossEntropy } from "../../plugins/losses/binary_cross_entropy.ts";
import { crossEntropy } from "../../plugins/losses/cross_entropy.ts";
import { gaussianNll } from "../../plugins/losses/gaussian_nll.ts";
import { huber } from "../../plugins/losses/huber.ts";
import { klDivergence } from "../../plugins/losses/kl_divergence.ts";
import { meanAbsoluteError } from "../../plugins/losses/mean_absolute_error.ts";
import { meanSquaredError } from "../../plugins/losses/mean_squared_error.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { apart, random } from "../core/_tensors.ts";
import { lossOf } from "./_apply.ts";

const labels = Tensor.of([1, 0, 2], "int32");
const logits = random([3, 3], 1);
const rows = Array.from(labels.ints, (label, row) => -logits.logSoftmax().floats[3 * row + label]);

Deno.test("crossEntropy() with class weights divides by the weights of the labels that count", () => {
  const classWeights = [2, 0.5, 3];
  const weighted = 0.5 * rows[0] + 2 * rows[1] + 3 * rows[2];
  assertAlmostEquals(lossOf(crossEntropy({ classWeights }), logits, labels).item(), weighted / 5.5, 1e-12);
  const some = lossOf(crossEntropy({ classWeights, ignoreIndex: 0 }), logits, labels).item();
  assertAlmostEquals(some, (0.5 * rows[0] + 3 * rows[2]) / 3.5, 1e-12);
  const sum = lossOf(crossEntropy({ classWeights, reduction: "sum" }), logits, labels).item();
  assertAlmostEquals(sum, weighted, 1e-12);
});

Deno.test("crossEntropy() is 0, with zero gradients, where every label is ignored", () => {
  const x = logits.withGradient();
  const loss = lossOf(crossEntropy({ ignoreIndex: -100 }), x, Tensor.full([3], -100, "int32"));
  assertEquals(loss.item(), 0);
  assertEquals(new Set(gradients(loss, [x])[0].floats), new Set([0]));
});

Deno.test("crossEntropy() of a sequence counts each step as a row", () => {
  const sequence = random([2, 3, 4], 2);
  const steps = Tensor.of([[0, 3, 1], [2, 2, 0]], "int32");
  const flat = lossOf(crossEntropy(), sequence.reshape([6, 4]), steps.reshape([6])).item();
  assertEquals(lossOf(crossEntropy(), sequence, steps).item(), flat);
  checkGradient(([x]) => lossOf(crossEntropy(), x, steps), [sequence]);
});

Deno.test("binaryCrossEntropy() is the mean of -t log p - (1 - t) log(1 - p), finite for extreme logits", () => {
  const [x, t] = [random([4, 3], 1), random([4, 3], 2).sigmoid()];
  const expected = (weight: number) => {
    const p = x.sigmoid().floats;
    return [...p].reduce(
      (s, v, i) => s - weight * t.floats[i] * Math.log(v) - (1 - t.floats[i]) * Math.log(1 - v),
      0,
    ) / 12;
  };
  assertAlmostEquals(lossOf(binaryCrossEntropy(), x, t).item(), expected(1), 1e-12);
  assertAlmostEquals(lossOf(binaryCrossEntropy({ positiveWeight: 3 }), x, t).item(), expected(3), 1e-12);
  const each = lossOf(binaryCrossEntropy({ positiveWeight: [3, 3, 3] }), x, t).item();
  assertAlmostEquals(each, expected(3), 1e-12);
  const extreme = Tensor.of([[1000, -1000]], "float64");
  assertEquals(lossOf(binaryCrossEntropy({ positiveWeight: 2 }), extreme, Tensor.of([[1, 0]], "float64")).item(), 0);
  assertEquals(lossOf(binaryCrossEntropy(), extreme, Tensor.of([[0, 1]], "float64")).item(), 1000);
  assertThrows(() => lossOf(binaryCrossEntropy({ positiveWeight: [1, 2] }), x, t), ShapeError, "found 2");
});

Deno.test("huber() is half the square up to delta and a line beyond it", () => {
  const d = Tensor.of([[0, 1, -2, 5]], "float64");
  const zero = Tensor.zeros([1, 4], "float64");
  assertEquals(lossOf(huber({ delta: 2, reduction: "sum" }), d, zero).item(), 0.5 + 2 + 2 * (5 - 1));
  assertEquals(lossOf(huber({ delta: 2 }), d, zero).item(), 10.5 / 4);
});

Deno.test("gaussianNll() is least at the true mean and variance, and agrees between log and value", () => {
  const t = Tensor.of([[1], [3]], "float64");
  const heads = (mean: number, spread: number) => Tensor.of([[mean, spread], [mean, spread]], "float64");
  const at = (mean: number, variance: number) => lossOf(gaussianNll(), heads(mean, Math.log(variance)), t).item();
  assertAlmostEquals(at(2, 1), 0.5, 1e-12);
  assert(at(2, 1) < at(2.1, 1) && at(2, 1) < at(2, 1.1) && at(2, 1) < at(2, 0.9));
  assertAlmostEquals(lossOf(gaussianNll({ variance: "value" }), heads(2, 0.7), t).item(), at(2, 0.7), 1e-12);
  const full = lossOf(gaussianNll({ full: true }), heads(2, 0), t).item();
  assertAlmostEquals(full, 0.5 + 0.5 * Math.log(2 * Math.PI), 1e-12);
  const least = lossOf(gaussianNll({ variance: "value", epsilon: 0.5 }), heads(2, -3), t).item();
  assertAlmostEquals(least, at(2, 0.5), 1e-12);
  assertThrows(() => lossOf(gaussianNll(), random([2, 3], 1), random([2, 1], 1)), ShapeError, "[batch, ..., 2 d]");
});

Deno.test("klDivergence() is 0 for equal distributions, counts 0 log 0 as 0, and takes logarithms", () => {
  const x = random([5, 4], 1);
  assertAlmostEquals(lossOf(klDivergence(), x, x.softmax()).item(), 0, 1e-14);
  const t = Tensor.of([[1, 0, 0.25], [0, 0.5, 0.5]], "float64");
  const logP = random([2, 3], 2).logSoftmax();
  const expected = [...t.floats].reduce(
    (sum, v, i) => v === 0 ? sum : sum + v * (Math.log(v) - logP.floats[i]),
    0,
  );
  const logs = { outputs: "log-probabilities" } as const;
  assertAlmostEquals(lossOf(klDivergence({ reduction: "sum" }), logP, t).item(), expected, 1e-12);
  assertAlmostEquals(lossOf(klDivergence(logs), logP, t).item(), expected / 2, 1e-12);
  const logT = lossOf(klDivergence({ ...logs, logTargets: true }), logP, t.log()).item();
  assertAlmostEquals(logT, expected / 2, 1e-12);
});

Deno.test("sums are means times the count", () => {
  const [a, b] = [random([4, 3], 1), random([4, 3], 2)];
  for (const loss of [meanSquaredError(), meanAbsoluteError(), huber(), binaryCrossEntropy()]) {
    const sum = lossOf(loss.with({ reduction: "sum" }), a, b).item();
    assertAlmostEquals(sum, 12 * lossOf(loss, a, b).item(), 1e-12, loss.plugin);
  }
});

Deno.test("further losses have the gradients that central differences give", () => {
  const t = random([3, 2], 5).sigmoid();
  for (const reduction of ["mean", "sum"] as const) {
    for (const shape of [[1, 1], [3, 2]]) {
      const [x, y] = [apart(shape, 1), apart(shape, 2).add(0.02)];
      for (const loss of [meanAbsoluteError({ reduction }), huber({ reduction, delta: 0.3 })]) {
        checkGradient(([x, y]) => lossOf(loss, x, y), [x, y]);
      }
    }
    checkGradient(([x]) => lossOf(binaryCrossEntropy({ reduction }), x, t), [random([3, 2], 1)]);
    checkGradient(([x]) => lossOf(binaryCrossEntropy({ reduction, positiveWeight: [2, 5] }), x, t), [
      random([3, 2], 1),
    ]);
    checkGradient(([x]) => lossOf(gaussianNll({ reduction }), x, t), [random([3, 4], 1)]);
    const positive = random([3, 4], 1).exp();
    checkGradient(([x]) => lossOf(gaussianNll({ reduction, variance: "value" }), x, t), [positive]);
    checkGradient(([x]) => lossOf(klDivergence({ reduction }), x, t.softmax()), [random([3, 2], 1)]);
    const weighted = crossEntropy({ reduction, classWeights: [1, 0, 2], ignoreIndex: 0, labelSmoothing: 0.1 });
    checkGradient(([x]) => lossOf(weighted, x, labels), [random([3, 3], 1)]);
  }
});

Deno.test("losses refuse targets and options that do not fit", () => {
  const [a, b] = [random([2, 3], 1), random([2, 2], 1)];
  for (const loss of [meanAbsoluteError(), huber(), binaryCrossEntropy(), klDivergence()]) {
    assertThrows(() => lossOf(loss, a, b), ShapeError, `${loss.plugin}: expected targets of the outputs' shape [2, 3]`);
  }
  assertThrows(() => lossOf(crossEntropy({ classWeights: [1, 2] }), logits, labels), ShapeError, "3 class weights");
  assertThrows(
    () => lossOf(crossEntropy({ ignoreIndex: 7 }), logits, Tensor.of([0, 3, 7], "int32")),
    DataError,
    "found 3",
  );
  assertThrows(() => crossEntropy({ labelSmoothing: 2 }), OptionError, "cross-entropy.labelSmoothing");
  assertThrows(() => crossEntropy({ classWeights: [-1] }), OptionError, "cross-entropy.classWeights.0");
  assertThrows(() => huber({ delta: 0 }), OptionError, "huber.delta: expected a number above 0");
  assertThrows(() => huber({ reduction: "none" as "sum" }), OptionError, "huber.reduction");
});

Deno.test("a model with two heads trains with gaussianNll(), and its error is that of the means", async () => {
  const inputs = Float32Array.from({ length: 200 }, (_, i) => i / 100 - 1);
  const targets = inputs.map((x, i) => 3 * x + (i % 2 === 0 ? 0.5 : -0.5));
  const split = { count: 200, shape: [1], inputs, scale: 1, targets };
  const data: Dataset = { name: "line", classes: 0, outputs: 1, train: split, test: split };
  const options = { data, optimizer: sgd({ learningRate: 0.05 }), epochs: 60, batchSize: 20, seed: 1 };
  const run = await fit(dense(2), { ...options, loss: gaussianNll() });
  // The noise has standard deviation 0.5: so has the error, and exp of the second head is its square.
  assertAlmostEquals(run.testError, 0.5, 0.03);
  const spread = run.model.forward(Tensor.of([[0]])).floats[1];
  assertAlmostEquals(Math.exp(spread), 0.25, 0.05);
});
