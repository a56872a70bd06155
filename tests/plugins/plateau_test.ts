/** A schedule that remembers: it hears each epoch's metrics, and goes on where a run was resumed. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type EpochMetrics,
  evaluate,
  type Factory,
  fit,
  loadMeasured,
  measuredWeights,
  OptionError,
  type Plugin,
  type Scheduled,
  scheduled,
  type Snapshot,
  Trainer,
} from "../../core/mod.ts";
import { latestCheckpoint, writeCheckpoint } from "../../core/mod.ts";
import { noise } from "../core/train/_blots.ts";
import { inFolder } from "./datasets/_idx_bytes.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { relu } from "../../plugins/layers/relu.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { plateau, type PlateauOptions } from "../../plugins/schedules/plateau.ts";
import { warmUp } from "../../plugins/schedules/warm_up.ts";
import { copy, corners, numbers, options } from "../core/_runs.ts";

/** The values that a plateau has after each of some losses. */
function values(given: PlateauOptions, losses: readonly number[]): number[] {
  const { definition, options } = plateau(given);
  let state = definition.initial!(options);
  const progress = { step: 0, stepsPerEpoch: 1, totalSteps: 1 };
  const found = [definition.value(progress, options, state)];
  for (const validationLoss of losses) {
    const metrics = { validationLoss, trainLoss: 1 } as EpochMetrics;
    state = definition.epoch!({ options, state, metrics });
    found.push(definition.value(progress, options, state));
  }
  return found;
}

Deno.test("plateau() falls when more epochs than its patience have brought nothing better, and begins to wait anew", () => {
  const losses = [5, 4, 4, 4.5, 4, 3, 3, 3, 3, 3, 3];
  assertEquals(values({ from: 8, factor: 0.5, patience: 2 }, losses), [8, 8, 8, 8, 8, 4, 4, 4, 4, 2, 2, 2]);
  assertEquals(values({ from: 8, factor: 0.5, patience: 0, least: 3 }, [1, 1, 1, 0.5]), [8, 8, 4, 3, 3]);
  // Better by less than the threshold is not better.
  assertEquals(values({ from: 8, factor: 0.5, patience: 0, threshold: 0.1 }, [1, 0.95, 0.8]), [8, 8, 4, 4]);
  assertEquals(values({ from: 8, factor: 0.5, patience: 0, threshold: 0 }, [1, 0.999]), [8, 8, 8]);
  assertEquals(values({ from: 8, factor: 0.5, patience: 0 }, [NaN, NaN]), [8, 4, 2]);
});

/** An optimizer that notes its option at each step. */
function recording(told: number[], rate: Scheduled): Plugin<"optimizer"> {
  const recorder: Factory<"optimizer", { rate?: Scheduled }> = definePlugin({
    name: "recorder",
    options: z.object({ rate: scheduled(z.number()).default(0) }),
    update: ({ options }) => void told.push(options.rate),
  });
  return recorder({ rate });
}

Deno.test("a run tells its schedules each epoch's metrics, wherever they stand", async () => {
  const told: number[] = [];
  // Nothing is learned, so that no epoch but the first is better.
  const rate = plateau({ from: 1, factor: 0.5, patience: 0, metric: "trainLoss" });
  const root = sequential([
    dropout({ rate: plateau({ from: 0.5, factor: 0.5, patience: 1, metric: "runningError" }) }),
    dense(3),
  ]);
  const trainer = await Trainer.create(root, options({ optimizer: recording(told, rate), epochs: 4, batchSize: 25 }));
  while (!trainer.done) await trainer.runEpoch();
  assertEquals(told, [1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]);
  const { schedules } = trainer.snapshot().progress;
  assertEquals(Object.keys(schedules).sort(), ["0.rate", "optimizer.rate"]);
  assertEquals(schedules["optimizer.rate"].value, 0.125);
});

