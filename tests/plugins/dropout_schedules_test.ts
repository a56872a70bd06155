/** Schedules of rates: their values against closed forms, and that every variant and its scale follow the live rate. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  buildModel,
  type EpochMetrics,
  type Model,
  OptionError,
  type Plugin,
  type Progress,
  Registry,
  Tensor,
  Trainer,
} from "../../core/mod.ts";
import {
  annealedDropout,
  attentionDropout,
  builtins,
  byLayer,
  curriculumDropout,
  dense,
  dropConnect,
  dropout,
  earlyDropout,
  embeddingDropout,
  fit,
  gapDropout,
  type GapDropoutOptions,
  keepProbability,
  lateDropout,
  linear,
  multiHeadAttention,
  rateThreshold,
  relu,
  repeat,
  residual,
  sequential,
  spatialDropout,
  stochasticDepth,
  warmUp,
  zoneout,
} from "../../mod.ts";
import { copy, options } from "../core/_runs.ts";
import { built, valueAt } from "./_apply.ts";

/** 12 epochs of 10 steps. */
const progress = (step: number): Progress => ({ step, stepsPerEpoch: 10, totalSteps: 120 });

function follows(schedule: Plugin<"schedule">, values: Record<number, number>): void {
  for (const [step, value] of Object.entries(values)) {
    assertAlmostEquals(valueAt(schedule, progress(Number(step))), value, 1e-12, `step ${step}`);
  }
}

Deno.test("earlyDropout() falls linearly to 0, which the last step before the cutoff has already, and stays there", () => {
  // As a line of 30 numbers from 0.6 to 0, both ends included.
  follows(earlyDropout({ rate: 0.6, cutoff: 3 }), {
    0: 0.6,
    1: 0.6 * 28 / 29,
    15: 0.6 * 14 / 29,
    29: 0,
    30: 0,
    119: 0,
  });
  follows(earlyDropout({ rate: 0.6, cutoff: 5, unit: "step" }), { 0: 0.6, 1: 0.45, 2: 0.3, 3: 0.15, 4: 0, 5: 0 });
  follows(earlyDropout({ rate: 0.6, cutoff: 1, unit: "step" }), { 0: 0.6, 1: 0 });
  follows(earlyDropout({ rate: 0.6, cutoff: 0.25, shape: "constant" }), { 0: 0.6, 2: 0.6, 3: 0 });
  // Without a cutoff: a sixth of the run, as 50 epochs of 300.
  follows(earlyDropout({ rate: 0.3, shape: "constant" }), { 0: 0.3, 19: 0.3, 20: 0, 120: 0 });
  follows(earlyDropout(), { 0: 0.1, 19: 0, 20: 0 });
});

Deno.test("lateDropout() is 0 until the cutoff, and whole from then on", () => {
  follows(lateDropout({ rate: 0.3, cutoff: 3 }), { 0: 0, 29: 0, 30: 0.3, 119: 0.3, 500: 0.3 });
  follows(lateDropout({ cutoff: 7, unit: "step" }), { 6: 0, 7: 0.4 });
  follows(lateDropout(), { 19: 0, 20: 0.4 });
});

Deno.test("early and late dropout of one cutoff share out a run between them", () => {
  const [early, late] = [
    earlyDropout({ rate: 0.5, shape: "constant", cutoff: 4.3 }),
    lateDropout({ rate: 0.5, cutoff: 4.3 }),
  ];
  for (let step = 0; step < 120; step++) {
    assertEquals(valueAt(early, progress(step)) + valueAt(late, progress(step)), 0.5);
  }
});

Deno.test("curriculumDropout() rises by steps from 0 towards its rate, half way in ln 2 / gamma of them", () => {
  follows(curriculumDropout({ rate: 0.5, gamma: 1e-3 }), {
    0: 0,
    1: 0.5 * (1 - Math.exp(-1e-3)),
    1000: 0.5 * (1 - 1 / Math.E),
  });
  assertAlmostEquals(valueAt(curriculumDropout({ rate: 0.5, gamma: 1e-3 }), progress(693)), 0.25, 1e-4);
  // At gamma T = 10 the mean probability of keeping is k + 0.1 (1 - k).
  const run = { stepsPerEpoch: 100, totalSteps: 10000 };
  const rates = Array.from({ length: 10000 }, (_, step) => valueAt(curriculumDropout({ rate: 0.5 }), { ...run, step }));
  assertAlmostEquals(rates.reduce((a, b) => a + b) / 10000, 0.5 - 0.1 * 0.5, 1e-3);
  rates.slice(1).forEach((rate, i) => assert(rate > rates[i] && rate < 0.5, `step ${i}`));
});

