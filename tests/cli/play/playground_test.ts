import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { buildModel, keptEntries, type LayerPlugin, OptionError, Tensor } from "../../../core/mod.ts";
import { dense, dropConnect, dropout, relu, sequential } from "../../../plugins/mod.ts";
import { challenges } from "../../../cli/play/page/challenges.ts";
import type { SiteFrame } from "../../../cli/play/page/messages.ts";
import { Playground } from "../../../cli/play/page/playground.ts";
import { datasetOf, pointsOf } from "../../../cli/play/page/points.ts";
import { doubts, firstScene, patterns, type Scene } from "../../../cli/play/page/scene.ts";
import { fittingVariants } from "../../../cli/play/page/variants.ts";

const variants = fittingVariants();

/** A playground after some steps. */
function played(scene: Scene, steps: number): Playground {
  const playground = new Playground(scene, variants);
  for (let i = 0; i < steps; i++) playground.train();
  return playground;
}

Deno.test("the variants that fit are found among the plugins, with their options' own bounds", () => {
  const names = variants.map(({ name }) => name);
  for (const name of ["dropout", "drop-connect", "gaussian-dropout", "standout", "concrete-dropout", "shakeout"]) {
    assert(names.includes(name), name);
  }
  for (const name of ["spatial-dropout", "drop-block", "word-dropout", "relu", "zoneout", "batch-norm"]) {
    assert(!names.includes(name), name);
  }
  const of = (name: string) => variants.find((one) => one.name === name)!;
  assertEquals([of("dropout").at, of("dropout").main.name, of("dropout").main.range], ["units", "rate", [0, 1, 0.01]]);
  assertEquals(of("gaussian-dropout").main.range, [0, 0.99, 0.01]);
  assertEquals([of("drop-connect").at, of("drop-connect").neutral, of("standout").neutral], ["weights", true, false]);
  assertEquals(of("dropout").options.find(({ name }) => name === "convention")!.choices, ["inverted", "classic"]);
});

Deno.test("each variant trains, is looked at, and says how unsure it is", () => {
  for (const { name } of variants) {
    const playground = played({ ...firstScene, variant: name, layers: [12, 12] }, 5);
    const before = playground.measure()!.train.loss;
    for (let i = 0; i < 60; i++) playground.train();
    assert(playground.measure()!.train.loss < before, name);
    const { sites } = playground.train(true)!;
    assertEquals(sites.length, playground.rates.length, name);
    for (const { factors, rows, weights, layer } of sites) {
      const units = [2, 12, 12, 2][layer];
      assertEquals(factors.length, rows * units * (weights ? [2, 12, 12][layer - 1] : 1), name);
      assert(factors.every((factor) => factor >= 0 && factor <= 2), name);
    }
  }
});

/** What the library draws for a batch of a net at a step, at the site of a path. */
function keptBy(root: LayerPlugin, seed: number, step: number, rows: number): Map<string, number[]> {
  const found = new Map<string, number[]>();
  buildModel(root, { inputShape: [2], seed }).forward(Tensor.ones([rows, 2]), {
    mode: "train",
    step,
    atSites: (call) => {
      const [x] = call.args as [Tensor];
      found.set(call.path, [...keptEntries(call.mask!, x.shape).floats].map((value) => value > 0 ? 1 : 0));
      return call.act(call.args);
    },
  });
  return found;
}

const kept = ({ factors }: SiteFrame) => Array.from(factors, (factor) => factor > 0 ? 1 : 0);

Deno.test("masks in sight are those that the library draws for the same seed, step and example", () => {
  const rates = [0.2, 0.5, 0.3];
  const [atInput, first, second] = rates.map((rate) => dropout({ rate }));
  const root = sequential([atInput, dense(8), relu(), first, dense(8), relu(), second, dense(2)]);
  const playground = played({ ...firstScene, rates, seed: 7 }, 10);
  for (let step = 10; step < 14; step++) {
    const { step: told, sites } = playground.train(true)!;
    assertEquals(told, step);
    const expected = keptBy(root, 7, step, sites[0].rows);
    assertEquals(sites.map(({ path }) => path), ["0", "3", "6"]);
    for (const site of sites) assertEquals(kept(site), expected.get(site.path));
  }
});

