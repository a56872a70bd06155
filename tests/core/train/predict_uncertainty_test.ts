/** How sure a prediction is: classes, numbers with noise, quantiles, weight scaling, and the places that draw. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  ClassPasses,
  Key,
  OptionError,
  predict,
  quantile,
  samplesOf,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import * as t from "../../../mod.ts";
import {
  attentionDropout,
  batchNorm,
  dense,
  dropout,
  embedding,
  encoderBlock,
  flatten,
  gaussianNll,
  relu,
  sequential,
} from "../../../plugins/mod.ts";

const x = Tensor.uniform([7, 5], Key.seed(4), "float64");

const net = (outputs = 3) =>
  buildModel(sequential([dropout({ rate: 0.2 }), dense(8), relu(), dropout({ rate: 0.5 }), dense(outputs)]), {
    inputShape: [5],
    seed: 2,
    dtype: "float64",
  });

Deno.test("classes: every part is what the passes say, whatever the batch", () => {
  const model = net();
  const logits = samplesOf(model, x, { samples: 6 });
  const passes = new ClassPasses(7, 3);
  for (let t = 0; t < 6; t++) passes.add(logits.floats.subarray(t * 21, (t + 1) * 21));
  for (const batchSize of [2, 100]) {
    const found = predict(model, x, { samples: 6, softmax: true, batchSize, quantiles: [0, 0.4] });
    for (let row = 0; row < 7; row++) {
      const expected = passes.of(row);
      for (const name of ["mean", "geometricMean", "aleatoric", "epistemic", "total"] as const) {
        assertEquals(found[name].shape, [7, 3]);
        expected[name].forEach((value, i) => assertAlmostEquals(found[name].floats[row * 3 + i], value, 1e-12));
      }
      for (const name of ["entropy", "expectedEntropy", "mutualInformation", "variationRatio"] as const) {
        assertEquals(found[name].shape, [7]);
        assertAlmostEquals(found[name].floats[row], expected[name], 1e-12);
      }
    }
    assertEquals(found.variance.toArray(), found.epistemic.toArray());
    const kept = samplesOf(model, x, { samples: 6, softmax: true });
    for (let i = 0; i < 21; i++) {
      const sorted = Array.from({ length: 6 }, (_, t) => kept.floats[t * 21 + i]).sort((a, b) => a - b);
      assertAlmostEquals(found.quantiles[0].floats[i], sorted[0], 1e-12);
      assertAlmostEquals(found.quantiles[1].floats[i], quantile(sorted, 0.4), 1e-12);
    }
  }
});

Deno.test("the geometric mean of one softmax layer's passes is the softmax of its mean logits", () => {
  const model = buildModel(sequential([dropout({ rate: 0.5 }), dense(4)]), {
    inputShape: [5],
    seed: 3,
    dtype: "float64",
  });
  const { geometricMean, mean } = predict(model, x, { samples: 40, softmax: true });
  const logits = predict(model, x, { samples: 40 }).mean.softmax();
  geometricMean.floats.forEach((value, i) => assertAlmostEquals(value, logits.floats[i], 1e-12));
  assert(mean.floats.some((value, i) => Math.abs(value - logits.floats[i]) > 1e-3), "the arithmetic mean is another");
  // Over many passes the mean logits are those of weight scaling.
  const many = predict(model, x, { samples: 16_000, softmax: true, weightScaling: true });
  many.geometricMean.floats.forEach((value, i) => assertAlmostEquals(value, many.weightScaling!.floats[i], 0.02));
});

Deno.test("weight scaling is one pass in mode eval; sequences that are carried have a state for it", () => {
  const model = net();
  const { weightScaling } = predict(model, x, { samples: 3, softmax: true, weightScaling: true });
  const expected = model.forward(x).softmax();
  weightScaling!.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
  const numbers = predict(model, x, { samples: 3, weightScaling: true, read: (y) => y.slice([0, 0], [y.shape[0], 1]) });
  assertEquals(numbers.weightScaling!.shape, [7, 1]);
  assertEquals(predict(model, x, { samples: 3 }).weightScaling, undefined);
  const carry = () => new Map<string, Tensor>();
  assertThrows(
    () => predict(model, x, { samples: 1, weightScaling: true, carry: [carry()] }),
    OptionError,
    "a map for each of 2 passes",
  );
});

Deno.test("pass t is the same however many there are, whatever the batch, and in any order of the rows", () => {
  const model = net();
  const all = samplesOf(model, x, { samples: 9 });
  assertEquals(all.shape, [9, 7, 3]);
  const few = samplesOf(model, x, { samples: 4, batchSize: 3 });
  assertEquals([...few.floats], [...all.floats.subarray(0, 4 * 21)]);
  const order = [6, 2, 0];
  const turned = samplesOf(model, x.take(Tensor.of(order, "int32")), { samples: 9, examples: order });
  for (let t = 0; t < 9; t++) {
    order.forEach((row, place) => {
      const at = (t * 3 + place) * 3;
      assertEquals([...turned.floats.subarray(at, at + 3)], [
        ...all.floats.subarray((t * 7 + row) * 3, (t * 7 + row) * 3 + 3),
      ]);
    });
  }
});

Deno.test("only the chosen places draw; the others are as in mode eval, with the same masks as when all draw", () => {
  const model = net();
  assertEquals(model.drawingSites(), ["0", "3"]);
  assertEquals(model.drawingSites(undefined, ["^3$"]), ["3"]);
  const chosen = samplesOf(model, x, { samples: 3, sites: ["^3$"] });
  const first = buildModel(sequential([dropout({ rate: 0 }), dense(8), relu(), dropout({ rate: 0.5 }), dense(3)]), {
    inputShape: [5],
    seed: 2,
    dtype: "float64",
  });
  assertEquals(first.drawingSites(), ["3"]);
  assertEquals([...chosen.floats], [...samplesOf(first, x, { samples: 3 }).floats]);
  const still = predict(model, x, { samples: 3, sites: ["^1$"] });
  assertEquals([...still.variance.floats], new Array(21).fill(0));
  assertEquals(still.mean.toArray(), model.forward(x).toArray());
  assertThrows(
    () => predict(model, x, { samples: 2, sites: ["9"] }),
    OptionError,
    'sites.0: expected a pattern that matches one of "", "0"',
  );
  assertThrows(() => predict(model, x, { samples: 2, sites: ["("] }), OptionError, "a regular expression");
});

Deno.test("a place that does not draw is not looked ahead to by the layer before it", () => {
  for (const share of [[], ["batch"]] as ("batch")[][]) {
    const build = (rate: number) =>
      buildModel(sequential([dropout({ rate: 0.5 }), dense(64), relu(), dropout({ rate, share }), dense(3)]), {
        inputShape: [5],
        seed: 2,
      });
    const inputs = Tensor.uniform([40, 5], Key.seed(4));
    const chosen = samplesOf(build(0.5), inputs, { samples: 3, sites: ["^0$"] });
    assertEquals([...chosen.floats], [...samplesOf(build(0), inputs, { samples: 3 }).floats], `share ${share}`);
  }
});

Deno.test("a variant at any site is as in mode eval where other places are chosen", () => {
  const rate = 0.5;
  const image = { inputShape: [2, 6, 6] };
  const sequence = { inputShape: [4, 6] };
  const cases: [path: string, layers: t.LayerPlugin[], options: t.BuildOptions][] = [
    ["1", [t.dense(6), t.gaussianDropout({ rate }), t.dense(3)], { inputShape: [5] }],
    ["1", [t.dense(6), t.concreteDropout({ rate }), t.dense(3)], { inputShape: [5] }],
    ["0.weight", [t.dense(6, { weight: t.weightDrop({ rate }) })], { inputShape: [5] }],
    ["0.weight", [t.dense(6, { weight: t.dropConnect({ rate }) })], { inputShape: [5] }],
    ["0.recurrent_l0", [t.lstm(5, { recurrent: t.zoneout({ hidden: rate, cell: rate }) })], sequence],
    ["0.recurrent_l0", [t.gru(5, { recurrent: t.recurrentDropout({ rate }) })], sequence],
    ["0.branch", [t.residual(t.dense(6), { branch: t.stochasticDepth({ rate }) })], { inputShape: [6] }],
    ["0.embedding", [t.embedding(9, 4, { embedding: t.embeddingDropout({ rate }) })], {
      inputShape: [6],
      inputType: "int32",
    }],
    ["0.attention", [t.multiHeadAttention(2, { attention: t.dropKey({ rate }) })], sequence],
    ["1", [t.conv2d(2, 3), t.dropBlock({ rate, block: 2 })], image],
    ["0", [t.stochasticPooling(2)], image],
  ];
  for (const [path, layers, options] of cases) {
    const model = buildModel(t.sequential(layers), { ...options, seed: 3 });
    const [first] = model.inputShapes;
    const inputs = options.inputType === "int32"
      ? Tensor.of([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]], "int32")
      : Tensor.uniform([2, ...first], Key.seed(1));
    const name = `${path} of ${layers.map(({ plugin }) => plugin).join()}`;
    assertEquals(model.drawingSites(), [path], name);
    const { mean, variance } = predict(model, inputs, { samples: 4, sites: ["^$"] });
    assertEquals([...variance.floats], new Array(variance.size).fill(0), name);
    assertEquals([...mean.floats], [...model.forward(inputs).floats], name);
    const drawn = predict(model, inputs, { samples: 4, sites: [`^${path}$`] });
    assertEquals([...drawn.mean.floats], [...predict(model, inputs, { samples: 4 }).mean.floats], name);
    assert(drawn.variance.max().item() > 0, name);
  }
});

Deno.test("places inside blocks are chosen by their paths, and batch norm stays frozen", () => {
  const options = { attention: attentionDropout({ rate: 0.5 }), dropout: dropout({ rate: 0.5 }) };
  const model = buildModel(
    sequential([embedding(9, 4), encoderBlock(2, options), batchNorm(), flatten()]),
    { inputShape: [6], inputType: "int32", seed: 1 },
  );
  const sites = model.drawingSites();
  const attention = sites.filter((path) => path.includes("attention"));
  assert(attention.length > 0 && attention.length < sites.length, sites.join());
  const words = Tensor.of([[1, 2, 3, 4, 5, 6]], "int32");
  const before = [...model.state()].map(([name, tensor]) => [name, [...tensor.floats]]);
  const some = samplesOf(model, words, { samples: 2, sites: ["attention"] });
  assert(some.floats.some((value, i) => value !== samplesOf(model, words, { samples: 2 }).floats[i]));
  assert(some.floats.slice(0, 24).some((value, i) => value !== some.floats[24 + i]), "attention draws");
  assertEquals(model.drawingSites(undefined, ["attention"]), attention);
  assertEquals([...model.state()].map(([name, tensor]) => [name, [...tensor.floats]]), before);
});

Deno.test("numbers with noise: what the loss says and what the passes say add up, quantiles hold both", () => {
  const model = net(2);
  const { definition, options } = gaussianNll();
  const read = (y: Tensor) => definition.prediction!(y, options);
  const noise = (y: Tensor) => definition.noise!(y, options);
  const found = predict(model, x, { samples: 8, read, noise, quantiles: [0.1, 0.9] });
  const passes = samplesOf(model, x, { samples: 8 });
  for (let row = 0; row < 7; row++) {
    const at = Array.from({ length: 8 }, (_, t) => passes.floats.subarray((t * 7 + row) * 2, (t * 7 + row) * 2 + 2));
    const expected = at.reduce((sum, [, logVariance]) => sum + Math.exp(logVariance), 0) / 8;
    assertAlmostEquals(found.aleatoric.floats[row], expected, 1e-12);
    assertAlmostEquals(found.total.floats[row], expected + found.epistemic.floats[row], 1e-12);
    const [low, high] = found.predictiveQuantiles.map(({ floats }) => floats[row]);
    assert(
      low < found.quantiles[0].floats[row] && high > found.quantiles[1].floats[row],
      "noise lies around the passes",
    );
  }
  const tau = predict(model, x, { samples: 2, noise: 1 / 4 });
  assertEquals([...tau.aleatoric.floats], new Array(14).fill(0.25));
  const value = gaussianNll({ variance: "value", epsilon: 0.5 });
  const least = value.definition.noise!(Tensor.of([[3, 0.1], [3, 2]]), value.options);
  assertEquals(least.toArray(), [[0.5], [2]]);
});

Deno.test("options that exclude each other or are out of range are refused by name", () => {
  const model = net();
  assertThrows(() => predict(model, x, { quantiles: [0.5, 1.5] }), OptionError, "predict: quantiles.1");
  assertThrows(() => predict(model, x, { samples: 16_385 }), OptionError, "predict: samples");
  assertThrows(() => predict(model, x, { noise: -1 }), OptionError, "predict: noise");
  const both = { noise: 1, softmax: true } as unknown as { noise: number };
  assertThrows(() => predict(model, x, both), OptionError, "predict: noise");
  assertThrows(() => predict(model, x, { noise: (y) => y.sum() }), ShapeError, "expected a noise of the shape");
});