Deno.test("curriculumDropout() reversed is the paper's control: it falls from its rate to 0", () => {
  follows(curriculumDropout({ rate: 0.4, gamma: 0.01, reversed: true }), { 0: 0.4, 100: 0.4 / Math.E });
  const [rising, falling] = [false, true].map((reversed) => curriculumDropout({ rate: 0.4, reversed }));
  for (const step of [0, 7, 119]) {
    assertAlmostEquals(valueAt(rising, progress(step)) + valueAt(falling, progress(step)), 0.4, 1e-12);
  }
});

Deno.test("annealedDropout() falls straight to 0 and stays", () => {
  follows(annealedDropout({ rate: 0.8 }), { 0: 0.8, 30: 0.6, 60: 0.4, 120: 0, 200: 0 });
  follows(annealedDropout({ over: 4 }), { 0: 0.5, 10: 0.375, 40: 0, 41: 0 });
  follows(annealedDropout({ over: 4, unit: "step" }), { 1: 0.375, 4: 0 });
});

/** The rates that gap dropout has at first, and after each of some gaps. */
function gapped(given: GapDropoutOptions, gaps: readonly number[]): number[] {
  const { definition, options } = gapDropout(given);
  let state = definition.initial!(options);
  const found = [definition.value(progress(0), options, state)];
  for (const gap of gaps) {
    const metrics = { trainLoss: 1, validationLoss: 1 + gap, trainError: 0.5, validationError: 0.5 + gap };
    state = definition.epoch!({ options, state, metrics: metrics as EpochMetrics });
    found.push(definition.value(progress(0), options, state));
  }
  return found.map((rate) => Math.round(rate * 1e9) / 1e9);
}

Deno.test("gapDropout() is raised while the gap grows, lowered while it closes, and stays while it does neither", () => {
  assertEquals(gapped({ rate: 0.2, step: 0.1 }, [0.1, 0.2, 0.3, 0.3, 0.2, 0.1]), [0.2, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2]);
  // The first gap is compared with nothing; a change within the tolerance is none.
  assertEquals(gapped({ rate: 0.2, tolerance: 0.05 }, [5, 5.04, 5.08, 4.96]), [0.2, 0.2, 0.2, 0.2, 0.15]);
  // A gap may be negative: from -0.2 to -0.1 it grows.
  assertEquals(gapped({ rate: 0.2 }, [-0.2, -0.1]), [0.2, 0.2, 0.25]);
  assertEquals(gapped({ rate: 0.2, metric: "error" }, [0.1, 0.2]), [0.2, 0.2, 0.25]);
});

Deno.test("gapDropout() stays between its bounds", () => {
  const growing = Array.from({ length: 8 }, (_, i) => i);
  assertEquals(gapped({ rate: 0.2, step: 0.25, most: 0.6 }, growing).slice(-3), [0.6, 0.6, 0.6]);
  assertEquals(gapped({ rate: 0.2, step: 0.25, least: 0.1 }, growing.toReversed()).slice(-3), [0.1, 0.1, 0.1]);
  assertEquals([gapped({ most: 0.1 }, []), gapped({ least: 0.3 }, []), gapped({}, [])], [[0.1], [0.3], [0.2]]);
  assertEquals(gapped({ rate: 0.7, step: 1, most: 1 }, [0, 1, 0]), [0.7, 0.7, 1, 0]);
});

Deno.test("the patience of gapDropout() counts epochs in a row, anew after a change and when the gap turns", () => {
  const given = { rate: 0.2, step: 0.1, patience: 2 };
  assertEquals(gapped(given, [0, 1, 2, 3, 4]), [0.2, 0.2, 0.2, 0.3, 0.3, 0.4]);
  assertEquals(gapped(given, [0, 1, 0, 1, 0]), [0.2, 0.2, 0.2, 0.2, 0.2, 0.2]);
  assertEquals(gapped(given, [0, 1, 1, 2, 3]), [0.2, 0.2, 0.2, 0.2, 0.2, 0.3]);
  assertEquals(gapped(given, [9, 8, 7]), [0.2, 0.2, 0.2, 0.1]);
  assertEquals(gapped({ ...given, patience: 3 }, [0, 1, 2, 1, 2, 3]), [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]);
});

Deno.test("gapDropout() goes on from numbers when a loss is not finite", () => {
  assertEquals(gapped({ rate: 0.2 }, [0, NaN, Infinity, 1]), [0.2, 0.2, 0.2, 0.2, 0.25]);
});