Deno.test("of weights that each example loses for itself, those of the example in sight are told", () => {
  const playground = played({ ...firstScene, variant: "drop-connect", rates: [0.5, 0, 0] }, 3);
  const { step, sites: [site] } = playground.train(true)!;
  // The same weights from the outside: what a net of one product makes of each input alone.
  const net = sequential([dense(8, { weight: dropConnect({ rate: 0.5 }), bias: false })]);
  const model = buildModel(net, { inputShape: [2], seed: firstScene.seed });
  const column = (x: readonly number[]) =>
    model.forward(Tensor.of([x.slice(), [1, 1]]), { mode: "train", step }).slice([0], [1]).floats;
  const [fromFirst, fromSecond] = [column([1, 0]), column([0, 1])];
  const expected = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? fromFirst : fromSecond)[i >> 1] !== 0 ? 1 : 0);
  assertEquals(kept(site), expected);
});

Deno.test("a rate that is changed in training holds from the next step on; weights and steps go on", () => {
  const playground = played({ ...firstScene, layers: [32, 32] }, 50);
  const share = () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += playground.train(true)!.sites[1].dropped;
    return sum / 12;
  };
  assertAlmostEquals(share(), 0.5, 0.05);
  const before = playground.weights();
  playground.change({ ...firstScene, layers: [32, 32], rates: [0, 0.1, 0.5] });
  assertEquals([playground.step, playground.rates, playground.weights()], [62, [0, 0.1, 0.5], before]);
  assertAlmostEquals(share(), 0.1, 0.03);
  playground.change({ ...firstScene, layers: [32, 32], variant: "shakeout" });
  assertEquals(playground.step, 74);
});

Deno.test("a run that nobody changes is the same as one whose scene was set anew at each step", () => {
  const scene: Scene = { ...firstScene, weightDecay: 0.1 };
  const changed = new Playground(scene, variants);
  for (let i = 0; i < 40; i++) {
    changed.change({ ...scene, learningRate: 0.2 });
    changed.change(scene);
    changed.train();
  }
  assertEquals(changed.weights(), played(scene, 40).weights());
});

Deno.test("layers, activation, seed and reset begin training anew", () => {
  const playground = played(firstScene, 10);
  playground.change({ ...firstScene, layers: [4] });
  assertEquals([playground.step, playground.weights().map(({ length }) => length)], [0, [8, 8]]);
  playground.train();
  playground.reset();
  assertEquals(playground.step, 0);
  assertEquals(playground.weights(), played({ ...firstScene, layers: [4] }, 0).weights());
});

Deno.test("a scene that a plugin refuses leaves the one before as it was", () => {
  const playground = played(firstScene, 3);
  assertThrows(() => playground.change({ ...firstScene, rates: [0, 2] }), OptionError, "rate");
  assertThrows(() => playground.change({ ...firstScene, variant: "drop-out" }), Error, 'unknown plugin "drop-out"');
  assertEquals([playground.step, playground.rates], [3, [0, 0.5, 0.5]]);
  playground.train();
});

Deno.test("points follow from the seed, stay where they are as others come, and are parted by class", () => {
  for (const data of patterns.filter((name) => name !== "own")) {
    const [few, many] = [100, 200].map((count) => pointsOf({ ...firstScene, data, count, share: 30 }));
    assertEquals(many.places.slice(0, 200), few.places, data);
    const trained = [0, 1].map((label) =>
      many.trained.filter((one, i) => one === 1 && many.labels[i] === label).length
    );
    assertEquals(trained, [30, 30]);
    assert(many.places.every((place) => Math.abs(place) <= Math.fround(1.6)));
  }
});

