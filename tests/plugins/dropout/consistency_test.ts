/** What the consistency loss promises: mean teacher's squared difference, its gradients, and its weight's schedule. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, type LossValue, OptionError, optionsAt, Registry, Tensor, Trainer } from "../../../core/mod.ts";
import {
  builtins,
  consistency,
  type ConsistencyOptions,
  crossEntropy,
  dense,
  digits,
  dropout,
  fit,
  gapDropout,
  linear,
  rampUp,
  sequential,
  sgd,
} from "../../../mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { copy, options } from "../../core/_runs.ts";
import { random } from "../../core/_tensors.ts";
import { built, lossOf, valueAt } from "../_apply.ts";

const labels = Tensor.of([2, 0, 1], "int32");
const passes = () => [random([3, 4], 1), random([3, 4], 2)];

const meanOf = ({ sum, weight }: LossValue) => sum.div(weight ?? 1);

/** The objective of two passes whose outputs are given. */
function objective(given: ConsistencyOptions, outputs: readonly Tensor[], targets: Tensor = labels): Tensor {
  const plugin = consistency(given);
  return meanOf(plugin.definition.objective!((pass) => outputs[pass], targets, plugin.options));
}

/** The squared difference of two rows' probabilities, averaged over classes and rows. */
function difference([first, second]: readonly Tensor[]): number {
  const [p, q] = [first, second].map((logits) => [...logits.softmax().floats]);
  return p.reduce((sum, value, i) => sum + (value - q[i]) ** 2, 0) / p.length;
}

Deno.test("consistency() is the first pass's loss and the weighted squared difference of probabilities", () => {
  const outputs = passes();
  const first = lossOf(crossEntropy(), outputs[0], labels).item();
  for (const weight of [0, 1, 30]) {
    for (const teacher of [false, true]) {
      assertAlmostEquals(objective({ weight, teacher }, outputs).item(), first + weight * difference(outputs), 1e-12);
    }
  }
  // Certain of other classes: a difference of 2 over the number of classes.
  const apart = [Tensor.of([[500, 0, 0, 0]], "float64"), Tensor.of([[0, 500, 0, 0]], "float64")];
  assertAlmostEquals(objective({ weight: 1 }, apart, Tensor.of([0], "int32")).item(), 0.5, 1e-12);
  const smooth = crossEntropy({ labelSmoothing: 0.2 });
  const expected = lossOf(smooth, outputs[0], labels).item() + 2 * difference(outputs);
  assertAlmostEquals(objective({ weight: 2, loss: smooth }, outputs).item(), expected, 1e-12);
});

Deno.test("both passes of consistency() have gradients, a teacher has none, and the first then has that of a fixed target", () => {
  checkGradient((outputs) => objective({ weight: 3 }, outputs), passes());
  const outputs = passes().map((logits) => logits.withGradient());
  const [, toTeacher] = gradients(objective({ weight: 3, teacher: true }, outputs), outputs);
  assertEquals(new Set(toTeacher.floats), new Set([0]));
  const [first, second] = passes();
  checkGradient(([logits]) => objective({ weight: 3, teacher: true }, [logits, second]), [first]);
});

Deno.test("consistency() without dropout is the plain loss, and that of one pass at evaluation", () => {
  const model = built(sequential([dropout({ rate: 0 }), dense(4)]), [6]);
  const x = random([3, 6], 1);
  const forward = (pass: number) => model.forward(x, { mode: "train", step: 2, pass });
  const plugin = consistency({ weight: 50 });
  const found = meanOf(plugin.definition.objective!(forward, labels, plugin.options)).item();
  assertEquals(found, lossOf(crossEntropy(), forward(0), labels).item());
  assertEquals(lossOf(plugin, passes()[0], labels).item(), lossOf(crossEntropy(), passes()[0], labels).item());
});

Deno.test("examples without labels are to be consistent too, also where a whole batch has none", () => {
  const outputs = passes();
  const loss = crossEntropy({ ignoreIndex: -1 });
  const some = Tensor.of([2, -1, -1], "int32");
  const first = lossOf(loss, outputs[0], some).item();
  assertAlmostEquals(objective({ weight: 4, loss }, outputs, some).item(), first + 4 * difference(outputs), 1e-12);
  const none = Tensor.of([-1, -1, -1], "int32");
  assertAlmostEquals(objective({ weight: 4, loss }, outputs, none).item(), 4 * difference(outputs), 1e-12);
});