Deno.test("a run with gapDropout() resumes with the rate that it had, and needs a validation part", async () => {
  const root = sequential([dense(16), relu(), dropout({ rate: gapDropout({ rate: 0.3, tolerance: 0 }) }), dense(3)]);
  const settings = (more: object = {}) => options({ epochs: 5, validation: 0.3, ...more });
  const whole = await Trainer.create(root, settings());
  const rates: number[] = [];
  const snapshots = [];
  while (!whole.done) {
    await whole.runEpoch();
    snapshots.push(copy(whole.snapshot()));
    rates.push(snapshots.at(-1)!.progress.schedules["2.rate"].rate);
  }
  assert(new Set(rates).size > 2, String(rates));
  for (const resume of snapshots.slice(0, 3)) {
    const again = await Trainer.create(root, settings({ resume }));
    while (!again.done) await again.runEpoch();
    assertEquals(again.snapshot().progress.schedules, whole.snapshot().progress.schedules);
    const [found, expected] = [again, whole].map(({ model }) => [...model.parameters()[0].tensor.floats]);
    assertEquals(found, expected);
  }
  await assertRejects(
    () => fit(root, options({ epochs: 1 })),
    OptionError,
    "gap-dropout.metric: expected a metric that is measured",
  );
});

/** What each schedule gives at one moment of the run, in closed form. */
const moments: [schedule: () => Plugin<"schedule">, step: number, rate: number][] = [
  [() => earlyDropout({ rate: 0.6, cutoff: 5, unit: "step" }), 2, 0.3],
  [() => lateDropout({ rate: 0.7, cutoff: 2 }), 20, 0.7],
  [() => lateDropout({ rate: 0.7, cutoff: 2 }), 19, 0],
  [() => curriculumDropout({ rate: 0.5, gamma: 0.02 }), 40, 0.5 * (1 - Math.exp(-0.8))],
  [() => annealedDropout({ rate: 0.8 }), 90, 0.2],
  [() => gapDropout({ rate: 0.45 }), 5, 0.45],
  [() => byLayer({ hidden: 0.35 }), 5, 0.35],
  [() => warmUp(annealedDropout({ rate: 0.8, over: 10 }), { over: 2 }), 10, 0.4],
];

/** Variants in the smallest models that show their scale: what the model gives for ones where nothing was dropped. */
const hosts: Record<string, (rate: Plugin<"schedule">) => { model: Model; x: Tensor; kept: (q: number) => number }> = {
  "dropout": (rate) => ({
    model: built(dropout({ rate }), [400]),
    x: Tensor.ones([20, 400], "float64"),
    kept: (q) => 1 / q,
  }),
  "spatial-dropout": (rate) => ({
    model: built(spatialDropout({ rate }), [400, 2]),
    x: Tensor.ones([20, 400, 2], "float64"),
    kept: (q) => 1 / q,
  }),
  "stochastic-depth": (rate) => ({
    // A shortcut of 1 beside a branch of 1.
    model: built(residual(dropout({ rate: 0 }), { branch: stochasticDepth({ rate }) }), [1]),
    x: Tensor.ones([8000, 1], "float64"),
    kept: (q) => 1 + 1 / q,
  }),
  "drop-connect": (rate) => ({
    model: ones(built(dense(80, { bias: false, weight: dropConnect({ rate }) }), [1])),
    x: Tensor.ones([100, 1], "float64"),
    kept: (q) => 1 / q,
  }),
};

function ones(model: Model): Model {
  for (const { tensor } of model.parameters()) tensor.assign(Tensor.ones(tensor.shape, "float64"));
  return model;
}

for (const [name, host] of Object.entries(hosts)) {
  Deno.test(`${name} drops with the rate of each schedule's moment, and scales by it`, () => {
    for (const [schedule, step, rate] of moments) {
      const { model, x, kept } = host(schedule());
      const y = model.forward(x, { mode: "train", progress: progress(step) }).floats;
      const whole = kept(keepProbability(rateThreshold(rate)));
      const values = [...new Set([...y].map((value) => Math.round(value * 1e9) / 1e9))].sort((a, b) => a - b);
      const dropped = name === "stochastic-depth" ? 1 : 0;
      const expected = rate === 0 ? [whole] : [dropped, whole];
      assertEquals(values, expected.map((value) => Math.round(value * 1e9) / 1e9), `${schedule().plugin}`);
      const share = y.filter((value) => value === dropped).length / y.length;
      // Five standard errors: a right program is failed once in 1.7 million seeds.
      assert(
        Math.abs(share - rate) <= 5 * Math.sqrt(rate * (1 - rate) / y.length),
        `${schedule().plugin}: ${share} dropped, expected ${rate}`,
      );
    }
  });
}

