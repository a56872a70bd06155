/** Data sets with a label at every position, lanes for carried state, and inputs normalized by channel. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  assessClassification,
  buildModel,
  checkDataset,
  crossEntropyRows,
  DataError,
  type Dataset,
  definePlugin,
  evaluate,
  type Factory,
  fit,
  type FitOptions,
  Key,
  laneOrder,
  type LayerPlugin,
  lossOf,
  makeBatch,
  type Observation,
  OptionError,
  type Plugin,
  ShapeError,
  type Snapshot,
  type Split,
  Tensor,
  Trainer,
} from "../../../core/mod.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { embedding } from "../../../plugins/layers/embedding.ts";
import { lstm } from "../../../plugins/layers/lstm.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { adam } from "../../../plugins/optimizers/adam/adam.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { copy, corners, numbers } from "../_runs.ts";

const CLASSES = 5;
const LENGTH = 4;

/** Tokens of a noisy cycle in pieces of four, to be predicted one step ahead. */
function cycle(pieces = 13, order: Dataset["order"] = "shuffled"): Dataset {
  const part = (seed: number): Split => {
    const noise = Tensor.uniform([pieces * LENGTH + 1], Key.seed(seed).at("cycle")).floats;
    const tokens = Array.from(noise, (u, i) => u < 0.1 ? Math.floor(u * 10 * CLASSES) : i % CLASSES);
    return {
      count: pieces,
      shape: [LENGTH],
      inputs: Uint8Array.from(tokens.slice(0, -1)),
      scale: 1,
      labels: Int32Array.from(tokens.slice(1)),
      labelsPerExample: LENGTH,
    };
  };
  return { name: "cycle", classes: CLASSES, outputs: 0, order, train: part(1), test: part(2) };
}

/** An observer that hands every event to the test. */
function watching(observation: Observation): Plugin<"observer"> {
  const watcher: Factory<"observer", Record<never, never>> = definePlugin({
    name: "watcher",
    options: z.object({}),
    observe: () => observation,
  });
  return watcher();
}

function network(stateful?: number): LayerPlugin {
  return sequential([embedding(CLASSES, 3), lstm(6, { stateful }), dropout({ rate: 0.2 }), dense(CLASSES)]);
}

function options(changes: Partial<FitOptions> = {}): FitOptions {
  const optimizer = adam({ learningRate: 0.01 });
  return { data: cycle(), loss: crossEntropy(), optimizer, epochs: 3, batchSize: 4, seed: 2, ...changes };
}

/** Weights and metrics at the end of a run. */
async function run(changes: Partial<FitOptions>, stateful?: number): Promise<[Record<string, number[]>, number[][]]> {
  const trainer = await Trainer.create(network(stateful), options(changes));
  while (!trainer.done) await trainer.runEpoch();
  const all = numbers(copy(trainer.snapshot()));
  const { history } = await trainer.end();
  return [all, history.map((m) => [m.trainLoss, m.testLoss, m.runningLoss, m.trainError, m.runningError])];
}

Deno.test("makeBatch() gives a label for each position", () => {
  const { train } = cycle();
  const { inputs, targets } = makeBatch(train, 0, 1, 3, Uint32Array.of(0, 5, 2));
  assertEquals([inputs.shape, targets.shape, targets.dtype], [[2, LENGTH], [2, LENGTH], "int32"]);
  const rows = (values: ArrayLike<number>) => [5, 2].map((i) => Array.from(values).slice(i * LENGTH, (i + 1) * LENGTH));
  assertEquals(inputs.toArray(), rows(train.inputs));
  assertEquals(targets.toArray(), rows(train.labels!));
});

