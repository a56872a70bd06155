/** A loop of one's own: that it is what `fit` does, and what it refuses. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  type Batch,
  batchesOf,
  buildModel,
  type Dataset,
  DivergenceError,
  fit,
  gradients,
  loadDataset,
  lossOf,
  type Model,
  type ModelOptimizer,
  optimizerFor,
  OptionError,
  recycling,
  ShapeError,
  stepsPerEpoch,
  Tensor,
} from "../../../core/mod.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { cosine } from "../../../plugins/schedules/cosine.ts";
import { corners, network } from "../_runs.ts";

const weightsOf = (model: Model) => model.parameters().map(({ tensor }) => [...tensor.floats]);

function step(model: Model, optimizer: ModelOptimizer, { inputs, targets }: Batch): void {
  const outputs = model.forward(inputs, optimizer.run);
  optimizer.update(gradients(lossOf(crossEntropy(), outputs, targets), optimizer.weights));
}

Deno.test("a loop of one's own gives the weights that fit() gives, bit for bit, with recycling or without", async () => {
  const settings = { batchSize: 8, seed: 5 };
  const optimizer = sgd({ learningRate: cosine({ from: 0.1, to: 0 }), momentum: 0.9 });
  const clip = { norm: 0.5 };
  const run = await fit(network(), { data: corners(), optimizer, clip, epochs: 3, ...settings });
  for (const around of [(body: () => void) => body(), recycling]) {
    const data = await loadDataset(corners());
    const model = buildModel(network(), { inputShape: [6], seed: 5 });
    const length = stepsPerEpoch(data, 8);
    const own = optimizerFor(model, optimizer, { clip, stepsPerEpoch: length, totalSteps: 3 * length });
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const batch of batchesOf(data, { epoch, ...settings })) around(() => step(model, own, batch));
    }
    assertEquals(own.step, run.step);
    assertEquals(weightsOf(model), weightsOf(run.model));
  }
});

Deno.test("batchesOf() gives every example once an epoch, in an order of each epoch's own", () => {
  const count = 23;
  const inputs = Float32Array.from({ length: count }, (_, i) => i);
  const part = { count, shape: [1], inputs, scale: 1, targets: inputs };
  const data: Dataset = { name: "numbers", classes: 0, outputs: 1, train: part, test: part };
  const order = (epoch: number, seed = 1) =>
    [...batchesOf(data, { epoch, batchSize: 5, seed })].flatMap(({ inputs, targets }) => {
      assertEquals(inputs.toArray(), targets.toArray());
      return [...inputs.floats];
    });
  assertEquals(order(0).toSorted((a, b) => a - b), [...inputs]);
  assertEquals(order(0), order(0));
  assertNotEquals(order(0), order(1));
  assertNotEquals(order(0), order(0, 2));
  assertThrows(() => batchesOf(data, {} as never), OptionError, "batchesOf: epoch: expected a whole number");
  assertThrows(() => batchesOf({ ...data, order: "lanes" }, { epoch: 0 }), OptionError, "at most 23");
});

Deno.test("the optimizer's run has a step of its own for each update, so that no mask comes twice", () => {
  const model = buildModel(sequential([dropout({ rate: 0.5 }), dense(3)]), { inputShape: [6], seed: 1 });
  const optimizer = optimizerFor(model, sgd({ learningRate: 0 }));
  const [batch] = batchesOf(corners(), { epoch: 0, batchSize: 8 });
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    seen.add(String(model.forward(batch.inputs, optimizer.run).floats));
    step(model, optimizer, batch);
  }
  assertEquals([seen.size, optimizer.step, model.trainedAt], [5, 5, 4]);
});

Deno.test("a loop whose passes stay at one step is refused at its second update, and its weights stay", () => {
  const model = buildModel(network(), { inputShape: [6] });
  const optimizer = optimizerFor(model, sgd({ learningRate: 0.1 }));
  const [{ inputs, targets }] = batchesOf(corners(), { epoch: 0, batchSize: 8 });
  const frozen = () => {
    const outputs = model.forward(inputs, { mode: "train", step: 0 });
    optimizer.update(gradients(lossOf(crossEntropy(), outputs, targets), optimizer.weights));
  };
  frozen();
  const before = weightsOf(model);
  assertThrows(frozen, OptionError, "forward: step: expected one after 0, that of the update before");
  assertEquals([weightsOf(model), optimizer.step], [before, 1]);
  step(model, optimizer, { inputs, targets });
  assertNotEquals(weightsOf(model), before);
});

Deno.test("an update clips, and refuses gradients that are not those of the weights, or not finite", () => {
  const model = buildModel(dense(1), { inputShape: [2] });
  const optimizer = optimizerFor(model, sgd({ learningRate: 1 }), { clip: { norm: 1 } });
  const [weight, bias] = weightsOf(model);
  const none = Tensor.zeros([1]);
  assertThrows(() => optimizer.update([none]), ShapeError, "a gradient for each of 2 parameters, found 1");
  assertThrows(() => optimizer.update([none, none]), ShapeError, "shape [1, 2] for weight, found [1]");
  const broken = () => optimizer.update([Tensor.of([[NaN, 0]]), none]);
  const error = assertThrows(broken, DivergenceError, "step 1: the gradient of weight is not finite. The weights");
  assertEquals((error as DivergenceError).lastLoss, null);
  assertEquals([weightsOf(model), optimizer.step], [[weight, bias], 0]);
  const gradient = Tensor.of([[3, 4]]);
  optimizer.update([gradient, null]);
  assert(Math.abs(weight[0] - weightsOf(model)[0][0] - 0.6) < 1e-6);
  assertEquals(weightsOf(model)[1], bias);
  assertThrows(() => optimizerFor(model, dense(1) as never), OptionError, "an optimizer plugin");
  assertThrows(() => optimizerFor(model, sgd(), { clp: {} } as never), OptionError, "one of the options");
});

Deno.test("a loop of one's own goes on from its weights and slots", () => {
  const data = corners();
  const build = () => buildModel(network(), { inputShape: [6], seed: 1 });
  const start = (model: Model) => optimizerFor(model, sgd({ learningRate: 0.1, momentum: 0.9 }));
  const epoch = (model: Model, optimizer: ModelOptimizer, epoch: number) => {
    for (const batch of batchesOf(data, { epoch, batchSize: 8 })) step(model, optimizer, batch);
  };
  const model = build();
  const optimizer = start(model);
  epoch(model, optimizer, 0);
  const again = build();
  again.parameters().forEach(({ tensor }, i) => tensor.assign(model.parameters()[i].tensor));
  const resumed = start(again);
  for (const [name, slot] of resumed.slots()) slot.assign(optimizer.slots().get(name)!);
  resumed.resume(optimizer.step);
  epoch(model, optimizer, 1);
  epoch(again, resumed, 1);
  assertEquals(weightsOf(again), weightsOf(model));
});
