/** Training runs: the same bits from the same seed, resuming, accumulating, stopping, and refusing. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  CheckpointError,
  crossEntropyRows,
  DataError,
  definePlugin,
  evaluate,
  type Factory,
  fit,
  type FitOptions,
  gradients,
  type Observation,
  OptionError,
  type Plugin,
  poolStatistics,
  ShapeError,
  type Snapshot,
  Tensor,
  ThinnedError,
  Trainer,
} from "../../../core/mod.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { adam } from "../../../plugins/optimizers/adam/adam.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { Dice, freshSeed } from "../_tensors.ts";
import { copy, corners, line, network, numbers, options } from "../_runs.ts";

/** An observer that hands every event to the test. */
function watching(observation: Observation): Plugin<"observer"> {
  const watcher: Factory<"observer", Record<never, never>> = definePlugin({
    name: "watcher",
    options: z.object({}),
    observe: () => observation,
  });
  return watcher();
}

/** The final snapshot and each epoch's losses. */
async function run(changes: Partial<FitOptions> = {}): Promise<[Record<string, number[]>, number[][], Snapshot]> {
  let final: Snapshot | undefined;
  const observers = [watching({ end: (event) => void (final = copy(event.snapshot())) }), ...changes.observers ?? []];
  const result = await fit(network(), options({ ...changes, observers }));
  const losses = result.history.map((m) => [m.trainLoss, m.testLoss, m.runningLoss, m.trainError, m.testError]);
  return [numbers(final!), losses, final!];
}

Deno.test("a run of the same seed gives the same bits, one of another seed gives others", async () => {
  const [weights, losses] = await run();
  assertEquals(await run().then(([w, l]) => [w, l]), [weights, losses]);
  const [other] = await run({ seed: 6 });
  assertEquals(Object.keys(other), Object.keys(weights));
  for (const name in weights) assertNotEquals(other[name], weights[name], name);
});

Deno.test("a run learns", async () => {
  const result = await fit(network(), options({ epochs: 15, data: corners(120) }));
  assert(result.testError < 0.35, `test error ${result.testError}; guessing gives 0.67`);
  assert(result.history[0].trainLoss > result.trainLoss);
});

const optimizers: Record<string, Plugin<"optimizer">> = {
  "sgd with momentum and a schedule": sgd({ learningRate: linear({ from: 0.2, to: 0 }), momentum: 0.9 }),
  "sgd without momentum": sgd({ learningRate: 0.1 }),
  adam: adam({ learningRate: 0.01 }),
};

for (const [name, optimizer] of Object.entries(optimizers)) {
  Deno.test(`a run with ${name} resumed after any step ends with the bits of one that was not stopped`, async () => {
    const seed = freshSeed();
    const at = new Set([7, 28, 1 + new Dice(seed).below(28), 1 + new Dice(seed + 1).below(28)]);
    const snapshots: Snapshot[] = [];
    const step = (event: { step: number; snapshot(): Snapshot }) => {
      if (at.has(event.step)) snapshots.push(copy(event.snapshot()));
    };
    const [weights, losses] = await run({ optimizer, observers: [watching({ step })] });
    assertEquals(snapshots.length, at.size);
    for (const snapshot of snapshots) {
      const [again, lossesAgain] = await run({ optimizer, resume: snapshot });
      const where = `resumed at step ${snapshot.progress.step}, seed ${seed}`;
      assertEquals(again, weights, where);
      assertEquals(lossesAgain, losses, where);
    }
  });
}

Deno.test("a run that is aborted by its signal ends after the step and goes on from there bit for bit", async () => {
  const [weights] = await run();
  const controller = new AbortController();
  const stop = watching({ step: (event) => event.step === 10 ? controller.abort() : undefined });
  let ended = 0;
  let interrupted = false;
  let snapshot: Snapshot | undefined;
  const last = watching({
    end: (event) => {
      ended++;
      interrupted = event.interrupted;
      snapshot = copy(event.snapshot());
    },
  });
  const result = await fit(network(), options({ signal: controller.signal, observers: [stop, last] }));
  assertEquals([result.interrupted, interrupted, ended, result.step, result.history.length], [true, true, 1, 10, 1]);
  assertEquals(snapshot!.progress.step, 10);
  assertEquals((await run({ resume: snapshot! }))[0], weights);
});

Deno.test("a run whose signal was aborted before it began does nothing", async () => {
  const result = await fit(network(), options({ signal: AbortSignal.abort() }));
  assertEquals([result.interrupted, result.epoch, result.step, result.history.length], [true, 0, 0, 0]);
});

Deno.test("a checkpoint of another seed, architecture, optimizer or batch size is refused", async () => {
  const trainer = await Trainer.create(network(), options());
  await trainer.runEpoch();
  const resume = copy(trainer.snapshot());
  const refuse = async (root: ReturnType<typeof network>, changes: Partial<FitOptions>, text: string) => {
    const error = await assertRejects(() => fit(root, options({ resume, ...changes })), CheckpointError);
    assert(error.message.includes(text), error.message);
  };
  await refuse(network(), { seed: 9 }, "seed 5, not 9");
  await refuse(sequential([dense(9), dense(3)]), {}, "another architecture");
  await refuse(network(), { optimizer: adam() }, "another architecture");
  await refuse(network(), { batchSize: 16 }, "do not fit epochs of 4 steps");
});