Deno.test("a run whose schedules remember resumes from the disk with the bits of one that was not stopped", async () => {
  const learningRate = plateau({ from: 0.5, factor: 0.3, patience: 0, threshold: 0.5, metric: "trainLoss" });
  const settings = () => options({ optimizer: sgd({ learningRate, momentum: 0.5 }), epochs: 5 });
  const whole = await Trainer.create(dense(3), settings());
  const saved: Snapshot[] = [];
  while (!whole.done) {
    await whole.runEpoch();
    saved.push(copy(whole.snapshot()));
  }
  const rates = saved.map((snapshot) => snapshot.progress.schedules["optimizer.learningRate"].value);
  assert(rates.at(-1)! < 0.5, String(rates));
  await inFolder(async (folder) => {
    for (const snapshot of saved.slice(0, -1)) {
      await writeCheckpoint(folder, snapshot);
      const { snapshot: resume } = await latestCheckpoint(folder, console.error);
      assertEquals(resume.progress, snapshot.progress);
      const again = await Trainer.create(dense(3), { ...settings(), resume });
      while (!again.done) await again.runEpoch();
      assertEquals(numbers(again.snapshot()), numbers(whole.snapshot()));
      assertEquals(again.snapshot().progress.schedules, whole.snapshot().progress.schedules);
    }
  });
  const plain = await fit(dense(3), options({ optimizer: sgd({ learningRate: 0.5, momentum: 0.5 }), epochs: 5 }));
  assertNotEquals([...plain.model.parameters()[0].tensor.floats], [...whole.model.parameters()[0].tensor.floats]);
});

Deno.test("plateau() needs the metric that it follows, and does not stand inside an augmentation", async () => {
  const learningRate = plateau({ from: 0.1 });
  const optimizer = sgd({ learningRate });
  await assertRejects(
    () => fit(dense(3), options({ optimizer })),
    OptionError,
    "plateau.metric: expected a metric that is",
  );
  assert((await fit(dense(3), options({ optimizer, validation: 0.2 }))).validationLoss! > 0);
  const augment = [noise({ deviation: learningRate })];
  await assertRejects(() => fit(dense(3), options({ augment })), OptionError, "a schedule that remembers nothing");
  assertThrows(() => plateau({ from: 1, factor: 1 }), OptionError, "plateau.factor: expected a number in (0, 1)");
});

Deno.test("a schedule that remembers may stand inside another one, which it is asked by, told and saved with", async () => {
  const told: number[] = [];
  const then = plateau({ from: 1, factor: 0.5, patience: 0, metric: "trainLoss" });
  const rate = warmUp(then, { over: 2, unit: "step" });
  const settings = () => options({ optimizer: recording(told, rate), epochs: 3, batchSize: 25 });
  const trainer = await Trainer.create(dense(3), settings());
  await trainer.runEpoch();
  await trainer.runEpoch();
  const resume = copy(trainer.snapshot());
  assertEquals(Object.keys(resume.progress.schedules), ["optimizer.rate.then"]);
  await trainer.runEpoch();
  // Nothing is learned, so that no epoch but the first is better.
  const whole = [0, 0, 0.5, 0.5, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]; // two parameters, two steps an epoch
  assertEquals(told, whole);
  told.length = 0;
  const again = await Trainer.create(dense(3), { ...settings(), resume });
  await again.runEpoch();
  assertEquals(told, whole.slice(8));
});

Deno.test("a snapshot is measured with what its schedules remembered", async () => {
  const rate = plateau({ from: 0.8, factor: 0.25, patience: 0, threshold: 0.9, metric: "trainLoss" });
  const root = sequential([dense(8), relu(), dropout({ rate, convention: "classic" }), dense(3)]);
  const trainer = await Trainer.create(root, options());
  await trainer.runEpoch();
  await trainer.runEpoch();
  const before = trainer.snapshot();
  // What was measured after the second epoch was measured before the schedule heard of it.
  const model = buildModel(root, { inputShape: [6], seed: 5 });
  const progress = loadMeasured(model, before);
  assertEquals(progress, { step: 14, stepsPerEpoch: 7, totalSteps: 28 });
  assertEquals(model.schedules.toJSON(), before.progress.schedules);
  assert(before.progress.schedules["2.rate"].value < 0.8);
  const loss = evaluate(model, corners(), undefined, { progress }).loss;
  const fixed = buildModel(root, { inputShape: [6], seed: 5 });
  fixed.load(measuredWeights(before));
  fixed.configure("2", { rate: before.progress.schedules["2.rate"].value });
  assertEquals(loss, evaluate(fixed, corners()).loss);
});
