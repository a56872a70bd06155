/** Measuring a model: the answer belongs to the examples, not to the batches that they are run in. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { buildModel, evaluate, fit, type LayerPlugin, OptionError, predict, Tensor } from "../../../core/mod.ts";
import { dropConnect } from "../../../plugins/dropout/drop_connect/drop_connect.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { corners, options } from "../_runs.ts";

/** Gaussian DropConnect, which draws in mode `eval`. */
const gaussian = (): LayerPlugin =>
  sequential([dense(16, { weight: dropConnect({ rate: 0.5, inference: "normal", samples: 2 }) }), relu(), dense(3)]);

Deno.test("evaluate() gives one answer for all sizes of batches, also where a variant draws", () => {
  const model = buildModel(gaussian(), { inputShape: [6], seed: 2 });
  const data = corners(103);
  const all = evaluate(model, data, crossEntropy());
  for (const batchSize of [1, 7, 50, 102, 103, 1000]) {
    const found = evaluate(model, data, crossEntropy(), { batchSize });
    assertEquals(found.error, all.error, `batches of ${batchSize}`);
    assert(Math.abs(found.loss - all.loss) < 1e-6, `batches of ${batchSize}: ${found.loss} and ${all.loss}`);
  }
  // The draws do matter: another seed gives another loss from the same weights.
  const other = buildModel(gaussian(), { inputShape: [6], seed: 3 });
  other.parameters().forEach(({ tensor }, i) => tensor.assign(model.parameters()[i].tensor));
  assertNotEquals(evaluate(other, data, crossEntropy()).loss, all.loss);
});

Deno.test("evaluate() and predict() of lanes give each example the draws of its own number", () => {
  const model = buildModel(gaussian(), { inputShape: [6], seed: 2 });
  const data = corners(103);
  const all = evaluate(model, data, crossEntropy());
  const lanes = evaluate(model, { ...data, order: "lanes" }, crossEntropy());
  assertEquals(lanes.error, all.error);
  assert(Math.abs(lanes.loss - all.loss) < 1e-6, `${lanes.loss} and ${all.loss}`);
  const x = Tensor.from(data.test.inputs.slice() as Float32Array<ArrayBuffer>, [103, 6]);
  const examples = [50, 3, 102, 4];
  const some = predict(model, Tensor.concat(examples.map((row) => x.slice([row], [row + 1]))), {
    samples: 3,
    examples,
    batchSize: 3,
  });
  const each = predict(model, x, { samples: 3 });
  examples.forEach((row, i) =>
    assertEquals(some.mean.slice([i], [i + 1]).toArray(), each.mean.slice([row], [row + 1]).toArray())
  );
  assertThrows(() => predict(model, x, { examples: [1] }), OptionError, "a number for each of 103 examples, found 1");
});

Deno.test("evaluate() of the first examples gives them the draws that they have among all", () => {
  const model = buildModel(gaussian(), { inputShape: [6], seed: 2 });
  const [one, two] = [1, 2].map((limit) => evaluate(model, corners(20), crossEntropy(), { limit }).loss);
  const second = evaluate(model, corners(20), crossEntropy(), { limit: 2, batchSize: 1 }).loss;
  assert(Math.abs(second - two) < 1e-6);
  assertNotEquals(one, two);
});

Deno.test("evaluate() takes options that are schedules as they are at the moment it is told", async () => {
  // Evaluation multiplies by the keep probability, which falls from 1 to 1/2.
  const rate = linear({ from: 0, to: 0.5 });
  const root = sequential([dense(8), relu(), dropout({ rate, convention: "classic" }), dense(3)]);
  const { model, testLoss, stepsPerEpoch } = await fit(root, options({ epochs: 2 })).then((result) => ({
    ...result,
    stepsPerEpoch: result.step / 2,
  }));
  const at = (step: number) =>
    evaluate(model, corners(), crossEntropy(), {
      progress: { step, stepsPerEpoch, totalSteps: 2 * stepsPerEpoch },
    }).loss;
  assertEquals(at(2 * stepsPerEpoch), testLoss);
  assertNotEquals(at(0), testLoss);
  const fixed = sequential([dense(8), relu(), dropout({ rate: 0.5, convention: "classic" }), dense(3)]);
  const half = buildModel(fixed, { inputShape: [6] });
  half.parameters().forEach(({ tensor }, i) => tensor.assign(model.parameters()[i].tensor));
  assertEquals(evaluate(half, corners(), crossEntropy()).loss, testLoss);
});

Deno.test("evaluate() refuses options that there are not, and counts below 1", () => {
  const model = buildModel(dense(3), { inputShape: [6] });
  const refuse = (given: Record<string, unknown>, text: string) =>
    assertThrows(() => evaluate(model, corners(), crossEntropy(), given), OptionError, text);
  refuse({ limits: 3 }, "evaluate.limits: expected one of the options split, limit, batchSize, progress");
  refuse({ limit: 0 }, "limit: expected a whole number of at least 1, found 0");
  refuse({ batchSize: 1.5 }, "batchSize: expected a whole number");
});
