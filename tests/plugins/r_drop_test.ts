/** R-Drop: its formula, its gradient, and the plain loss without dropout. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fit, gradients, type LossValue, OptionError, type Plugin, Registry, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import { digits } from "../../plugins/datasets/digits.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { rDrop, type RDropOptions } from "../../plugins/dropout/r_drop.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../plugins/losses/cross_entropy.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { random } from "../core/_tensors.ts";
import { built, lossOf } from "./_apply.ts";

const labels = Tensor.of([2, 0, 1], "int32");

const meanOf = ({ sum, weight }: LossValue) => sum.div(weight!);

/** The objective of two passes whose outputs are given. */
function objective(options: RDropOptions, passes: readonly Tensor[]): Tensor {
  const plugin = rDrop(options);
  return meanOf(plugin.definition.objective!((pass) => passes[pass], labels, plugin.options));
}

Deno.test("rDrop() is the mean of two losses and alpha times the mean of both divergences", () => {
  const passes = [random([3, 4], 1), random([3, 4], 2)];
  const [p, q] = passes.map((logits) => logits.softmax().floats);
  let divergence = 0;
  p.forEach((value, i) => divergence += value * Math.log(value / q[i]) + q[i] * Math.log(q[i] / value));
  const losses = passes.map((logits) => lossOf(crossEntropy(), logits, labels).item());
  for (const alpha of [0, 1, 5]) {
    const expected = (losses[0] + losses[1]) / 2 + alpha * divergence / 2 / 3;
    assertAlmostEquals(objective({ alpha }, passes).item(), expected, 1e-12);
  }
  const smooth = crossEntropy({ labelSmoothing: 0.2 });
  const smoothed = passes.reduce((sum, logits) => sum + lossOf(smooth, logits, labels).item() / 2, 0);
  assertAlmostEquals(objective({ alpha: 2, loss: smooth }, passes).item(), smoothed + divergence / 3, 1e-12);
});

Deno.test("rDrop() has the gradients that central differences give, towards both passes", () => {
  for (const alpha of [0, 0.5, 3]) {
    checkGradient((passes) => objective({ alpha }, passes), [random([3, 4], 1), random([3, 4], 2)]);
  }
});

for (const rate of [0, 0.5]) {
  Deno.test(`rDrop() with dropout of rate ${rate} is ${rate === 0 ? "" : "more than "}the plain loss in training`, () => {
    const model = built(sequential([dropout({ rate }), dense(4)]), [6]);
    const x = random([3, 6], 1);
    const plugin = rDrop({ alpha: 3 });
    const forward = (pass: number) => model.forward(x, { mode: "train", step: 2, pass });
    const found = meanOf(plugin.definition.objective!(forward, labels, plugin.options));
    const losses = [0, 1].map((pass) => lossOf(crossEntropy(), forward(pass), labels));
    const plain = losses[0].add(losses[1]).mul(0.5);
    const parameters = model.parameters().map(({ tensor }) => tensor);
    if (rate > 0) assert(found.item() > plain.item() + 0.01);
    else {
      assertAlmostEquals(found.item(), losses[0].item(), 1e-14);
      const [expected, actual] = [losses[0], found].map((loss) => gradients(loss, parameters)[0].floats);
      actual.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-14));
    }
    assertEquals(lossOf(plugin, forward(0), labels).item(), losses[0].item());
  });
}

Deno.test("rDrop() trains, and without dropout ends where the plain loss ends", async () => {
  const model = sequential([dense(10)]);
  const data = digits({ train: 60, test: 20 });
  const run = (loss: Plugin<"loss">) =>
    fit(model, { data, loss, optimizer: sgd({ learningRate: 0.1 }), epochs: 1, batchSize: 20, seed: 1 });
  const [plain, twice] = [await run(crossEntropy()), await run(rDrop({ alpha: 4 }))];
  assertAlmostEquals(twice.testLoss, plain.testLoss, 1e-5);
});

Deno.test("rDrop() survives JSON with the loss it wraps, and refuses a negative alpha", () => {
  const plugin = rDrop({ alpha: 2, loss: crossEntropy({ labelSmoothing: 0.1 }) });
  const again = new Registry(builtins).create(JSON.parse(JSON.stringify(plugin)), "loss");
  assertEquals(JSON.stringify(again), JSON.stringify(plugin));
  assertThrows(() => rDrop({ alpha: -1 }), OptionError, "r-drop.alpha: expected a number of at least 0");
});
