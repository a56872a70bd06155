/** What the study on tables computes, worked by hand where that can be done. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { meanAndError, PassScores } from "../../studies/uci_dropout/_likelihood.ts";
import { buildModel, dense, Tensor } from "../../mod.ts";
import { optimizerOf, trainNet } from "../../studies/uci_dropout/_net.ts";
import { cut, prepare, type SplitRows } from "../../studies/uci_dropout/_part.ts";
import { type Protocol, runSplit, stepsOf } from "../../studies/uci_dropout/_protocol.ts";
import { publishedFor } from "../../studies/uci_dropout/_published.ts";
import { readSplits } from "../../studies/uci_dropout/uci_dropout.ts";

const normal = (distance: number, tau: number) => Math.sqrt(tau / (2 * Math.PI)) * Math.exp(-tau * distance ** 2 / 2);

Deno.test("the log-likelihood is the log of the mean density over passes, in the target's units", () => {
  // Outputs are standardized: 10 + 2 x.
  const scores = new PassScores(Float64Array.of(11, 8), { mean: 10, deviation: 2 }, 0.5);
  scores.add([0, 1]); // 10 and 12
  scores.add([2, -1]); // 14 and 8
  const expected = [(normal(1, 0.5) + normal(3, 0.5)) / 2, (normal(4, 0.5) + normal(0, 0.5)) / 2].map(Math.log);
  const { rmse, logLikelihood } = scores.quality();
  assertAlmostEquals(logLikelihood, (expected[0] + expected[1]) / 2, 1e-12);
  assertAlmostEquals(rmse, Math.sqrt((1 ** 2 + 2 ** 2) / 2), 1e-12); // means 12 and 10
});

Deno.test("no density underflows, whichever pass is the best", () => {
  for (const outputs of [[1000, 1001], [1001, 1000]]) {
    const scores = new PassScores(Float64Array.of(0), { mean: 0, deviation: 1 }, 1);
    for (const output of outputs) scores.add([output]);
    const best = -0.5 * 1000 ** 2 - 0.5 * Math.log(2 * Math.PI) - Math.log(2);
    assertAlmostEquals(scores.quality().logLikelihood, best, 1e-6);
  }
});

Deno.test("the standard error is the population's deviation over the root of the number of splits", () => {
  assertEquals(meanAndError([1, 3, 1, 3]), { mean: 2, error: 0.5 });
});

const rows: SplitRows = {
  features: 2,
  train: {
    inputs: Float64Array.from({ length: 22 }, (_, i) => i % 2 === 0 ? 5 : i),
    targets: Float64Array.from({ length: 11 }, (_, i) => 100 + i),
  },
  test: { inputs: Float64Array.of(6, 3), targets: Float64Array.of(90) },
};

Deno.test("the last fifth of the training rows validates, and all are standardized by those that are trained on", () => {
  const held = cut(rows, 0.8);
  assertEquals([...held.train.targets], [100, 101, 102, 103, 104, 105, 106, 107]); // 8 = trunc(8.8)
  assertEquals([...held.test.targets], [108, 109, 110]);
  assertEquals([...held.test.inputs], [5, 17, 5, 19, 5, 21]);
  const { dataset, inputs, targets, units } = prepare(held);
  assertAlmostEquals(units.mean, 103.5, 1e-12);
  assertAlmostEquals(units.deviation, Math.sqrt(5.25), 1e-12);
  // The second input is 1, 3, ..., 15: mean 8, variance 21. The first is constant, and only shifted.
  const expected = [17, 19, 21].flatMap((input) => [0, (input - 8) / Math.sqrt(21)]);
  expected.forEach((value, i) => assertAlmostEquals(inputs[i], value, 1e-6));
  assertEquals([...targets], [108, 109, 110]);
  assertAlmostEquals(dataset.train.targets![0], -3.5 / Math.sqrt(5.25), 1e-6);
  assertEquals([...prepare(rows).inputs][0], 1); // 6 - 5
});

const net = { rate: 0.05, tau: 2, hidden: 4, layers: 1, epochs: 2, batchSize: 4, samples: 30, seed: 3 } as const;

Deno.test("a net is a function of its seed, and of its regularizer; its rates are given or learned", () => {
  const prepared = prepare(rows);
  let steps = 0;
  const first = trainNet(prepared, net, (more) => steps += more);
  assertEquals(steps, 2 * 3);
  assertEquals(first.rates, [0.05, 0.05]);
  assertEquals(trainNet(prepared, net, () => {}), first);
  for (const change of [{ seed: 4 }, { rate: 0.1 }, { layers: 2 }, { batchSize: 128 }]) {
    assertNotEquals(trainNet(prepared, { ...net, ...change }, () => {}).rmse, first.rmse);
  }
  const learned = trainNet(prepared, { ...net, rate: "concrete", layers: 2, epochs: 20 }, () => {});
  assertEquals(learned.rates.length, 3);
  assert(learned.rates.every((rate) => rate > 0 && rate < 1 && rate !== 0.1), String(learned.rates));
});

Deno.test("weights are regularized as by the authors, and biases are not", () => {
  const model = buildModel(dense(3), { inputShape: [2], seed: 1 });
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  bias.assign(Tensor.ones([3]));
  const before = [...weight.floats];
  // r = l^2 (1 - p) / (2 N tau) adds 2 r W to the gradient. The first step of Adam is g / (|g| + epsilon) of the rate.
  const regularizer = 0.01 ** 2 * (1 - 0.25) / (2 * 10 * 0.5);
  const updates = optimizerOf(model, { rate: 0.25, tau: 0.5 }, 10);
  model.forward(Tensor.ones([1, 2]), updates.run);
  updates.update([Tensor.zeros([3, 2]), Tensor.zeros([3])]);
  weight.floats.forEach((value, i) => {
    const gradient = 2 * regularizer * before[i];
    assertAlmostEquals(value, before[i] - 0.001 * gradient / (Math.abs(gradient) + 1e-7), 1e-7);
  });
  assertEquals([...bias.floats], [1, 1, 1]);
});

const protocol: Protocol = {
  rates: [0.01, 0.2],
  taus: [1, 0.01],
  hidden: 4,
  layers: 1,
  epochs: 3,
  batchSize: 4,
  samples: 20,
  seed: 1,
};

Deno.test("a split takes the grid's best by validation, and trains it anew on all training rows", () => {
  const told: number[] = [];
  const result = runSplit(protocol, 1, rows, (steps) => told.push(steps));
  const total = 4 * 3 * 2 + 3 * 3;
  assertEquals([result.steps, stepsOf(protocol, rows), told.at(-1)], [total, total, total]);
  // Targets lie tens from the predictions of nets so little trained: the smaller precision is the likelier.
  assertEquals([result.split, result.tau], [1, 0.01]);
  assert(result.validation > -30 && result.rates[0] === result.rates[1]);
  const { seconds: _, ...again } = runSplit(protocol, 1, rows);
  const { seconds: __, ...first } = result;
  assertEquals(again, first);
  assertNotEquals(runSplit(protocol, 0, rows).rmse, result.rmse);
});

Deno.test("the grid's choice is that of its nets' log-likelihoods, and the test rows decide nothing", () => {
  const other = { ...rows, test: { inputs: Float64Array.of(5, 11), targets: Float64Array.of(105) } };
  const [a, b] = [runSplit(protocol, 1, rows), runSplit(protocol, 1, other)];
  assertEquals([a.rates, a.tau, a.validation], [b.rates, b.tau, b.validation]);
  assertNotEquals(a.rmse, b.rmse);
  const alone = protocol.rates!.map((rate) => runSplit({ ...protocol, rates: [rate] }, 1, rows).validation);
  assert(a.validation >= alone[0], "the first row of the grid is the same alone");
});

Deno.test("with learned rates only the precision is chosen", () => {
  const result = runSplit({ ...protocol, rates: null }, 0, rows);
  assertEquals(result.steps, 2 * 3 * 2 + 3 * 3);
  assertEquals(result.rates.length, 2);
});

Deno.test("published figures are those of the set under any of its names, and of no other", () => {
  assertEquals(publishedFor("concrete", 100, 128)?.rmse, 4.83);
  assertEquals(publishedFor("yacht", 1, 128)?.logLikelihood, -1.55);
  assertEquals(publishedFor("bostonHousing", 100, 128), publishedFor("boston", 100, 128));
  assertEquals(publishedFor("concrete", 7, 128), null);
  assertEquals(publishedFor("concrete", 100, 64), null);
  assertEquals(publishedFor("mine", 100, 128), null);
});

Deno.test("splits are numbers and ranges", () => {
  assertEquals(readSplits(undefined, 3), [0, 1, 2]);
  assertEquals(readSplits("5, 0-2,1", 6), [0, 1, 2, 5]);
});
