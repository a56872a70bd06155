/** Ensembles: their members are runs of their seeds, and their predictions are means. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  assessClassification,
  fit,
  fitEnsemble,
  holdBack,
  type Model,
  OptionError,
  predict,
  samplesOf,
  type Snapshot,
  Tensor,
  Trainer,
} from "../../../core/mod.ts";
import { copy, corners, network, options } from "../_runs.ts";

const weights = (model: Model) => model.parameters().map(({ tensor }) => [...tensor.storage.array]);

Deno.test("fitEnsemble() trains members with seeds of their own, on the same data, each the run of its seed", async () => {
  const runs = await fitEnsemble(network(), {
    ...options({ validation: 0.2 }),
    observers: undefined,
    resume: undefined,
    members: 3,
  });
  assertEquals(runs.map(({ name }) => name), ["run-member-0", "run-member-1", "run-member-2"]);
  const data = holdBack(corners(), 0.2, 5);
  for (const [member, run] of runs.entries()) {
    const alone = await fit(network(), { ...options(), data, seed: 5 + member });
    assertEquals(weights(run.model), weights(alone.model));
    assertEquals(run.validationError, alone.validationError);
  }
  assertNotEquals(weights(runs[0].model), weights(runs[1].model));
  // The first member is the run of the ensemble's seed, which draws the same part.
  assertEquals(weights(runs[0].model), weights((await fit(network(), options({ validation: 0.2 }))).model));
  await assertRejects(
    () => fitEnsemble(network(), { ...options(), observers: undefined, resume: undefined, members: 0 }),
    OptionError,
    "members: expected a whole number of at least 1",
  );
});

Deno.test("a member that goes on from a snapshot ends with the bits of one that never stopped", async () => {
  const data = corners();
  const begun = await Trainer.create(network(), { ...options(), data, seed: 6 });
  await begun.runEpoch();
  const resume: (Snapshot | undefined)[] = [undefined, copy(begun.snapshot())];
  const settings = { ...options(), data, observers: undefined, members: 2 };
  const resumed = await fitEnsemble(network(), { ...settings, resume });
  const whole = await fitEnsemble(network(), { ...settings, resume: undefined });
  assertEquals(resumed.map(({ model }) => weights(model)), whole.map(({ model }) => weights(model)));
  const stopped = await fitEnsemble(network(), { ...settings, resume: undefined, signal: AbortSignal.abort() });
  assertEquals(stopped.length, 1);
});

Deno.test("predict() of several models is the mean over members and passes, those of the first member first", async () => {
  const data = corners();
  const settings = { ...options(), data, observers: undefined, resume: undefined, members: 2 };
  const models = (await fitEnsemble(network(), settings)).map(({ model }) => model);
  const x = Tensor.from(data.test.inputs.slice(0, 60), [10, 6]);
  for (const samples of [0, 3]) {
    const all = predict(models, x, { samples, softmax: true });
    const [a, b] = models.map((model) => predict(model, x, { samples, softmax: true }).mean.floats);
    all.mean.floats.forEach((p, i) => assertAlmostEquals(p, (Number(a[i]) + Number(b[i])) / 2, 1e-6));
    assert(all.mutualInformation.min().item() > 0);
    const passes = samplesOf(models, x, { samples, softmax: true });
    assertEquals(passes.shape, [2 * Math.max(samples, 1), 10, 3]);
    const second = samplesOf(models[1], x, { samples, softmax: true });
    assertEquals(passes.slice([Math.max(samples, 1)]).toArray(), second.toArray());
  }
  const pieces = predict(models, x, { samples: 3, softmax: true, batchSize: 3 });
  const whole = predict(models, x, { samples: 3, softmax: true });
  pieces.mean.floats.forEach((p, i) => assertAlmostEquals(p, whole.mean.floats[i], 1e-6));
  assertThrows(() => predict([], x), OptionError, "at least one");
  assertThrows(() => predict(models, x, { weightScaling: true }), OptionError, "a single one says");
});

Deno.test("an ensemble knows more than its members do in the mean", async () => {
  const data = corners(60);
  const settings = { ...options(), data, observers: undefined, resume: undefined, members: 4 };
  const models = (await fitEnsemble(network(), settings)).map(({ model }) => model);
  const nll = (of: readonly Model[]) => assessClassification(of, data).scores.negativeLogLikelihood;
  const alone = models.map((model) => nll([model]));
  // -log is convex: Jensen.
  assert(nll(models) < alone.reduce((sum, value) => sum + value) / 4);
});
