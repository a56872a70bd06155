/** What each step of a run is made of: its examples, its options, its clipping, its constraint, its average. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  clipGradients,
  type Dataset,
  definePlugin,
  evaluate,
  type Factory,
  fit,
  type FitOptions,
  type Observation,
  OptimizerDriver,
  OptionError,
  type Plugin,
  type Scheduled,
  scheduled,
  Tensor,
  Trainer,
} from "../../../core/mod.ts";
import { ema } from "../../../plugins/averages/ema.ts";
import { maxNorm } from "../../../plugins/constraints/max_norm/max_norm.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { step as stepwise } from "../../../plugins/schedules/step.ts";
import { copy, corners, line, network, numbers, options } from "../_runs.ts";

/** 23 examples that hold their own number. */
function numbered(): Dataset {
  const inputs = Float32Array.from({ length: 23 }, (_, i) => i);
  const part = { count: 23, shape: [1], inputs, scale: 1, targets: Float32Array.from(inputs, (x) => 100 + x) };
  return { name: "numbered", classes: 0, outputs: 1, train: part, test: part };
}

/** The examples of each step of a run of three epochs. */
async function visits(changes: Partial<FitOptions>): Promise<number[][]> {
  const seen: number[][] = [];
  const goals: number[][] = [];
  const eye: Factory<"augmentation", Record<never, never>> = definePlugin({
    name: "eye",
    options: z.object({}),
    augment: ({ count, inputs, targets }) => {
      seen.push([...inputs.subarray(0, count)]);
      goals.push([...targets!.subarray(0, count)]);
    },
  });
  const optimizer = sgd({ learningRate: 1e-6 });
  const settings = { data: numbered(), optimizer, epochs: 3, batchSize: 5, seed: 3, augment: [eye()] };
  await fit(dense(1), { ...settings, ...changes });
  // The first call is a trial before the run.
  assertEquals(goals.slice(1), seen.slice(1).map((batch) => batch.map((x) => 100 + x)));
  return seen.slice(1);
}

for (const prefetch of [false, true]) {
  Deno.test(`each epoch visits every example once, in another order${prefetch ? ", when prefetching too" : ""}`, async () => {
    const steps = await visits({ prefetch });
    assertEquals(steps.map((batch) => batch.length), [5, 5, 5, 5, 3, 5, 5, 5, 5, 3, 5, 5, 5, 5, 3]);
    const epochs = [0, 5, 10].map((from) => steps.slice(from, from + 5).flat());
    const all = Array.from({ length: 23 }, (_, i) => i);
    for (const epoch of epochs) {
      assertEquals(epoch.toSorted((a, b) => a - b), all);
      assertNotEquals(epoch, all);
    }
    assertNotEquals(epochs[0], epochs[1]);
    assertNotEquals(epochs[1], epochs[2]);
    assertNotEquals(epochs[0], epochs[2]);
    assertNotEquals((await visits({ prefetch, seed: 4 })).flat(), steps.flat());
  });
}

Deno.test("a run of lanes visits every example once in each epoch, in the order of the lanes", async () => {
  const steps = await visits({ data: { ...numbered(), order: "lanes" } });
  const epoch = [[0, 4, 8, 12, 16], [1, 5, 9, 13, 17], [2, 6, 10, 14, 18], [3, 7, 11, 15, 19]];
  assertEquals(steps, [...epoch, ...epoch, ...epoch]);
});

/** What the recording optimizer was told of one parameter at one step. */
interface Told {
  readonly shape: readonly number[];
  readonly rate: number;
  readonly iteration: number;
}

/** An optimizer that notes what it is given. */
function recording(told: Told[], rate: Scheduled): Plugin<"optimizer"> {
  const recorder: Factory<"optimizer", { rate?: Scheduled }> = definePlugin({
    name: "recorder",
    options: z.object({ rate: scheduled(z.number()).default(0) }),
    update: ({ parameter, options, iteration }) =>
      void told.push({ shape: parameter.shape, rate: options.rate, iteration }),
  });
  return recorder({ rate });
}

Deno.test("an option that is a schedule has its value of each step, counted from 0", async () => {
  const told: Told[] = [];
  const optimizer = recording(told, linear({ from: 1, to: 0 }));
  await fit(dense(1, { bias: false }), { data: line(30), optimizer, epochs: 2, batchSize: 10 });
  told.forEach(({ rate }, i) => assertAlmostEquals(rate, 1 - i / 6, 1e-12));
  assertEquals(told.map(({ iteration }) => iteration), [1, 2, 3, 4, 5, 6]);
});

Deno.test("a schedule in epochs goes on at the first step of an epoch, and a resumed run goes on with it", async () => {
  const rates = async (resumeAt?: number) => {
    const told: Told[] = [];
    const optimizer = recording(told, stepwise({ from: 8, factor: 0.5, every: 1 }));
    const settings = { data: line(30), optimizer, epochs: 3, batchSize: 10 };
    let resume;
    if (resumeAt !== undefined) {
      const first = await Trainer.create(dense(1, { bias: false }), settings);
      for (let i = 0; i < resumeAt; i++) await first.runEpoch();
      resume = copy(first.snapshot());
      told.length = 0;
    }
    await fit(dense(1, { bias: false }), { ...settings, resume });
    return told.map(({ rate, iteration }) => [rate, iteration]);
  };
  const whole = [[8, 1], [8, 2], [8, 3], [4, 4], [4, 5], [4, 6], [2, 7], [2, 8], [2, 9]];
  assertEquals(await rates(), whole);
  assertEquals(await rates(1), whole.slice(3));
});