Deno.test("makeBatch() normalizes each channel, of bytes and of floats", () => {
  const normalize = { mean: [0.5, 2], deviation: [0.25, 4] };
  const bytes: Split = {
    count: 2,
    shape: [2, 1, 2],
    inputs: Uint8Array.of(0, 255, 51, 102, 1, 2, 3, 4),
    scale: 1 / 255,
    normalize,
  };
  const expected = [...bytes.inputs].map((byte, i) => {
    const channel = Math.floor(i / 2) % 2;
    return Math.fround((byte / 255 - normalize.mean[channel]) / normalize.deviation[channel]);
  });
  const floats = { ...bytes, inputs: Float32Array.from(bytes.inputs, (byte) => byte / 255), scale: 1 };
  for (const split of [bytes, floats]) {
    const found = makeBatch({ ...split, labels: Int32Array.of(0, 0) }, 0, 0, 2).inputs.floats;
    found.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6));
  }
});

Deno.test("laneOrder() lets each row of a batch go on where it stopped", () => {
  for (const [count, lanes] of [[1, 1], [7, 2], [12, 4], [13, 4], [5, 5]]) {
    const order = laneOrder(count, lanes);
    const length = Math.floor(count / lanes);
    assertEquals(order.length, length * lanes);
    assertEquals(new Set(order).size, order.length);
    for (let i = lanes; i < order.length; i++) assertEquals(order[i], order[i - lanes] + 1);
  }
});

Deno.test("a run learns to predict each token, and its error is a fraction of the tokens", async () => {
  const result = await fit(network(), options({ data: cycle(60), epochs: 25 }));
  assert(result.testError < 0.4, `test error ${result.testError}; guessing gives 0.8`);
  assert(result.runningError < 1 && result.trainError < 0.4);
});

Deno.test("evaluate() measures loss and error over all positions", () => {
  const data = cycle();
  const model = buildModel(network(), { inputShape: [LENGTH], seed: 1 });
  const { loss, error } = evaluate(model, data, crossEntropy());
  const labels = data.test.labels!;
  const outputs = model.forward(makeBatch(data.test, 0, 0, 13).inputs).reshape([13 * LENGTH, CLASSES]);
  assertAlmostEquals(loss, crossEntropyRows(outputs, Tensor.from(labels, [13 * LENGTH])).mean().item(), 1e-5);
  assertAlmostEquals(error, outputs.argmax().ints.filter((best, i) => best !== labels[i]).length / labels.length, 1e-9);
});

Deno.test("evaluate() of lanes carries states from piece to piece", () => {
  const model = buildModel(network(), { inputShape: [LENGTH], seed: 1 });
  const data = cycle(7, "lanes");
  // Seven lanes of one piece: nothing to carry.
  assertEquals(evaluate(model, data, crossEntropy()), evaluate(model, cycle(7), crossEntropy()));
  // 32 lanes of two pieces, and one piece left over that begins anew.
  const long = cycle(65, "lanes");
  const expected = { sum: 0 };
  const carry = new Map<string, Tensor>();
  const measure = (rows: number[], carry?: Map<string, Tensor>) => {
    const { inputs, targets } = makeBatch(long.test, 0, 0, rows.length, Uint32Array.from(rows));
    const outputs = model.forward(inputs, { carry });
    expected.sum += rows.length * lossOf(crossEntropy(), outputs, targets).item();
  };
  const lanes = Array.from({ length: 32 }, (_, i) => 2 * i);
  measure(lanes, carry);
  measure(lanes.map((first) => first + 1), carry);
  measure([64]);
  assertAlmostEquals(evaluate(model, long, crossEntropy()).loss, expected.sum / 65, 1e-5);
  assertNotEquals(evaluate(model, long, crossEntropy()).loss, evaluate(model, cycle(65), crossEntropy()).loss);
});

Deno.test("assessClassification() of lanes carries states, in each pass its own, and counts every position", () => {
  const root = sequential([embedding(CLASSES, 3), lstm(6), dense(CLASSES)]);
  const model = buildModel(root, { inputShape: [LENGTH], seed: 1 });
  const long = cycle(65, "lanes");
  const { loss, error } = evaluate(model, long, crossEntropy());
  for (const samples of [0, 2]) { // nothing draws: both passes say the same
    const { scores, examples } = assessClassification(model, long, { samples });
    assertEquals(examples, 65 * LENGTH);
    assertAlmostEquals(scores.negativeLogLikelihood, loss, 1e-5);
    assertAlmostEquals(scores.error, error, 1e-9);
  }
});

