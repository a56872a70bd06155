/** Schedules of rates in a configuration file, and under `--set`. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { loadDataset, type Plugin, Trainer } from "../../../mod.ts";
import { trainCommand } from "../../../cli/arguments/commands/train.ts";
import { configuredDataset, type ConfiguredRun, configuredRun } from "../../../cli/configuration/configured_run.ts";
import { makePlan } from "../../../cli/configuration/make_plan.ts";
import { readArguments } from "../../../cli/arguments/read_arguments.ts";
import { inFolder } from "../_run.ts";

/** A part of a configuration. */
type Part = Record<string, unknown>;

const x = Array.from({ length: 24 }, (_, i) => [i % 3, (i * 7) % 5, i % 2, (i * i) % 7]);
const part = [x, x.map(([a]) => a)];
const dataset: Part = { plugin: "arrays", train: part, test: part, classes: 3 };

/** Reads a configuration from a file, as `deno task train --config FILE [--set path=value]` does, and trains. */
async function trained(config: Part, ...set: string[]): Promise<{ run: ConfiguredRun; trainer: Trainer }> {
  const whole = {
    dataset,
    optimizer: { plugin: "sgd", learningRate: 0.005 },
    epochs: 3,
    batchSize: 6,
    seed: 3,
    ...config,
  };
  let found: { run: ConfiguredRun; trainer: Trainer } | undefined;
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/given.json`, JSON.stringify(whole));
    const pairs = set.flatMap((pair) => ["--set", pair]);
    const args = ["--config", `${folder}/given.json`, "--out", `${folder}/run`, ...pairs];
    const plan = await makePlan(readArguments(args, trainCommand));
    const run = configuredRun(plan.config, "run", plan.registry);
    const { model, validationSeed: _, ...settings } = run;
    const data = await loadDataset(configuredDataset(plan.config, plan.registry) as never);
    const trainer = await Trainer.create(model, { ...settings, data });
    while (!trainer.done) await trainer.runEpoch();
    assert(trainer.history.every(({ trainLoss }) => Number.isFinite(trainLoss)));
    found = { run, trainer };
  });
  return found!;
}

/** The rate of the variant at a path, as the trainer's model has it at the end of the run. */
function rateAt({ trainer }: { trainer: Trainer }, path: string): number {
  const { options } = trainer.model.plugins().get(path)!;
  const rate = options.rate as Plugin<"schedule">;
  const { step } = trainer.history.at(-1)!;
  const progress = { step, stepsPerEpoch: 4, totalSteps: 12 };
  const site = { ...trainer.model.schedules.place(`${path}.rate`, rate), inner: (value: unknown) => value as number };
  const state = trainer.snapshot().progress.schedules[`${path}.rate`] ?? {};
  return rate.definition.value(progress, rate.options, state, site);
}

const hidden: Part = { plugin: "dense", units: 8 };
const model = (rate: Part): Part => ({ model: [hidden, { plugin: "dropout", rate }, { plugin: "dense", units: 3 }] });

const cases: [schedule: Part, set: string, atEnd: number][] = [
  [{ plugin: "early-dropout", cutoff: 9 }, "shape=constant", 0.1],
  [{ plugin: "late-dropout", cutoff: 1 }, "rate=0.3", 0.3],
  [{ plugin: "curriculum-dropout", gamma: 100 }, "rate=0.3", 0.3],
  [{ plugin: "annealed-dropout", over: 6 }, "rate=0.8", 0.4],
  [{ plugin: "by-layer", input: 0.2, hidden: 0.5 }, "input=0.25", 0.25],
];

for (const [schedule, set, atEnd] of cases) {
  Deno.test(`${schedule.plugin} is read from a configuration, and changed by --set`, async () => {
    await trained(model(schedule));
    const changed = await trained(model(schedule), `model.1.rate.${set}`);
    assertAlmostEquals(rateAt(changed, "1"), atEnd, 1e-12);
  });
}

Deno.test("gap-dropout is read from a configuration, and moves by the step that --set says", async () => {
  const config = { ...model({ plugin: "gap-dropout", rate: 0.4, tolerance: 0 }), validation: 0.25, epochs: 2 };
  const rate = rateAt(await trained(config, "model.1.rate.step=0.125"), "1");
  assert([0.275, 0.525].some((value) => Math.abs(rate - value) < 1e-12), String(rate));
});

Deno.test("a configuration has rates by layer, of the input and of hidden layers, and linear in depth", async () => {
  const drop = (rate: Part): Part => ({ plugin: "dropout", rate: { plugin: "by-layer", ...rate } });
  const both = { input: 0.2, hidden: 0.5 };
  const layers = [drop(both), hidden, { plugin: "relu" }, drop(both), hidden, drop(both), {
    plugin: "dense",
    units: 3,
  }];
  const wide = await trained({ model: layers });
  assertEquals(["0", "3", "5"].map((path) => rateAt(wide, path)), [0.2, 0.5, 0.5]);
  const branch = { plugin: "stochastic-depth", rate: { plugin: "by-layer", last: 0.4 } };
  const block = { plugin: "residual", block: hidden, branch };
  const deep = await trained({
    model: [hidden, { plugin: "repeat", block, times: 4 }, { plugin: "dense", units: 3 }],
  }, "model.1.block.branch.rate.last=0.8");
  [0.2, 0.4, 0.6, 0.8].forEach((rate, i) => assertAlmostEquals(rateAt(deep, `1.${i}.branch`), rate, 1e-12));
});

Deno.test("a weight that ramps up, and the number of samples, are read from a configuration's loss", async () => {
  const { run } = await trained({
    ...model({ plugin: "annealed-dropout" }),
    loss: { plugin: "consistency", weight: { plugin: "ramp-up", to: 5, over: 2 } },
  }, "loss.weight.to=7");
  assertEquals((run.loss!.options.weight as unknown as Plugin).options.to, 7);
  const many = await trained({
    ...model({ plugin: "late-dropout", cutoff: 1 }),
    loss: { plugin: "multi-sample-dropout", samples: 3 },
  }, "loss.samples=2");
  assertEquals(many.run.loss!.options.samples, 2);
});