Deno.test("an option of a layer that is a schedule has its value of each step, too", async () => {
  const seen: number[] = [];
  const watched: Factory<"activation", { rate: Scheduled }> = definePlugin({
    name: "watched",
    options: z.object({ rate: scheduled(z.number()) }),
    activation(x, { mode, options }) {
      if (mode === "train") seen.push(options.rate);
      return x;
    },
  });
  const root = sequential([watched({ rate: linear({ from: 0, to: 6, unit: "step" }) }), dense(1)]);
  await fit(root, { data: line(30), optimizer: sgd(), epochs: 2, batchSize: 10 });
  seen.forEach((rate, i) => assertAlmostEquals(rate, i, 1e-12));
  assertEquals(seen.length, 6);
});

Deno.test("parameter groups: the first that matches counts, others have the optimizer's own options", async () => {
  const told: Told[] = [];
  const optimizer = recording(told, 1);
  const parameterGroups = [{ match: "bias$", set: { rate: 2 } }, { match: "^0", set: { rate: 3 } }];
  const root = sequential([dense(4), relu(), dense(1)]);
  await fit(root, { data: line(10), optimizer, parameterGroups, epochs: 1, batchSize: 10 });
  const names = told.map(({ shape, rate }) => [shape.join("x"), rate]);
  assertEquals(names, [["4x2", 3], ["4", 2], ["1x4", 1], ["1", 2]]);
});

Deno.test("parameter groups with a bad pattern, no match, or a misspelt key are refused", () => {
  const model = buildModel(dense(2), { inputShape: [3] });
  const refuse = (group: Record<string, unknown>, text: string) =>
    assertThrows(() => new OptimizerDriver(sgd(), model, [group as never]), OptionError, text);
  refuse({ match: "(", set: {} }, 'parameterGroups.0.match: expected a regular expression, found "(".');
  refuse({ match: "gain", set: {} }, "a pattern that matches one of weight, bias");
  refuse({ match: "bias", sets: {} }, "parameterGroups.0.sets: expected one of the options match, set");
});

Deno.test("clipGradients() limits entries, then the common length, and tells the length before", () => {
  const given = () => [Tensor.of([3, -8], "float64"), Tensor.of([[6], [0]], "float64")];
  const both = given();
  assertAlmostEquals(clipGradients(both, { value: 4, norm: 2 }), Math.sqrt(9 + 64 + 36), 1e-12);
  // By value 3, -4, 4, 0: length sqrt(41), shrunk to 2.
  const factor = 2 / Math.sqrt(41);
  [3, -4].forEach((x, i) => assertAlmostEquals(both[0].floats[i], factor * x, 1e-12));
  [4, 0].forEach((x, i) => assertAlmostEquals(both[1].floats[i], factor * x, 1e-12));
  const free = given();
  clipGradients(free, { value: 8, norm: 11 });
  assertEquals(free.map((gradient) => [...gradient.floats]), [[3, -8], [6, 0]]);
  // Gradients whose squares are no float32 any more are clipped all the same.
  const steep = [Tensor.of([3e30]), Tensor.of([-4e30])];
  clipGradients(steep, { norm: 1 });
  assertAlmostEquals(steep[0].item(), 0.6, 1e-6);
  assertAlmostEquals(steep[1].item(), -0.8, 1e-6);
  for (const wrong of [{ norm: 0 }, { value: -1 }, { nrom: 1 }]) {
    assertThrows(() => clipGradients(given(), wrong), OptionError, "clip.");
  }
});

Deno.test("a run's gradients are clipped before the update", async () => {
  const lengths = async (clip: FitOptions["clip"]) => {
    const found: number[] = [];
    const watcher: Factory<"optimizer", Record<never, never>> = definePlugin({
      name: "watcher",
      options: z.object({}),
      update: ({ gradient }) => void found.push(gradient.square().sum().item()),
    });
    await fit(network(), options({ optimizer: watcher(), epochs: 1, batchSize: 50, clip }));
    return Math.sqrt(found.reduce((a, b) => a + b, 0));
  };
  const free = await lengths(undefined);
  assert(free > 0.02, String(free));
  assertAlmostEquals(await lengths({ norm: free / 2 }), free / 2, 1e-6);
  assertAlmostEquals(await lengths({ norm: free * 2 }), free, 1e-9);
});

