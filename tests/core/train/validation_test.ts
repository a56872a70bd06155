/** Validation parts: which examples they hold, and that they are measured. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DataError,
  type Dataset,
  evaluate,
  fit,
  holdBack,
  laneOrder,
  loadDataset,
  OptionError,
  Trainer,
} from "../../../core/mod.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { copy, corners, line, network, options } from "../_runs.ts";

/** Examples that hold their own number, in bytes. */
function numbered(count: number, changes: Partial<Dataset> = {}): Dataset {
  const inputs = Uint8Array.from({ length: 2 * count }, (_, i) => Math.floor(i / 2));
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const part = { count, shape: [2], inputs, scale: 1, labels };
  return { name: "numbered", classes: 2, outputs: 0, train: part, test: part, ...changes };
}

const members = (split: { inputs: ArrayLike<number> }) => Array.from(split.inputs).filter((_, i) => i % 2 === 0);

Deno.test("holdBack() parts the training examples, each with its own target, and keeps their order", () => {
  const { train, validation, test } = holdBack(numbered(100), 0.1, 3);
  assertEquals([train.count, validation!.count, test.count], [90, 10, 100]);
  const [kept, held] = [members(train), members(validation!)];
  assertEquals([...kept, ...held].sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
  assertEquals([kept, held], [kept.toSorted((a, b) => a - b), held.toSorted((a, b) => a - b)]);
  assertEquals([...validation!.labels!], held.map((number) => number % 2));
  assertEquals([...train.labels!], kept.map((number) => number % 2));
  const regression = holdBack(line(20), 0.25, 1);
  assertEquals([regression.train.targets!.length, regression.validation!.targets!.length], [15, 5]);
  const { inputs, targets } = regression.validation!;
  for (let i = 0; i < 5; i++) {
    assert(Math.abs(2 * inputs[2 * i] - inputs[2 * i + 1] - targets![i]) < 1e-6);
  }
});

Deno.test("holdBack() draws by the seed alone: the same part for the same seed, another for another", () => {
  const held = (seed: number, fraction = 0.1) => members(holdBack(numbered(100), fraction, seed).validation!);
  assertEquals(held(3), held(3));
  assertNotEquals(held(3), held(4));
  // A smaller part lies in a larger one.
  assert(held(3, 0.05).every((example) => held(3).includes(example)));
  // Not a piece in one place.
  assertNotEquals(held(3), Array.from({ length: 10 }, (_, i) => 90 + i));
});

Deno.test("holdBack() holds each example back about equally often", () => {
  const counts = new Array(20).fill(0);
  for (let seed = 0; seed < 400; seed++) {
    for (const example of members(holdBack(numbered(20), 0.25, seed).validation!)) counts[example]++;
  }
  // 100 of 400 expected, deviation sqrt(400 / 4 * 3 / 4) = 8.7; five of them for 20 counts.
  for (const count of counts) assert(Math.abs(count - 100) < 44, String(counts));
});

Deno.test("holdBack() of lanes cuts the sequence at a boundary", () => {
  const { train, validation } = holdBack(numbered(50, { order: "lanes" }), 0.2, 3);
  assertEquals(members(train), Array.from({ length: 40 }, (_, i) => i));
  assertEquals(members(validation!), Array.from({ length: 10 }, (_, i) => 40 + i));
  assertEquals(laneOrder(train.count, 4).length, 40);
});

Deno.test("holdBack() refuses fractions and data sets for which there is no part", () => {
  for (const fraction of [0, 1, -0.1, NaN, 1.5]) {
    assertThrows(
      () => holdBack(numbered(9), fraction, 1),
      OptionError,
      "validation: expected a number between 0 and 1",
    );
  }
  assertThrows(() => holdBack(numbered(1), 0.5, 1), OptionError, "leaves some of 1 examples to train on");
  const own = numbered(9, { validation: numbered(3).train });
  assertThrows(() => holdBack(own, 0.5, 1), OptionError, "numbered has a validation part of its own");
});

Deno.test("a validation part is measured after each epoch, and not trained on", async () => {
  const trainer = await Trainer.create(network(), options({ validation: 0.2 }));
  assertEquals([trainer.info.examples, trainer.info.validationExamples, trainer.info.stepsPerEpoch], [40, 10, 5]);
  while (!trainer.done) await trainer.runEpoch();
  const result = await trainer.end();
  assertEquals(result.history.length, 4);
  for (const { validationLoss, validationError } of result.history) {
    assert(validationLoss! > 0 && validationError! >= 0 && validationError! <= 1);
  }
  const { validation } = holdBack(corners(), 0.2, 5);
  const expected = evaluate(result.model, corners(), crossEntropy(), { split: validation });
  assertEquals([result.validationLoss, result.validationError], [expected.loss, expected.error]);
  // The same weights come out of a run on the other examples alone.
  const { train } = holdBack(corners(), 0.2, 5);
  const plain = await fit(network(), options({ data: { ...corners(), train } }));
  assertEquals(
    plain.model.parameters().map((p) => [...p.tensor.floats]),
    result.model.parameters().map((p) => [...p.tensor.floats]),
  );
  assert(!("validationLoss" in plain) && !("validationError" in plain.history[0]));
});

Deno.test("a data set's own validation part is measured, and with it no fraction is taken", async () => {
  const data = { ...corners(), validation: corners(20).test };
  const result = await fit(network(), options({ data }));
  const expected = evaluate(result.model, data, crossEntropy(), { split: data.validation });
  assertEquals([result.validationLoss, result.validationError], [expected.loss, expected.error]);
  await assertRejects(
    () => fit(network(), options({ data, validation: 0.1 })),
    OptionError,
    "validation: expected none",
  );
});

Deno.test("a run with a validation part resumes with the same part", async () => {
  const whole = await Trainer.create(network(), options({ validation: 0.2 }));
  await whole.runEpoch();
  const resume = copy(whole.snapshot());
  while (!whole.done) await whole.runEpoch();
  const again = await Trainer.create(network(), options({ validation: 0.2, resume }));
  while (!again.done) await again.runEpoch();
  assertEquals(again.history.map((m) => m.validationLoss), whole.history.map((m) => m.validationLoss));
});

Deno.test("a validation part that does not fit the others is refused", async () => {
  const bad = (validation: Dataset["train"]) => loadDataset({ ...corners(), validation });
  await assertRejects(() => bad({ ...corners().test, count: 7 }), DataError, "validation part: 7 examples");
  await assertRejects(
    () => bad({ ...corners().test, labels: undefined }),
    DataError,
    "validation part: expected 50 labels",
  );
  const flat = { count: 1, shape: [2], inputs: new Float32Array(2), scale: 1, labels: Int32Array.of(0) };
  await assertRejects(() => bad(flat), DataError, "examples of shapes [6] and [2]");
});