Deno.test("a run in lanes is not shuffled, leaves out the incomplete batch, and carries states", async () => {
  const data = cycle(15, "lanes");
  const root = sequential([embedding(CLASSES, 3), lstm(6, { stateful: 4 }), dense(CLASSES)]);
  // So small a rate leaves every weight as it is.
  const trainer = await Trainer.create(root, options({ data, optimizer: sgd({ learningRate: 1e-30 }), epochs: 2 }));
  assertEquals([trainer.info.stepsPerEpoch, trainer.info.examples], [3, 15]);
  const carry = new Map<string, Tensor>();
  const model = buildModel(root, { inputShape: [LENGTH], seed: 2 });
  for (let step = 0; step < 3; step++) {
    const order = Uint32Array.from({ length: 4 }, (_, lane) => 3 * lane + step);
    model.forward(makeBatch(data.train, 0, 0, 4, order).inputs, { carry });
  }
  for (let epoch = 0; epoch < 2; epoch++) {
    await trainer.runEpoch();
    const state = trainer.model.state();
    for (const name of ["1.hidden_l0", "1.cell_l0"]) {
      const found = state.get(name)!.floats;
      carry.get(name)!.floats.forEach((value, i) => assertAlmostEquals(found[i], value, 1e-6));
    }
  }
  await trainer.end();
});

Deno.test("a run in lanes that is resumed after any step ends with the bits of one that was not", async () => {
  const data = cycle(15, "lanes");
  const snapshots: Snapshot[] = [];
  const observers = [watching({ step: (event) => void snapshots.push(copy(event.snapshot())) })];
  const whole = await run({ data, observers }, 4);
  assertEquals(snapshots.length, 9);
  for (const resume of snapshots) assertEquals(await run({ data, resume }, 4), whole);
});

Deno.test("a batch with labels at every position can be split to save memory", async () => {
  const [weights, metrics] = await run({});
  const [split, metricsSplit] = await run({ accumulate: 3 });
  for (const name in weights) {
    weights[name].forEach((value, i) => assertAlmostEquals(split[name][i], value, 2e-3, name));
  }
  metrics.flat().forEach((value, i) => assertAlmostEquals(metricsSplit.flat()[i], value, 2e-3));
});

Deno.test("checkDataset() counts the labels of all positions", () => {
  const good = cycle();
  checkDataset(good);
  const refuse = (changes: Partial<Split>, text: string) => {
    const error = assertThrows(() => checkDataset({ ...good, test: { ...good.test, ...changes } }), DataError);
    assert(error.message.includes(text), error.message);
  };
  refuse({ labels: new Int32Array(13) }, "expected 52 labels, found 13");
  refuse({ labels: good.test.labels!.map((label, i) => i === 6 ? 5 : label) }, "found 5 at example 1, position 2");
  refuse({ labelsPerExample: 2, labels: new Int32Array(26) }, "the parts have 4 and 2 labels for each example");
  refuse({ normalize: { mean: [0], deviation: [1] } }, "for each of 4 channels, found 1 and 1");
  const ones = [1, 1, 1, 1];
  refuse({ normalize: { mean: ones, deviation: [1, 1, 0, 1] } }, "with the deviation 0");
  const units = { mean: [0, 0], deviation: [1] };
  assertThrows(() => checkDataset({ ...corners(), targetUnits: units }), DataError, "found 2 and 1");
});

Deno.test("models and batches that do not fit a sequence's labels or lanes are refused", async () => {
  const wrong = [
    [
      sequential([embedding(CLASSES, 3), dense(4)]),
      "[batch, 4, 5] for 5 classes at each of 4 positions, found [batch, 4, 4]",
    ],
    [sequential([embedding(CLASSES, 3), lstm(CLASSES, { returnSequences: false })]), "found [batch, 5]"],
  ] as const;
  for (const [model, text] of wrong) await assertRejects(() => fit(model, options()), ShapeError, text);
  const many = () => fit(network(), options({ data: cycle(3, "lanes") }));
  await assertRejects(many, OptionError, "batchSize: expected at most 3, the number of pieces of cycle, found 4.");
});