Deno.test("a constraint holds after every update", async () => {
  const norms: number[] = [];
  const watcher: Factory<"observer", Record<never, never>> = definePlugin({
    name: "watcher",
    options: z.object({}),
    observe: (): Observation => ({
      step: (event) => {
        const rows = event.snapshot().tensors.get("model/weight")!.square().sum(1).toArray() as number[];
        norms.push(Math.sqrt(Math.max(...rows)));
      },
    }),
  });
  const root = dense(3, { constraint: maxNorm({ max: 0.3 }) });
  await fit(root, options({ optimizer: sgd({ learningRate: 1 }), observers: [watcher()], epochs: 1 }));
  assertEquals(norms.length, 7);
  for (const norm of norms) assertAlmostEquals(norm, 0.3, 1e-5);
});

Deno.test("what an optimizer draws belongs to the parameter, the step and the run's seed", async () => {
  const draws = async (seed: number) => {
    const found: number[] = [];
    const drawing: Factory<"optimizer", Record<never, never>> = definePlugin({
      name: "drawing",
      options: z.object({}),
      update: ({ key }) => void found.push(Tensor.uniform([1], key.at("x")).item()),
    });
    await fit(dense(3), options({ optimizer: drawing(), epochs: 1, seed }));
    return found;
  };
  const first = await draws(1);
  assertEquals([first.length, new Set(first).size], [14, 14]);
  assertEquals(await draws(1), first);
  assertEquals((await draws(2)).filter((x) => first.includes(x)), []);
});

/** Zeroes the smaller half of a weight's entries, as they are at the third update, for good. */
const pruned: Factory<"constraint", Record<never, never>> = definePlugin({
  name: "pruned",
  options: z.object({}),
  slots: () => ["mask"],
  project(weight, { slots: { mask }, iteration }) {
    if (iteration < 3) return;
    if (iteration === 3) {
      const middle = [...weight.floats].map(Math.abs).sort((a, b) => a - b)[weight.size / 2];
      mask.assign(weight.abs().greater(0.9999 * middle));
    }
    weight.assign(weight.mul(mask));
  },
});

Deno.test("what a constraint keeps beside a weight is saved, and goes on in a resumed run", async () => {
  const root = dense(4, { constraint: pruned() });
  const settings = () => ({ ...options({ data: { ...corners(), classes: 4 } }), epochs: 3 });
  const whole = await Trainer.create(root, settings());
  await whole.runEpoch();
  const resume = copy(whole.snapshot());
  const mask = [...resume.tensors.get("optimizer/constraint/mask/weight")!.floats];
  assertEquals(mask.filter((value) => value === 1).length, 12);
  while (!whole.done) await whole.runEpoch();
  const again = await Trainer.create(root, { ...settings(), resume });
  while (!again.done) await again.runEpoch();
  assertEquals(numbers(again.snapshot()), numbers(whole.snapshot()));
  const zeros = [...whole.model.parameters()[0].tensor.floats].map((value) => value === 0 ? 0 : 1);
  assertEquals(zeros, mask);
});

Deno.test("an average of the weights is what is measured and left at the end; the weights themselves go on", async () => {
  const plain = await fit(network(), options());
  const trainer = await Trainer.create(network(), options({ average: ema({ decay: 0.9 }) }));
  while (!trainer.done) await trainer.runEpoch();
  const snapshot = copy(trainer.snapshot());
  const result = await trainer.end();
  for (const { name, tensor } of plain.model.parameters()) {
    assertEquals(snapshot.tensors.get(`model/${name}`)!.toArray(), tensor.toArray(), name);
    assertNotEquals(snapshot.tensors.get(`average/mean/${name}`)!.toArray(), tensor.toArray(), name);
  }
  for (const { name, tensor } of result.model.parameters()) {
    assertEquals(tensor.toArray(), snapshot.tensors.get(`average/mean/${name}`)!.toArray(), name);
  }
  const measured = evaluate(result.model, corners(), crossEntropy());
  assertEquals([measured.loss, measured.error], [result.testLoss, result.testError]);
  assertNotEquals(result.testLoss, plain.testLoss);
});

Deno.test("the running loss and error count each example once, whatever the sizes of the batches", async () => {
  // A model that does not learn: its loss in training is its loss in evaluation.
  const optimizer = sgd({ learningRate: 0 });
  const result = await fit(dense(3), options({ optimizer, epochs: 1, batchSize: 16 }));
  assertAlmostEquals(result.runningLoss, result.trainLoss, 1e-6);
  assertAlmostEquals(result.runningError, result.trainError, 1e-12);
});

Deno.test("running state takes up every part of a batch that is run in parts, one after the other", async () => {
  const counting: Factory<"layer", Record<never, never>> = definePlugin({
    name: "counting",
    options: z.object({}),
    init: () => ({ state: { rows: Tensor.of([0]), calls: Tensor.of([0]) } }),
    forward(x, { state, setState }) {
      setState("rows", state.rows.add(x.shape[0]));
      setState("calls", state.calls.add(1));
      return x;
    },
  });
  for (const [accumulate, calls] of [[1, 7], [3, 20]]) {
    const root = sequential([counting(), dense(3)]);
    const { model } = await fit(root, options({ epochs: 1, accumulate }));
    // 50 examples in 7 batches; the last, of 2, has but two parts.
    assertEquals([...model.state()].map(([, tensor]) => tensor.item()), [50, calls]);
  }
});