Deno.test("rampUp() rises as e^(-5 (1 - t)^2), and stays", () => {
  const schedule = rampUp({ to: 10, over: 4 });
  const at = (step: number) => valueAt(schedule, { step, stepsPerEpoch: 10, totalSteps: 100 });
  assertAlmostEquals(at(0), 10 * Math.exp(-5), 1e-12);
  assertAlmostEquals(at(0), 0.067379469990855, 1e-12);
  assertAlmostEquals(at(20), 10 * Math.exp(-1.25), 1e-12);
  assertEquals([at(40), at(60)], [10, 10]);
  assertAlmostEquals(
    valueAt(rampUp({ over: 10, unit: "step" }), { step: 5, stepsPerEpoch: 1, totalSteps: 1 }),
    Math.exp(-1.25),
  );
  assertThrows(() => rampUp({ over: 0 }), OptionError, "ramp-up.over: expected a number above 0");
});

Deno.test("the weight of consistency() may be a schedule: a run follows it step by step", async () => {
  const run = async (weight: ConsistencyOptions["weight"]) => {
    const trainer = await Trainer.create(
      sequential([dropout({ rate: 0.5 }), dense(3)]),
      options({ loss: consistency({ weight }), epochs: 2 }),
    );
    while (!trainer.done) await trainer.runEpoch();
    return [...trainer.model.parameters()[0].tensor.floats];
  };
  const constant = await run(20);
  // Two ways to one weight at every step, and one to another.
  assertEquals(await run(linear({ from: 20, to: 20 })), constant);
  const rising = String(await run(linear({ from: 0, to: 20 })));
  for (const weight of [0, 20]) assert(rising !== String(await run(weight)), `not a weight of ${weight} all the time`);
  const plugin = consistency({ weight: linear({ from: 0, to: 20 }) });
  assertEquals(optionsAt(plugin, { step: 25, stepsPerEpoch: 10, totalSteps: 100 }, "loss").weight, 5);
});

Deno.test("what a schedule in a loss remembers is saved, and a run resumed with its bits", async () => {
  const root = sequential([dropout({ rate: 0.5 }), dense(3)]);
  const loss = consistency({ weight: gapDropout({ rate: 0.2, step: 0.5, most: 1, tolerance: 0 }) });
  const settings = () => options({ loss, epochs: 4, validation: 0.3 });
  const whole = await Trainer.create(root, settings());
  await whole.runEpoch();
  await whole.runEpoch();
  const resume = copy(whole.snapshot());
  assertEquals(Object.keys(resume.progress.schedules), ["loss.weight"]);
  while (!whole.done) await whole.runEpoch();
  const again = await Trainer.create(root, { ...settings(), resume });
  while (!again.done) await again.runEpoch();
  const [found, expected] = [again, whole].map(({ model }) => [...model.parameters()[0].tensor.floats]);
  assertEquals(found, expected);
});

Deno.test("consistency() trains, and survives JSON with its schedule and the loss it wraps", async () => {
  const loss = consistency({ weight: rampUp({ to: 10 }), teacher: true, loss: crossEntropy({ labelSmoothing: 0.1 }) });
  const again = new Registry(builtins).create(JSON.parse(JSON.stringify(loss)), "loss");
  assertEquals(JSON.stringify(again), JSON.stringify(loss));
  const { testError } = await fit(sequential([dropout({ rate: 0.2 }), dense(10)]), {
    data: digits({ train: 400, test: 100 }),
    loss,
    optimizer: sgd({ learningRate: 0.1 }),
    epochs: 6,
    batchSize: 20,
    seed: 1,
  });
  assert(testError < 0.4, `${testError}, where guessing gives 0.9`);
  assertThrows(
    () => consistency({ weight: -1 }),
    OptionError,
    "consistency.weight: expected a number of at least 0 or a schedule, found -1",
  );
});
