/** Two steps of training worked out by hand: loss, penalty, clipping, groups, schedule, momentum and average at once. */
import { assertAlmostEquals } from "@std/assert";
import { z } from "zod";
import { buildModel, type Dataset, definePlugin, type Factory, Tensor } from "../../../core/mod.ts";
import { Learner } from "../../../core/train/learner.ts";
import { ema } from "../../../plugins/averages/ema.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { constant } from "../../../plugins/schedules/constant.ts";
import { linear } from "../../../plugins/schedules/linear.ts";

/** Leaves a weight w as it is, and adds w^2 / 4 to the loss. */
const quarterSquare: Factory<"weight", Record<never, never>> = definePlugin({
  name: "quarter-square",
  options: z.object({}),
  weight: (weight) => weight,
  penalty: (_context, { weight }) => weight!.square().sum().mul(0.25),
});

/*
 * The model is y = w x + b, with w = 2 and b = 1 at first; the examples are (x, t) = (1, -2) and (2, 4). With r = y - t,
 * the loss is (r1^2 + r2^2) / 2 and the penalty w^2 / 4, so the gradients are
 *
 *   dw = r1 x1 + r2 x2 + w / 2 = r1 + 2 r2 + w / 2,    db = r1 + r2.
 *
 * Gradients are clipped to a common length of 5. SGD with momentum 0.9: v = 0.9 v + g, beginning with v = g; w goes by the
 * learning rate linear from 0.1 to 0 over 4 steps, b by a group's own of 0.5. Of the weights an average is kept,
 * a = 0.75 a + 0.25 w, beginning with the first weights. The steps are those numbered 1 and 2 (from 0) of 4.
 *
 * Step 1. y = 3, 5; r = 5, 1; loss = (25 + 1) / 2 = 13. dw = 5 + 2 + 1 = 8, db = 6: length 10, clipped to 4 and 3.
 *   v = 4, 3. Learning rate 0.1 (1 - 1/4) = 0.075.
 *   w = 2 - 0.075 * 4 = 1.7; b = 1 - 0.5 * 3 = -0.5.
 *   average of w: 0.75 * 2 + 0.25 * 1.7 = 1.925; of b: 0.75 * 1 - 0.25 * 0.5 = 0.625.
 * Step 2. y = 1.2, 2.9; r = 3.2, -1.1; loss = (10.24 + 1.21) / 2 = 5.725. dw = 3.2 - 2.2 + 0.85 = 1.85, db = 2.1: length
 *   2.799, not clipped. v = 0.9 * 4 + 1.85 = 5.45 and 0.9 * 3 + 2.1 = 4.8. Learning rate 0.1 (1 - 2/4) = 0.05.
 *   w = 1.7 - 0.05 * 5.45 = 1.4275; b = -0.5 - 0.5 * 4.8 = -2.9.
 *   average of w: 0.75 * 1.925 + 0.25 * 1.4275 = 1.800625; of b: 0.75 * 0.625 - 0.25 * 2.9 = -0.25625.
 * Errors: the sums of r^2 are 26 and 11.45.
 */
const inputs = [[1], [2]];
const targets = [[-2], [4]];
const expected = [
  { loss: 13, errors: 26, w: 1.7, b: -0.5, averageW: 1.925, averageB: 0.625, velocityW: 4, velocityB: 3 },
  {
    loss: 5.725,
    errors: 11.45,
    w: 1.4275,
    b: -2.9,
    averageW: 1.800625,
    averageB: -0.25625,
    velocityW: 5.45,
    velocityB: 4.8,
  },
];

for (const accumulate of [1, 2]) {
  Deno.test(`two steps in ${accumulate} parts give the numbers that are worked out by hand`, () => {
    const model = buildModel(dense(1, { weight: quarterSquare() }), { inputShape: [1], dtype: "float64" });
    const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
    weight.assign(Tensor.of([[2]], "float64"));
    bias.assign(Tensor.of([1], "float64"));
    const part = { count: 2, shape: [1], inputs: Float32Array.of(1, 2), scale: 1, targets: Float32Array.of(-2, 4) };
    const dataset: Dataset = { name: "two", classes: 0, outputs: 1, train: part, test: part };
    const learner = new Learner(model, dataset, {
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate: linear({ from: 0.1, to: 0, unit: "step" }), momentum: 0.9 }),
      parameterGroups: [{ match: "^bias$", set: { learningRate: constant({ value: 0.5 }) } }],
      clip: { norm: 5 },
      average: ema({ decay: 0.75 }),
      accumulate,
    });
    for (const [i, step] of expected.entries()) {
      const batch = { inputs: Tensor.of(inputs, "float64"), targets: Tensor.of(targets, "float64") };
      const [loss, errors] = learner.learn(batch, { step: i + 1, stepsPerEpoch: 2, totalSteps: 4 });
      const saved = learner.tensors();
      const found = {
        loss,
        errors,
        w: weight.item(),
        b: bias.item(),
        averageW: saved.get("average/mean/weight")!.item(),
        averageB: saved.get("average/mean/bias")!.item(),
        velocityW: saved.get("optimizer/velocity/weight")!.item(),
        velocityB: saved.get("optimizer/velocity/bias")!.item(),
      };
      for (const name of Object.keys(step) as (keyof typeof step)[]) {
        assertAlmostEquals(found[name], step[name], 1e-12, `${name} after step ${i + 1}`);
      }
    }
    // What is measured, and what is left at the end, is the average.
    const last = expected[1];
    const measured = learner.averaged(() => model.forward(Tensor.of([[1]], "float64")).item());
    assertAlmostEquals(measured, last.averageW + last.averageB, 1e-12);
    assertAlmostEquals(weight.item(), last.w, 1e-12);
    learner.settle();
    assertAlmostEquals(model.forward(Tensor.of([[1]], "float64")).item(), measured, 1e-12);
  });
}
