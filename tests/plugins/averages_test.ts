/** What owns the weights of evaluation: the running mean and the plain mean, by hand, measured, saved and resumed. */
import { assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  fit,
  type FitOptions,
  measuredWeights,
  OptionError,
  type Plugin,
  type Snapshot,
  Trainer,
} from "../../core/mod.ts";
import { ema } from "../../plugins/averages/ema.ts";
import { swa } from "../../plugins/averages/swa.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { constant } from "../../plugins/schedules/constant.ts";
import { copy, network, numbers, options } from "../core/_runs.ts";

const name = "model/1.weight";

/** The weights after each step of a run of 4 epochs of 7 steps, the first ones first, and those measured beside them. */
async function follow(average: Plugin<"average">, changes: Partial<FitOptions> = {}) {
  const weights: number[][] = [];
  const measured: number[][] = [];
  const note = (snapshot: Snapshot) => {
    weights.push([...snapshot.tensors.get(name)!.floats]);
    measured.push([...measuredWeights(snapshot).get(name)!.floats]);
  };
  const trainer = await Trainer.create(network(), options({ average, batchSize: 50, epochs: 6, ...changes }));
  note(trainer.snapshot());
  while (!trainer.done) {
    await trainer.runEpoch();
    note(trainer.snapshot());
  }
  return { weights, measured, trainer };
}

const closeTo = (found: number[], expected: number[]) =>
  found.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6));

Deno.test("ema() is the running mean of the weights, beginning with the first", async () => {
  for (const decay of [0.6, constant({ value: 0.6 })]) {
    const { weights, measured } = await follow(ema({ decay }));
    let mean = weights[0];
    assertEquals(measured[0], mean);
    for (let i = 1; i < weights.length; i++) {
      mean = mean.map((value, j) => 0.6 * value + 0.4 * weights[i][j]);
      closeTo(measured[i], mean);
    }
  }
});

Deno.test("swa() is the mean of the weights at the ends of epochs, from some epoch on", async () => {
  const { weights, measured } = await follow(swa({ from: 2 }), { batchSize: 8 });
  for (let i = 0; i <= 2; i++) assertEquals(measured[i], weights[i]);
  for (let i = 3; i <= 6; i++) {
    const taken = weights.slice(3, i + 1);
    closeTo(measured[i], weights[0].map((_, j) => taken.reduce((sum, w) => sum + w[j], 0) / taken.length));
  }
});

Deno.test("swa() takes up the ends of epochs only, or every step when it is told so", async () => {
  const at = async (average: Plugin<"average">, epochs: number) => {
    const trainer = await Trainer.create(network(), options({ average, epochs: 4 }));
    for (let i = 0; i < epochs; i++) await trainer.runEpoch();
    const { tensors } = trainer.snapshot();
    return [tensors.get(name)!.toArray(), measuredWeights(trainer.snapshot()).get(name)!.toArray()];
  };
  const [weights, measured] = await at(swa(), 1);
  assertEquals(measured, weights); // of one epoch's end alone
  const [, steps] = await at(swa({ every: "step" }), 1);
  assertNotEquals(steps, weights);
  const [, late] = await at(swa({ every: "step", from: 1 }), 1);
  assertEquals(late, weights); // none yet
});

for (const average of [ema({ decay: 0.9 }), swa({ from: 1 }), swa({ every: "step", from: 0.5 })]) {
  const given = JSON.stringify(average.options);
  Deno.test(`a run with ${average.plugin} ${given} resumes with the bits of one that was not stopped`, async () => {
    const whole = await Trainer.create(network(), options({ average }));
    const saved: Snapshot[] = [copy(whole.snapshot())];
    while (!whole.done) {
      await whole.runEpoch();
      saved.push(copy(whole.snapshot()));
    }
    for (const resume of saved.slice(0, -1)) {
      const again = await Trainer.create(network(), options({ average, resume }));
      assertEquals(numbers(again.snapshot()), numbers(resume));
      while (!again.done) await again.runEpoch();
      assertEquals(numbers(again.snapshot()), numbers(whole.snapshot()));
      assertEquals(again.history.map((m) => m.testLoss), whole.history.map((m) => m.testLoss));
    }
  });
}

Deno.test("averages refuse options out of range, and fit() what is no average", async () => {
  for (const decay of [1, -0.1]) {
    assertThrows(() => ema({ decay }), OptionError, "ema.decay: expected a number in [0, 1)");
  }
  assertThrows(() => swa({ from: -1 }), OptionError, "swa.from: expected a number of at least 0");
  const wrong = options({ average: sgd() as unknown as Plugin<"average"> });
  await assertRejects(() => fit(dense(3), wrong), OptionError, "average: expected a plugin that owns the weights");
});