Deno.test("points of one's own are taken as they are; without any there is nothing to train on", () => {
  const own = { ...firstScene, data: "own", points: [0, 1, 0, 1, 0, 1, 0.5, 0.5, 0, -1, -1, 1], share: 50 } as const;
  const data = datasetOf(pointsOf(own))!;
  assertEquals([data.train.count, data.test.count], [2, 2]);
  const none = played({ ...own, points: [] }, 2);
  assertEquals([none.step, none.measure(), none.train(true)], [0, undefined, undefined]);
  assertEquals(none.field().probability.length, 1600);
});

Deno.test("a field says what the net says, and each of its passes is one thinned net", () => {
  const playground = played({ ...firstScene, noise: 0.05, share: 90, rates: [0, 0.1, 0.1] }, 300);
  const { labels, places } = playground.points;
  const { probability, passes, size } = playground.field();
  let right = 0;
  labels.forEach((label, i) => {
    const [column, row] = [0, 1].map((axis) => Math.round((places[2 * i + axis] / 1.6 + 1) / 2 * (size - 1)));
    if ((probability[row * size + column] > 0.5) === (label === 1)) right++;
  });
  assert(right / labels.length > 0.95, `${right} of ${labels.length}`);
  assertEquals(passes.length, 16 * size * size);
  // Where all places have one mask, neighbours differ by little.
  const roughness = (from: number) => {
    let sum = 0;
    for (let i = 1; i < size; i++) sum += Math.abs(passes[from + i] - passes[from + i - 1]);
    return sum / size;
  };
  for (let pass = 0; pass < 16; pass++) assert(roughness(pass * size * size) < 0.06);
});

Deno.test("uncertainty lies in [0, 1], whatever it is told as", () => {
  for (const doubt of doubts) {
    const { unsure } = played({ ...firstScene, doubt }, 50).field();
    assert(unsure.every((value) => value >= 0 && value <= 1.0001), doubt);
    assert(Math.max(...unsure) > 0.01, doubt);
  }
});

Deno.test("each challenge can be met, and is not met from the beginning", () => {
  const [overfit, close, spirals] = challenges;
  const after = (scene: Scene, steps: number) => played(scene, steps).measure()!;
  assert(overfit.done(overfit.scene, after(overfit.scene, 400)));
  const dropped = { ...close.scene, rates: [0, 0.5, 0.5] };
  assert(close.done(dropped, after(dropped, 1000)));
  assert(!close.done(close.scene, after(close.scene, 1000)));
  const wide = { ...spirals.scene, layers: [32, 32], rates: [0, 0.2, 0.2] };
  assert(spirals.done(wide, after(wide, 800)));
  assert(!spirals.done(spirals.scene, after(spirals.scene, 800)));
});

Deno.test("each unit's view is what a net cut off behind it says, between its least and its greatest", () => {
  const playground = played({ ...firstScene, layers: [5, 3], activation: "tanh", variant: "drop-connect" }, 30);
  const { size, layers: [inputs, first, second] } = playground.views();
  assertEquals([inputs, first, second].map(({ length }) => length / size ** 2), [2, 5, 3]);
  // The inputs themselves rise from left to right, and from below to above.
  assertEquals([inputs[0], inputs[size - 1], inputs[size ** 2], inputs.at(-1)], [0, 1, 0, 1]);
  const [weight] = playground.weights();
  for (let unit = 0; unit < 5; unit++) {
    const view = first.subarray(unit * size ** 2, (unit + 1) * size ** 2);
    assertEquals([Math.min(...view), Math.max(...view)], [0, 1]);
    // A unit of the first layer rises in the direction of its weights.
    assertEquals(Math.sign(view[size - 1] - view[0]), Math.sign(weight[2 * unit]));
  }
});