Deno.test("gradients added up over a split batch are those of the whole batch, with its masks", () => {
  const model = buildModel(network(), { inputShape: [6], seed: 2, dtype: "float64" });
  const data = corners().train;
  const weights = model.parameters().map((p) => p.tensor);
  const slopes = (from: number, to: number) => {
    const x = Tensor.from(Float64Array.from(data.inputs.subarray(6 * from, 6 * to)), [to - from, 6]);
    const outputs = model.forward(x, { mode: "train", step: 4, sample: from });
    const labels = Tensor.from(data.labels!.slice(from, to), [to - from]);
    return gradients(crossEntropyRows(outputs, labels).sum(), weights);
  };
  const whole = slopes(0, 20);
  const parts = [slopes(0, 7), slopes(7, 8), slopes(8, 20)];
  whole.forEach((slope, i) => {
    const sum = parts.map((part) => part[i]).reduce((a, b) => a.add(b));
    const difference = slope.sub(sum).abs().max().item();
    assert(difference < 1e-12, `${model.parameters()[i].name}: ${difference}`);
  });
});

Deno.test("a step in steady state allocates no buffers", async () => {
  const counts: number[] = [];
  const observers = [watching({ step: () => void counts.push(poolStatistics().allocated) })];
  await fit(network(), options({ observers, epochs: 3 }));
  // The first two epochs meet every shape there is: full batches, the last short one, and the evaluation.
  assertEquals(new Set(counts.slice(14)).size, 1);
});

Deno.test("regression is measured by the root of the mean squared error", async () => {
  const result = await fit(dense(1), {
    data: line(),
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: 0.2 }),
    epochs: 30,
    batchSize: 10,
  });
  assert(result.testError < 0.05, String(result.testError));
  assert(Math.abs(result.testError - Math.sqrt(result.testLoss)) < 1e-6);
});

Deno.test("evaluate() does not depend on how examples fall into batches, and takes a limit", () => {
  const model = buildModel(network(), { inputShape: [6], seed: 2 });
  const data = corners(1003);
  const all = evaluate(model, data, crossEntropy());
  const outputs = model.forward(Tensor.from(data.test.inputs as Float32Array<ArrayBuffer>, [1003, 6]));
  const loss = crossEntropyRows(outputs, Tensor.from(data.test.labels!, [1003])).mean().item();
  assert(Math.abs(all.loss - loss) < 1e-6, `${all.loss} and ${loss}`);
  const best = outputs.argmax().ints;
  assertEquals(all.error, best.filter((label, i) => label !== data.test.labels![i]).length / 1003);
  assertNotEquals(evaluate(model, data, crossEntropy(), { limit: 3 }).loss, all.loss);
});

Deno.test("observers are told each step and epoch in order", async () => {
  const told: string[] = [];
  const observers = ["a", "b"].map((name) =>
    watching({
      step: (event) => void told.push(`${name} step ${event.step} ${event.epoch} ${event.stepInEpoch}`),
      epoch: (event) => void told.push(`${name} epoch ${event.epoch}`),
      end: (event) => void told.push(`${name} end ${event.step}`),
    })
  );
  await fit(network(), options({ observers, epochs: 1, batchSize: 25 }));
  assertEquals(told, [
    ...["a step 1 1 1", "b step 1 1 1", "a step 2 1 2", "b step 2 1 2"],
    ...["a epoch 1", "b epoch 1", "a end 2", "b end 2"],
  ]);
});

Deno.test("data sets that are empty, or have a label outside the classes, are refused", async () => {
  const good = corners();
  const bad = (changes: Partial<typeof good.train>) =>
    options({ data: { ...good, train: { ...good.train, ...changes } } });
  const none = { count: 0, inputs: new Float32Array(0), labels: new Int32Array(0) };
  await assertRejects(() => fit(network(), bad(none)), DataError, "train part: expected at least one example");
  for (const label of [3, -1]) {
    const labels = good.train.labels!.slice();
    labels[4] = label;
    await assertRejects(() => fit(network(), bad({ labels })), DataError, `found ${label} at example 4`);
  }
});

Deno.test("a model whose output does not fit the targets is refused with both shapes", async () => {
  await assertRejects(() => fit(dense(4), options()), ShapeError, "[batch, 3] for 3 classes, found [batch, 4]");
  const regression = options({ data: line(), loss: meanSquaredError() });
  await assertRejects(() => fit(dense(2), regression), ShapeError, "[batch, 1] for the targets, found [batch, 2]");
});

Deno.test("options of a run outside their range are refused by name", async () => {
  const wrong: [Partial<FitOptions>, string][] = [
    [{ epochs: 0 }, "epochs"],
    [{ epochs: 1.5 }, "epochs"],
    [{ batchSize: 0 }, "batchSize"],
    [{ seed: -1 }, "seed"],
    [{ loss: sgd() as unknown as Plugin<"loss"> }, "loss"],
    [{ optimizer: crossEntropy() as unknown as Plugin<"optimizer"> }, "optimizer"],
    [{ observers: [sgd() as unknown as Plugin<"observer">] }, "observers"],
  ];
  for (const [changes, path] of wrong) {
    const error = await assertRejects(() => fit(network(), options(changes)), OptionError);
    assertEquals(error.path, path);
  }
});

Deno.test("errors that people can mend have exit status 2", () => {
  const error = assertThrows(() => dense(0), ThinnedError);
  assertEquals(error.exitStatus, 2);
});
