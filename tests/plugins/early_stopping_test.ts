/** Ending a run early, and with the weights of its best epoch. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import {
  definePlugin,
  type EpochMetrics,
  evaluate,
  type Factory,
  fit,
  type FitOptions,
  holdBack,
  loadMeasured,
  type Model,
  OptionError,
  type Plugin,
  type Snapshot,
} from "../../core/mod.ts";
import { ema } from "../../plugins/averages/ema.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { earlyStopping } from "../../plugins/observers/early_stopping.ts";
import { keepBest } from "../../plugins/observers/keep_best.ts";
import { adam } from "../../plugins/optimizers/adam/adam.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { copy, corners, network, numbers, options } from "../core/_runs.ts";

/** Options of a run that is soon past its best epoch: few noisy examples, and large steps. */
function soonPast(changes: Partial<FitOptions> = {}): FitOptions {
  return options({ optimizer: adam({ learningRate: 0.2 }), validation: 0.3, epochs: 30, ...changes });
}

/** An observer that hands copies of all snapshots to the test, after each step and at the end. */
function recorder(): { plugin: Plugin<"observer">; steps: Snapshot[]; end: () => Snapshot } {
  const steps: Snapshot[] = [];
  let last: Snapshot | undefined;
  const factory: Factory<"observer", Record<never, never>> = definePlugin({
    name: "recorder",
    options: z.object({}),
    observe: () => ({
      step: ({ snapshot }) => void steps.push(copy(snapshot())),
      end: ({ snapshot }) => void (last = copy(snapshot())),
    }),
  });
  return { plugin: factory(), steps, end: () => last! };
}

/** The place of the smallest number. */
function smallest(values: readonly number[]): number {
  return values.indexOf(Math.min(...values));
}

const weightsOf = (model: Model) => model.parameters().map(({ name, tensor }) => [name, [...tensor.floats]]);

Deno.test("earlyStopping() ends a run `patience` epochs after its best one, with the weights of that one", async () => {
  const run = await fit(network(), soonPast({ observers: [earlyStopping({ patience: 3 })] }));
  const best = smallest(run.history.map((metrics) => metrics.validationLoss!));
  assert(run.stopped && !run.interrupted);
  assertEquals(run.history.length, best + 1 + 3);
  assertEquals([run.epoch, run.validationLoss, run.testError], [
    best + 1,
    run.history[best].validationLoss,
    run.history[best].testError,
  ]);
  // The model itself measures what that epoch did.
  const dataset = holdBack(corners(), 0.3, 5);
  const { loss } = soonPast();
  const split = dataset.validation!;
  assertEquals(evaluate(run.model, dataset, loss!, { split }).loss, run.validationLoss);
  // Until there, the run is that which would not have been stopped.
  const whole = await fit(network(), soonPast());
  const losses = (history: readonly EpochMetrics[]) => history.map((metrics) => metrics.validationLoss);
  assertEquals(losses(run.history), losses(whole.history).slice(0, run.history.length));
  assert(!whole.stopped && whole.epoch === 30);
});

Deno.test("a run resumed after any step is stopped after the same epoch, with the same weights", async () => {
  const whole = recorder();
  const settings = (more: Plugin<"observer">) => soonPast({ observers: [earlyStopping({ patience: 3 }), more] });
  const run = await fit(network(), settings(whole.plugin));
  for (const [step, at] of [5, 12, 23, whole.steps.length - 4, whole.steps.length - 1].entries()) {
    const rest = recorder();
    const resumed = await fit(network(), { ...settings(rest.plugin), resume: whole.steps[at] });
    assertEquals(resumed.epoch, run.epoch, `after step ${step}`);
    assertEquals(resumed.history.length, run.history.length);
    assertEquals(weightsOf(resumed.model), weightsOf(run.model));
    assertEquals(numbers(rest.end()), numbers(whole.end()));
  }
});

Deno.test("a run that was stopped stays so when it goes on, but not with more patience", async () => {
  const first = recorder();
  const run = await fit(network(), soonPast({ observers: [earlyStopping({ patience: 2 }), first.plugin] }));
  const resume = first.end();
  const again = await fit(network(), soonPast({ observers: [earlyStopping({ patience: 2 })], resume }));
  assertEquals([again.history.length, again.epoch], [run.history.length, run.epoch]);
  assertEquals(weightsOf(again.model), weightsOf(run.model));
  const on = await fit(network(), soonPast({ observers: [earlyStopping({ patience: 30 })], resume }));
  assertEquals(on.history.length, 30);
});

Deno.test("a metric must become better by more than the minimum improvement", async () => {
  const settings = { patience: 2, metric: "trainLoss", minimumImprovement: 100 } as const;
  const run = await fit(network(), soonPast({ observers: [earlyStopping(settings)] }));
  assertEquals([run.history.length, run.epoch], [3, 1]);
});

Deno.test("without restoreBest the run keeps its last weights", async () => {
  const settings = { patience: 2, metric: "trainLoss", minimumImprovement: 100 } as const;
  const run = await fit(network(), soonPast({ observers: [earlyStopping({ ...settings, restoreBest: false })] }));
  const best = await fit(network(), soonPast({ observers: [earlyStopping(settings)] }));
  assertEquals([run.history.length, run.epoch], [3, 3]);
  assertNotEquals(weightsOf(run.model), weightsOf(best.model));
});

Deno.test("keepBest() trains to the last epoch and ends with the weights of the best", async () => {
  const run = await fit(network(), soonPast({ observers: [keepBest()], epochs: 12 }));
  assertEquals(run.history.length, 12);
  assertEquals(run.epoch, smallest(run.history.map((metrics) => metrics.validationLoss!)) + 1);
  assert(run.epoch < 12 && !run.stopped);
});

Deno.test("what is kept are the weights that were measured: of an average, under the schedules of that moment", async () => {
  const model = () => sequential([dense(8), dropout({ rate: linear({ from: 0.5, to: 0 }) }), dense(3)]);
  const recorded = recorder();
  const settings = soonPast({ observers: [keepBest(), recorded.plugin], average: ema({ decay: 0.8 }) });
  const run = await fit(model(), settings);
  assert(run.epoch < 30);
  const dataset = holdBack(corners(), 0.3, 5);
  const split = dataset.validation!;
  assertEquals(evaluate(run.model, dataset, settings.loss!, { split }).loss, run.validationLoss);
  // A checkpoint of the end holds them, too, for prediction.
  const progress = loadMeasured(run.model, recorded.end());
  assertEquals(progress.step, 5 * run.epoch);
  assertEquals(evaluate(run.model, dataset, settings.loss!, { split, progress }).loss, run.validationLoss);
});

Deno.test("a metric that the run does not measure, and two that keep weights, are refused", async () => {
  await assertRejects(
    () => fit(network(), options({ observers: [earlyStopping()] })),
    OptionError,
    'early-stopping.metric: expected a metric that is measured; the run has no validation part, which the option validation makes, found "validationLoss"',
  );
  await assertRejects(() => fit(network(), options({ observers: [keepBest()] })), OptionError, "keep-best.metric");
  await assertRejects(
    () => fit(network(), soonPast({ observers: [earlyStopping(), keepBest()] })),
    OptionError,
    "observers: expected at most one that keeps weights",
  );
});
