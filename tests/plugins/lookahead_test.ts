/** An optimizer that wraps another: slow weights, slots of both, options of both. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  OptimizerDriver,
  OptionError,
  type Plugin,
  type Snapshot,
  Tensor,
  Trainer,
} from "../../core/mod.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { adam } from "../../plugins/optimizers/adam/adam.ts";
import { lookahead } from "../../plugins/optimizers/lookahead.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { copy, network, numbers, options } from "../core/_runs.ts";

/** The weight of y = w x after each of some updates with the gradient 1, beginning with 10. */
function walk(optimizer: Plugin<"optimizer">, steps: number): number[] {
  const model = buildModel(dense(1, { bias: false }), { inputShape: [1], dtype: "float64" });
  const weight = model.parameters()[0].tensor;
  weight.assign(Tensor.of([[10]], "float64"));
  const driver = new OptimizerDriver(optimizer, model);
  return Array.from({ length: steps }, (_, step) => {
    driver.update([Tensor.of([[1]], "float64")], { step, stepsPerEpoch: 1, totalSteps: steps });
    return weight.item();
  });
}

Deno.test("lookahead() goes part of the way that the optimizer inside has gone, every so many steps", () => {
  // Fast: 9, 8, 7; slow: 10 + 0.5 (7 - 10) = 8.5. Fast: 7.5, 6.5, 5.5; slow: 8.5 + 0.5 (5.5 - 8.5) = 7.
  assertEquals(walk(lookahead(sgd({ learningRate: 1 }), { every: 3 }), 7), [9, 8, 8.5, 7.5, 6.5, 7, 6]);
  assertEquals(walk(lookahead(sgd({ learningRate: 1 }), { every: 2, alpha: 1 }), 4), [9, 8, 7, 6]);
});

Deno.test("the optimizer inside keeps its slots, schedules and number of updates", () => {
  const inner = sgd({ learningRate: linear({ from: 1, to: 0, unit: "step" }), momentum: 0.5 });
  // Alone: v = 1, 1.5, 1.75, 1.875; rates 1, 3/4, 1/2, 1/4.
  const alone = walk(inner, 4);
  assertEquals(alone, [9, 9 - 1.125, 9 - 1.125 - 0.875, 9 - 1.125 - 0.875 - 0.46875]);
  assertEquals(walk(lookahead(inner, { every: 100 }), 4), alone);
  const bias = walk(lookahead(adam({ learningRate: 1 }), { every: 100 }), 3);
  walk(adam({ learningRate: 1 }), 3).forEach((value, i) => assertAlmostEquals(bias[i], value, 1e-12));
});

Deno.test("a run with a wrapped optimizer saves the slots of both, and resumes bit for bit", async () => {
  const optimizer = lookahead(lookahead(adam({ learningRate: 0.05 }), { every: 2 }), { every: 3 });
  const parameterGroups = [{ match: "bias$", set: { every: 4 } }];
  const whole = await Trainer.create(network(), options({ optimizer, parameterGroups }));
  const saved: Snapshot[] = [];
  while (!whole.done) {
    await whole.runEpoch();
    saved.push(copy(whole.snapshot()));
  }
  const slots = [...saved[0].tensors.keys()].filter((name) =>
    name.startsWith("optimizer/") && name.endsWith("/1.weight")
  );
  assertEquals(slots.sort(), [
    "optimizer/0/0/first/1.weight",
    "optimizer/0/0/second/1.weight",
    "optimizer/0/slow/1.weight",
    "optimizer/slow/1.weight",
  ]);
  const again = await Trainer.create(network(), options({ optimizer, parameterGroups, resume: saved[1] }));
  while (!again.done) await again.runEpoch();
  assertEquals(numbers(again.snapshot()), numbers(whole.snapshot()));
});

Deno.test("lookahead() refuses what is no optimizer, and options out of range", () => {
  assertThrows(
    () => lookahead(dense(1) as unknown as Plugin<"optimizer">),
    OptionError,
    "expected an optimizer plugin",
  );
  assertThrows(
    () => lookahead(sgd(), { every: 0 }),
    OptionError,
    "lookahead.every: expected a whole number of at least 1",
  );
  assertThrows(() => lookahead(sgd(), { alpha: 0 }), OptionError, "lookahead.alpha: expected a number in (0, 1]");
});