Deno.test("each of the schedules is taken wherever a rate is, and from JSON", () => {
  const registry = new Registry(builtins);
  for (const [schedule] of moments) {
    const rate = schedule();
    assertEquals(JSON.stringify(registry.create(JSON.parse(JSON.stringify(rate)), "rate")), JSON.stringify(rate));
    for (const plugin of [zoneout({ cell: rate }), attentionDropout({ rate }), embeddingDropout({ rate })]) {
      const again = registry.create(JSON.parse(JSON.stringify(plugin)), "plugin");
      assertEquals(JSON.stringify(again), JSON.stringify(plugin));
    }
    const model = buildModel(multiHeadAttention(1, { attention: attentionDropout({ rate }) }), { inputShape: [3, 4] });
    model.forward(Tensor.ones([2, 3, 4]), { mode: "train", progress: progress(3) });
  }
});

/** A number of the moment, of what may be a schedule. */
const inner = (value: number | Plugin<"schedule">, at: Progress) =>
  typeof value === "number" ? value : valueAt(value, at);

/** The rates of dropout or branches in a model, in the order of their places, told by what is kept of ones. */
function rates(model: Model, step = 0): number[] {
  const found: number[] = [];
  const places = [...model.plugins()].filter(([, { plugin }]) => plugin === "dropout" || plugin === "stochastic-depth");
  for (const [path, plugin] of places) {
    const schedule = plugin.options.rate as Plugin<"schedule">;
    const site = { ...model.schedules.place(`${path}.rate`, schedule), inner };
    found.push(schedule.definition.value(progress(step), schedule.options, {}, site));
  }
  return found;
}

Deno.test("byLayer() gives the input its rate and hidden layers theirs, wherever they stand", () => {
  const drop = () => dropout({ rate: byLayer({ input: 0.2, hidden: 0.5 }) });
  const nested = sequential([drop(), sequential([dense(4), relu(), drop()]), dense(4), relu(), drop(), dense(2)]);
  assertEquals(rates(built(nested, [3])), [0.2, 0.5, 0.5]);
  // One instance at all places is the same.
  const one = drop();
  assertEquals(rates(built(sequential([one, dense(4), one]), [3])), [0.2, 0.5]);
  assertEquals(rates(built(dropout({ rate: byLayer({ hidden: 0.5 }) }), [3])), [0.5]);
});

Deno.test("byLayer() drops with the rate of its place, and scales by it", () => {
  const rate = byLayer({ input: 0.25, hidden: 0.5 });
  const model = built(sequential([dropout({ rate }), dropout({ rate })]), [4000]);
  const y = model.forward(Tensor.ones([10, 4000], "float64"), { mode: "train", step: 0 }).floats;
  assertEquals([...new Set(y)].sort(), [0, 1 / 0.75 * 2]);
  const kept = y.filter((value) => value > 0).length / y.length;
  assert(Math.abs(kept - 0.375) <= 5 * Math.sqrt(0.375 * 0.625 / y.length), String(kept));
});

Deno.test("byLayer() is linear in depth, also over what repeat() makes", () => {
  const stack = (rate: Plugin<"schedule">, times: number) =>
    built(repeat(residual(dense(3), { branch: stochasticDepth({ rate }) }), times), [3]);
  assertEquals(rates(stack(byLayer({ last: 0.5 }), 4)), [0.125, 0.25, 0.375, 0.5]);
  assertEquals(rates(stack(byLayer({ first: 0, last: 0.5 }), 3)), [0, 0.25, 0.5]);
  assertEquals(rates(stack(byLayer({ first: 0.1, last: 0.5 }), 1)), [0.5]);
  assertEquals(rates(stack(byLayer({ rates: [0.1, 0.4, 0.2] }), 3)), [0.1, 0.4, 0.2]);
  const model = stack(byLayer({ rates: [0.1, 0.4, 0.2, 0.3] }), 4);
  model.configure("2.branch", { rate: 0 }); // the fourth is the third now
  assertEquals(rates(built(repeat(residual(dense(3)), 1), [3])), []);
  const left = [...model.plugins()].filter(([path]) => path.endsWith("branch") && path !== "2.branch");
  assertEquals(left.map(([path, { options }]) => model.schedules.place(`${path}.rate`, options.rate as never).index), [
    0,
    1,
    2,
  ]);
});

Deno.test("byLayer() of other numbers are counted apart, those of a name by it", () => {
  const found = (...given: [last: number, name?: string][]) => {
    const layers = given.map(([last, name]) =>
      dropout({ rate: byLayer(name === undefined ? { last } : { last, name }) })
    );
    return rates(built(sequential(layers), [3]));
  };
  assertEquals(found([0.4], [0.5], [0.4], [0.5]), [0.2, 0.25, 0.4, 0.5]);
  assertEquals(found([0.4, "encoder"], [0.4, "encoder"], [0.4, "decoder"], [0.4, "decoder"]), [0.2, 0.4, 0.2, 0.4]);
  assertEquals(found([0.4, "one"], [0.8, "one"], [0.2, "one"], [0.4, "one"]), [0.1, 0.4, 0.2 * 3 / 4, 0.4]);
});

Deno.test("byLayer() knows its place inside another schedule", () => {
  const rate = warmUp(byLayer({ rates: [0.25, 0.5] }), { over: 1, unit: "step" });
  const model = built(sequential([dropout({ rate }), dropout({ rate })]), [500]);
  const y = model.forward(Tensor.ones([4, 500], "float64"), { mode: "train", progress: progress(1) });
  assertEquals([...new Set(y.floats)].sort(), [0, 1 / 0.75 * 2]);
});

Deno.test("the numbers of byLayer() may be schedules: a rate that rises with depth and time, or remembers", async () => {
  const rate = byLayer({ last: linear({ from: 0, to: 0.4 }) });
  const model = built(sequential([dropout({ rate }), dropout({ rate })]), [2000]);
  assertEquals(rates(model, 0), [0, 0]);
  assertEquals(rates(model, 60), [0.1, 0.2]);
  const y = model.forward(Tensor.ones([5, 2000], "float64"), { mode: "train", progress: progress(60) }).floats;
  const expected = [0.1, 0.2].reduce((scale, rate) => scale / keepProbability(rateThreshold(rate)), 1);
  for (const value of y) assert(value === 0 || Math.abs(value - expected) < 1e-12);
  const gap = byLayer({ last: gapDropout({ rate: 0.3, tolerance: 0 }) });
  const root = sequential([dropout({ rate: gap }), dense(8), relu(), dropout({ rate: gap }), dense(3)]);
  const trainer = await Trainer.create(root, options({ epochs: 2, validation: 0.3 }));
  await trainer.runEpoch();
  assertEquals(Object.keys(trainer.snapshot().progress.schedules), ["0.rate.last", "3.rate.last"]);
});

Deno.test("schedules of rates refuse options outside their range", () => {
  const refused: [() => unknown, string][] = [
    [() => earlyDropout({ rate: 1.5 }), "early-dropout.rate: expected a number in [0, 1], found 1.5"],
    [() => earlyDropout({ cutoff: 0 }), "early-dropout.cutoff: expected a number above 0, found 0"],
    [() => lateDropout({ rate: -0.1 }), "late-dropout.rate: expected a number in [0, 1]"],
    [() => lateDropout({ shape: "linear" } as never), "late-dropout.shape"],
    [() => curriculumDropout({ gamma: 0 }), "curriculum-dropout.gamma: expected a number above 0, found 0"],
    [() => annealedDropout({ over: -1 }), "annealed-dropout.over: expected a number above 0, found -1"],
    [() => gapDropout({ rate: 0.9 }), "gap-dropout.rate: expected a number in [0, 0.8], found 0.9"],
    [
      () => gapDropout({ least: 0.9 }),
      "gap-dropout.least: expected a number of at most most, which is 0.8, found 0.9",
    ],
    [() => gapDropout({ step: 0 }), "gap-dropout.step: expected a number in (0, 1], found 0"],
    [() => gapDropout({ patience: 0 }), "gap-dropout.patience: expected a whole number of at least 1, found 0"],
    [() => gapDropout({ tolerance: -1 }), "gap-dropout.tolerance: expected a number of at least 0, found -1"],
    [() => byLayer(), "by-layer: expected hidden with or without input, or last with or without first, or rates"],
    [() => byLayer({ input: 0.2 }), "by-layer: expected hidden"],
    [() => byLayer({ hidden: 0.2, last: 0.5 }), "by-layer: expected hidden"],
    [() => byLayer({ hidden: 2 }), "by-layer.hidden: expected a number in [0, 1] or a schedule, found 2"],
    [() => byLayer({ rates: [] }), "by-layer.rates: expected at least one rate"],
    [
      () => built(repeat(dropout({ rate: byLayer({ rates: [0.1] }) }), 2), [3]),
      "model.1 (dropout).by-layer.rates: expected at least 2 rates, found 1",
    ],
  ];
  for (const [body, message] of refused) assertThrows(body, OptionError, message);
});
